"""The robustness curve, in a fragment of its own: choosing another augmentation draws it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.parts import shared

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.lab import Strengths


@st.fragment
def curve(track: shared.Track, samples: Tensor, start: float, strengths: Strengths) -> None:
    """Strength against the probability of what the networks named first."""
    from crnn import lab_figures, lab_words, robustness

    st.subheader("How much can they take?", anchor=False)
    sweeps = robustness.SWEEPS
    name = st.segmented_control(
        "Augmentation", list(sweeps), format_func=lambda key: sweeps[key].name, default="time", required=True,
        key="sweep", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    asked = (id(track), start, len(samples), name, strengths.noise, strengths.masks, strengths.fill)
    kept = st.session_state.get("lab_curve")
    if kept is None or kept[0] != asked:
        bar = st.progress(0.0, text="Trying stronger and stronger …")
        with shared.turns().turn():
            found = robustness.curves(
                samples, shared.classifiers(), sweeps[name], robustness.settings(strengths), progress=bar.progress
            )
        bar.empty()
        kept = st.session_state.lab_curve = (asked, found)
    st.plotly_chart(
        lab_figures.robustness(kept[1], f"{sweeps[name].name}, from none to extreme"),
        key="curve",
        alt=lab_words.robustness(kept[1]),
    )
    st.caption(
        f"Each point is the mean of {robustness.DRAWS} draws, the shade reaches from the lowest to the highest. The lines "
        "follow what each network named first for the original."
    )
