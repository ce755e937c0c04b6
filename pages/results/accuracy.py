"""How accurate the networks are, protocol by protocol, and how well that generalises."""

from typing import Any

import streamlit as st

from crnn import results, viz
from pages.results import tables
from pages.text import content
from pages.text import results as text


def names(available: list[str]) -> list[str]:
    """The results that this section shows."""
    protocols = results.protocols()
    return [name for name in available if name in protocols or name in ("optimism", "svm")]


def show(mine: list[str]) -> None:
    """Table of protocols; differences from the paper; accuracy by genre on new songs."""
    protocols = results.protocols()
    svm = results.load("svm") or {}
    if protocols:
        _protocols(protocols, svm.get("note"))
    if differences := text.differences_from_paper(protocols):
        st.subheader("Differences from the paper", anchor=False)
        st.markdown("\n".join(f"- {sentence}" for sentence in differences))
    if "N" in protocols and protocols["N"].get("recall"):
        _new_songs(protocols["N"], protocols.get("F"))
    if "optimism" in mine:
        tables.table("optimism")


def _protocols(protocols: dict[str, dict[str, Any]], svm_note: str | None) -> None:
    table = results.protocol_table().drop(columns="Protocol")
    st.dataframe(table.rename(columns={"Description": "Data split"}), hide_index=True)
    st.caption(content.load("results")["protocols"])
    with st.expander("Data splits and runs behind these figures", icon=":material/account_tree:"):
        titles = {name: results.question(name, result) for name, result in protocols.items()}
        contexts = {titles[name]: result["context"] for name, result in protocols.items()}
        contexts |= {"SVM": svm_note} if svm_note else {}
        st.markdown("\n".join(f"- **{name}**: {context}" for name, context in contexts.items()))
        runs = results.run_table(protocols)
        runs["Protocol"] = runs["Protocol"].map(titles)
        st.dataframe(runs.rename(columns={"Protocol": "Data split"}), hide_index=True)


def _new_songs(new: dict[str, Any], known: dict[str, Any] | None) -> None:
    st.subheader("Accuracy by genre on new songs", anchor=False)
    summary = text.new_songs(new)
    st.plotly_chart(viz.evaluation.recall_on_new_songs(new, known), key="carried", alt=summary)
    st.markdown(summary)
    low, high = new.get("interval_95_by_artist", (None, None))
    overall = f" All genres: 95% interval by artist {low:.0%} to {high:.0%}." if low else ""
    st.caption(f"{new['context']} In brackets: number of songs. Whiskers: 95% interval.{overall}")
