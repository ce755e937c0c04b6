"""The stages before the network: wave, spectrum, mel bands, decibels, segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.how_stage import Told, stage

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from crnn.spectrogram import FrontEnd
    from crnn.stages import Stages


def sound(found: Stages, told: dict[str, Told], front_end: FrontEnd) -> None:
    """Wave and spectrum of a segment."""
    from crnn import stage_alts, stage_figures

    with stage(1, told["samples"]):
        st.plotly_chart(stage_figures.wave(found, front_end), key="how-wave", alt=stage_alts.wave(found, front_end))
        st.caption("Shaded: the loudest window, which the next step looks at closer.")
    with stage(2, told["power"]):
        st.plotly_chart(
            stage_figures.window(found, front_end), key="how-window", alt=stage_alts.window(found, front_end)
        )
        st.plotly_chart(
            stage_figures.spectrum(found, front_end), key="how-spectrum", alt=stage_alts.spectrum(found, front_end)
        )
        st.caption(
            "Above, thin: the sound; dotted: the window; strong: one times the other, which is transformed. All powers here are "
            "in decibels below the loudest, or little could be seen; step 4 says what that is. Bright lines one above the other "
            "are a tone and its overtones, bright columns are strokes."
        )


def picture(found: Stages, told: dict[str, Told], front_end: FrontEnd, whole: go.Heatmap, seconds: float) -> None:
    """Mel bands, decibels, and the segment in its track, which lasts so many seconds; whole: the picture of that."""
    from crnn import stage_alts, stage_figures

    with stage(3, told["mel"]):
        st.plotly_chart(stage_figures.bank(front_end), key="how-bank", alt=stage_alts.bank(front_end))
        st.plotly_chart(stage_figures.mel_power(found, front_end), key="how-mel", alt=stage_alts.mel_power(found))
    with stage(4, told["db"]):
        st.plotly_chart(
            stage_figures.mel_decibels(found, front_end), key="how-db", alt=stage_alts.mel_decibels(found, front_end)
        )
    with stage(5, told["segment"]):
        st.plotly_chart(
            stage_figures.place(whole, found, front_end, seconds), key="how-place",
            alt=stage_alts.place(found, seconds, found.segment.shape[2] * front_end.hop_seconds),
        )  # fmt: skip
