"""Tables and training curves of the paper's experiments and of further ones, beside the paper's."""

import streamlit as st

from crnn import results, viz
from pages.text import content
from pages.text import results as text

# Shown by other sections. What none of them knows is shown last under "More experiments".
_ELSEWHERE = ("svm", "optimism", "doubt", "portraits")
# Letters of protocols in the names of rows.
_PLAIN = {r" \(F\)": " of new artists", r" \([PN]\)": ""}


def replication_names(available: list[str]) -> list[str]:
    """Results of the paper's experiments."""
    return [name for name in results.PAPER if name in available]


def further_names(available: list[str]) -> list[str]:
    """Results of further experiments, and all that no section knows."""
    known = {*results.PAPER, *_ELSEWHERE, *results.protocols(), *results.BEYOND}
    listed = [name for name in results.BEYOND if name in available]
    return [*listed, *(name for name in available if name not in known)]


def show(mine: list[str]) -> None:
    """Every table of a section."""
    for name in mine:
        if name == "curves":
            _training_curves()
        else:
            table(name)


def table(name: str) -> None:
    """One result: title, a figure where the paper has the same, rows, notes, and its source."""
    result = results.load(name)
    if result is None:
        return
    if not isinstance(result.get("rows"), list):  # another kind of measurement: all its numbers
        st.subheader(name.replace("-", " ").capitalize(), anchor=False)
        st.dataframe(results.flatten(result), hide_index=True)
        return
    st.subheader(results.title(result), anchor=False)
    rows = results.table(result).replace(_PLAIN, regex=True)
    st.dataframe(rows, hide_index=True)
    place = st.container()
    if comparison := text.comparison(result):
        left, place = st.columns(2, gap="large")
        figure = viz.evaluation.against_paper(result, "This project and the paper")
        left.plotly_chart(figure, key=f"beside-{name}", alt=comparison)
    with place:
        if note := result.get("note"):
            st.markdown(note)
        spread = "± is the standard deviation." if "±" in rows.to_string() else ""
        notes = (text.best(result), results.source(result), spread)
        st.caption(" ".join(filter(None, notes)))
        runs = results.source_runs(result)
        if len(runs):
            with st.expander("Runs behind it", icon=":material/account_tree:"):
                st.dataframe(runs, hide_index=True)
        for title, further in results.further_tables(result).items():
            with st.expander(title, icon=":material/table_chart:"):
                st.dataframe(further, hide_index=True)


def _training_curves() -> None:
    """Loss by epoch, one run at a time for each task (the paper's Figs 3 and 4)."""
    result = results.load("curves")
    if not result or not result["runs"]:
        return
    st.subheader("Training curves", anchor=False)
    tasks = list(dict.fromkeys(run["task"] for run in result["runs"]))
    for column, task in zip(st.columns(len(tasks), gap="large"), tasks, strict=True):
        runs = {run["name"]: run for run in result["runs"] if run["task"] == task}
        labels = {name: run["label"] for name, run in runs.items()}
        with column:
            run = runs[
                st.selectbox(f"Run: {task}", runs, format_func=labels.get, key=f"curve-{task}")
            ]
            summary = text.training_curve(run)
            figure = viz.evaluation.training_curves(run, f"{task.capitalize()}: {run['label']}")
            st.plotly_chart(figure, key=f"loss-{task}", alt=summary)
            st.caption(f"{summary} Run: {run['name']}.")
    st.caption(f"{content.load('results')['curves']} {result.get('context', '')}")
