"""The verdict: both predictions in one card, with how reliable they are."""

from __future__ import annotations

import streamlit as st

from crnn import inference, results
from crnn.labels import colours, display
from pages.shared import models, session
from pages.shared.markdown import escape
from pages.text import predictions

# The protocols that measured each task, the one nearest to a visitor's use first.
_PROTOCOLS = {"genre": ("N", "F"), "mood": ("M",)}


def show(track: session.Track) -> None:
    """The card. Of plain elements: the browser has what draws them, so that nothing moves later."""
    with st.container(border=True, key="verdict"):
        columns = st.columns(len(models.TASKS), gap="medium")
        for column, place, prediction in zip(
            columns, models.TASKS, track.analysis.predictions, strict=True
        ):
            with column.container(gap="xsmall"):
                _task(place, prediction)


def _task(place: str, prediction: inference.Prediction) -> None:
    network, palette = models.network(place), colours(prediction.labels)
    remark, classes = predictions.headline(prediction)
    st.markdown(f"**{display(prediction.task)}**{remark and f' · {remark}'}")
    (first, value), *others = [
        (f':color[⬤]{{foreground="{palette[label]}"}} {escape(display(label), 40)}', value)
        for label, value in classes
    ]
    st.header(f"{first} {value}", anchor=False)
    if others:
        st.markdown(" · ".join(f"{label} **{value}**" for label, value in others))
    measured = {}
    if network.source == place:  # the bundled one
        found = {name: results.load(name) for name in _PROTOCOLS[place]}
        measured = {name: result for name, result in found.items() if result is not None}
    st.caption(predictions.reliability(prediction, measured, network.checkpoint))
