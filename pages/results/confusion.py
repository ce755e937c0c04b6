"""Confusion matrix, calibration, and out-of-distribution detection."""

from typing import Any

import streamlit as st

from crnn import results, viz
from pages.results import tables
from pages.shared.controls import accept_renamed
from pages.text import content
from pages.text import results as text


def names(available: list[str]) -> list[str]:
    """The results that this section shows."""
    return [name for name in available if name in results.protocols() or name == "doubt"]


def show(mine: list[str]) -> None:
    """Confusion matrix and calibration of one protocol; out-of-distribution detection."""
    protocols = results.protocols()
    if protocols:
        titles = {results.question(name, result): name for name, result in protocols.items()}
        accept_renamed("protocol", {name: title for title, name in titles.items()})
        title = st.selectbox("Data split", titles, key="protocol", bind="query-params")
        _protocol(title, protocols[titles[title]])
    if "doubt" in mine:
        tables.table("doubt")


def _protocol(title: str, result: dict[str, Any]) -> None:
    st.subheader(title, anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.plotly_chart(
            viz.evaluation.confusion_matrix(result, "Confusion matrix"),
            key="confusion",
            alt=text.confusion(result),
        )
        st.caption("Percent of each row.")
    with right:
        points = results.reliability(result)
        if points:
            st.plotly_chart(
                viz.evaluation.reliability_diagram(result, "Calibration (reliability diagram)"),
                key="reliability",
                alt="; ".join(
                    f"confidence {p['confidence']:.0%}, accuracy {p['right']:.0%}" for p in points
                ),
            )
            st.caption(content.load("results")["calibration"])
        error, _ = results.value_and_spread(result, "calibration_error")
        meaning = "Mean distance between confidence and accuracy."
        st.metric("Calibration error", f"{100 * error:.1f} points", help=meaning)
        if results.has_figure(result, "calibration_error_before"):
            before, _ = results.value_and_spread(result, "calibration_error_before")
            st.caption(f"{100 * before:.1f} points before temperature scaling.")
        st.caption(result["context"])
