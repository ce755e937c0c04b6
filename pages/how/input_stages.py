"""The stages before the network: wave, spectrum, mel bands, decibels, segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.how.layout import Stage, stage

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from crnn.audio.front_end import FrontEnd
    from crnn.explain.trace import Trace


def sound(found: Trace, told: dict[str, Stage], front_end: FrontEnd) -> None:
    """Wave and spectrum of a segment."""
    from crnn.viz import trace
    from pages.text import layer_alternatives

    with stage(1, told["samples"]):
        st.plotly_chart(
            trace.waveform(found, front_end),
            key="how-wave",
            alt=layer_alternatives.wave(found, front_end),
        )
        st.caption("Shaded: the loudest window, which the next step looks at closer.")
    with stage(2, told["power"]):
        st.plotly_chart(
            trace.window(found, front_end),
            key="how-window",
            alt=layer_alternatives.window(found, front_end),
        )
        st.plotly_chart(
            trace.stft(found, front_end),
            key="how-spectrum",
            alt=layer_alternatives.spectrum(found, front_end),
        )
        st.caption(
            "Above, thin: the sound; dotted: the window; strong: one times the other, which is transformed. All powers here are "
            "in decibels below the loudest, or little could be seen; step 4 says what that is. Bright lines one above the other "
            "are a tone and its overtones, bright columns are strokes."
        )


def picture(
    found: Trace, told: dict[str, Stage], front_end: FrontEnd, whole: go.Heatmap, seconds: float
) -> None:
    """Mel bands, decibels, and the segment in its track, which lasts so many seconds; whole: the picture of that."""
    from crnn.viz import trace
    from pages.text import layer_alternatives

    with stage(3, told["mel"]):
        st.plotly_chart(
            trace.mel_filter_bank(front_end), key="how-bank", alt=layer_alternatives.bank(front_end)
        )
        st.plotly_chart(
            trace.mel_power(found, front_end),
            key="how-mel",
            alt=layer_alternatives.mel_power(found),
        )
    with stage(4, told["db"]):
        st.plotly_chart(
            trace.log_mel(found, front_end),
            key="how-db",
            alt=layer_alternatives.mel_decibels(found, front_end),
        )
    with stage(5, told["segment"]):
        st.plotly_chart(
            trace.segment_in_track(whole, found, front_end, seconds),
            key="how-place",
            alt=layer_alternatives.place(
                found, seconds, found.segment.shape[2] * front_end.hop_seconds
            ),
        )
