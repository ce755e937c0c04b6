"""The figures of each step, each with its text alternative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn import viz
from pages.shared.controls import choose
from pages.text import predictions, stages

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from crnn.explain.trace import Trace
    from crnn.inference.classifier import Prediction
    from crnn.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class Scene:
    """What the figures show: a traced segment, its network, and the track around it.

    spectrogram: of the whole track, which lasts `seconds`; prediction: for the whole track.
    """

    trace: Trace
    checkpoint: Checkpoint
    prediction: Prediction
    spectrogram: go.Heatmap
    seconds: float


def show(step: str, scene: Scene) -> None:
    """Draw the figures of a step, by its name in pages/text/stages.yaml."""
    trace, front_end, labels = scene.trace, scene.checkpoint.front_end, scene.checkpoint.labels
    match step:
        case "samples":
            _chart(
                "wave", viz.trace.waveform(trace, front_end), stages.waveform_alt(trace, front_end)
            )
        case "power":
            _chart(
                "window", viz.trace.window(trace, front_end), stages.window_alt(trace, front_end)
            )
            _chart("spectrum", viz.trace.stft(trace, front_end), stages.stft_alt(trace, front_end))
        case "mel":
            bank = viz.trace.mel_filter_bank(front_end)
            _chart("bank", bank, stages.mel_filter_bank_alt(front_end))
            _chart("mel", viz.trace.mel_power(trace, front_end), stages.mel_power_alt(trace))
        case "db":
            _chart("db", viz.trace.log_mel(trace, front_end), stages.log_mel_alt(trace, front_end))
        case "segment":
            place = viz.trace.segment_in_track(scene.spectrogram, trace, front_end, scene.seconds)
            length = trace.segment.shape[2] * front_end.hop_seconds
            _chart("place", place, stages.segment_in_track_alt(trace, scene.seconds, length))
        case "maps":
            _feature_maps(scene)
        case "states":
            states = viz.trace.hidden_states(trace, scene.checkpoint)
            _chart("states", states, stages.hidden_states_alt(trace))
        case "logits":
            _chart("logits", viz.trace.logits(trace, labels), stages.logits_alt(trace, labels))
        case "probabilities":
            alt = f"This segment: {stages.probabilities_alt(trace, labels)}"
            _chart("shares", viz.trace.probabilities(trace, labels), alt)
            table = viz.trace.probability_table(trace, labels)
            st.dataframe(table, hide_index=True, key="how-table")
        case "track":
            figure = viz.prediction.distribution(scene.prediction, "Whole track")
            _chart("all", figure, predictions.describe(scene.prediction))


def _chart(key: str, figure: Any, alt: str) -> None:
    st.plotly_chart(figure, key=f"how-{key}", alt=alt)


@st.fragment
def _feature_maps(scene: Scene) -> None:
    """The maps of one layer; another choice redraws them alone."""
    trace = scene.trace
    names = ["Input", *(f"Layer {number}" for number in range(1, len(trace.maps) + 1))]
    if st.session_state.get("layer", names[1]) not in names:
        st.session_state.layer = names[-1]  # of a deeper network that was in use before
    layer = names.index(choose("Layer", names, "layer", default=names[1]))
    order = choose(
        "Order of the maps",
        ["In order", "Most varied"],
        "maps",
        help="In order: each map keeps its place from moment to moment. Most varied: the maps with "
        "the largest spread come first.",
        disabled=layer == 0,
    )
    figure = viz.trace.feature_maps(
        trace, layer, order == "Most varied", scene.checkpoint.front_end
    )
    _chart("maps", figure, stages.feature_maps_alt(trace, layer))
