"""Tables and loss curves of the paper's experiments and of those beyond it: whatever was measured, ours beside the paper's."""

import streamlit as st

from crnn import results
from pages.text import results as result_text

# Shown by other sections. What stands nowhere is shown last under Beyond, so that every measurement has a place.
_ELSEWHERE = ("svm", "optimism", "doubt", "portraits")


def paper_names(there: list[str]) -> list[str]:
    """Which of the results that are there belong to the paper's experiments."""
    return [name for name in results.PAPER if name in there]


def beyond_names(there: list[str]) -> list[str]:
    """Those beyond the paper, and every one that no section knows."""
    elsewhere = {*results.PAPER, *_ELSEWHERE, *results.protocols()}
    return [
        *(name for name in results.BEYOND if name in there),
        *(n for n in there if n not in {*elsewhere, *results.BEYOND}),
    ]


def show_paper(mine: list[str]) -> None:
    """The paper's tables, then its loss curves."""
    for name in mine:
        if name == "curves":
            _curves()
        else:
            table(name)


def show_beyond(mine: list[str]) -> None:
    """What the paper did not measure."""
    for name in mine:
        table(name)


def table(name: str) -> None:
    """One table: title, figure where the paper has the same, rows, what did not come out, where it is from."""
    found = results.load(name)
    if found is None:
        return
    if not isinstance(found.get("rows"), list):  # another kind of measurement: every number of it
        st.subheader(name.replace("-", " ").capitalize(), anchor=False)
        st.dataframe(results.flatten(found), hide_index=True)
        return
    st.subheader(results.title(found), anchor=False)
    rows = results.table(found)
    st.dataframe(rows, hide_index=True)
    told = result_text.comparison(found)
    if told:
        from crnn.viz import evaluation

        left, right = st.columns(2, gap="large")
        left.plotly_chart(
            evaluation.against_paper(found, "Here and in the paper"), key=f"beside-{name}", alt=told
        )
    else:
        right = st.container()
    with right:
        if note := found.get("note"):
            st.markdown(f"**What did not come out as in the paper:** {note}" if told else note)
        spread = (
            "± is the standard deviation."
            if rows.map(lambda cell: "±" in cell).any(axis=None)
            else ""
        )
        st.caption(
            " ".join(filter(None, (result_text.best_rows(found), results.source(found), spread)))
        )
        if not (runs := results.source_runs(found)).empty:
            with st.expander("Runs behind it", icon=":material/account_tree:"):
                st.dataframe(runs, hide_index=True)
        for words, more in results.further_tables(found).items():
            with st.expander(words, icon=":material/table_chart:"):
                st.dataframe(more, hide_index=True)


def _curves() -> None:
    """Loss by epoch, one run at a time of each task (the paper's Figs 3 and 4)."""
    from crnn.viz import evaluation

    found = results.load("curves")
    if not found or not found["runs"]:
        return
    st.subheader("Loss while learning", anchor=False)
    tasks = list(dict.fromkeys(run["task"] for run in found["runs"]))
    for column, task in zip(st.columns(len(tasks), gap="large"), tasks, strict=True):
        runs = {run["name"]: run for run in found["runs"] if run["task"] == task}
        with column:
            name = st.selectbox(
                f"Run: {task}",
                list(runs),
                format_func=lambda key, runs=runs: runs[key]["label"],
                key=f"curve-{task}",
            )
            run = runs[name]
            said = result_text.curve_summary(run)
            st.plotly_chart(
                evaluation.training_curves(run, f"{task.capitalize()}: {run['label']}"),
                key=f"loss-{task}",
                alt=said,
            )
            st.caption(f"{said} Run: {name}.")
    st.caption(
        f"The paper's Figs 3 and 4, by our runs. The loss says how surprised the network is by the right answer, in nats. "
        f"{found.get('context', '')}"
    )
