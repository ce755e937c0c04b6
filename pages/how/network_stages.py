"""The stages within the network: feature maps, recurrent states, logits, shares, and the whole track."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.how.layout import Stage, stage

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.explain.trace import Trace
    from crnn.inference.prediction import Prediction
    from crnn.model.checkpoint import Checkpoint


def network(found: Trace, told: dict[str, Stage], checkpoint: Checkpoint) -> None:
    """Feature maps and recurrent states of a segment."""
    from crnn.viz import trace
    from pages.text import layer_alternatives

    with stage(6, told["maps"]):
        _maps(found, checkpoint.front_end)
    with stage(7, told["states"]):
        st.plotly_chart(
            trace.hidden_states(found, checkpoint),
            key="how-states",
            alt=layer_alternatives.states(found),
        )
        st.caption(
            "Each line is one number of the memory, from left to right as the segment is read: red above 0, blue below."
        )


def answer(
    found: Trace, told: dict[str, Stage], checkpoint: Checkpoint, prediction: Prediction
) -> None:
    """Logits and shares of a segment; prediction: what the network says of the whole track."""
    from crnn.viz import prediction as prediction_figures
    from crnn.viz import trace
    from pages.text import layer_alternatives, predictions

    labels = checkpoint.labels
    with stage(8, told["logits"]):
        st.plotly_chart(
            trace.logits(found, labels),
            key="how-logits",
            alt=layer_alternatives.logits(found, labels),
        )
    with stage(9, told["probabilities"]):
        st.plotly_chart(
            trace.probabilities(found, labels),
            key="how-shares",
            alt=f"This segment: {layer_alternatives.probabilities(found, labels)}",
        )
        st.dataframe(trace.probability_table(found, labels), hide_index=True, key="how-table")
    with stage(10, told["track"]):
        st.plotly_chart(
            prediction_figures.distribution(prediction, "The whole track"),
            key="how-all",
            alt=predictions.describe(prediction),
        )


@st.fragment
def _maps(found: Trace, front_end: FrontEnd) -> None:
    """One layer's maps; another layer draws them alone."""
    from crnn.viz import trace
    from pages.text import layer_alternatives

    names = ["Input", *(f"Layer {number}" for number in range(1, len(found.maps) + 1))]
    if st.session_state.get("layer", names[1]) not in names:
        st.session_state.layer = names[-1]  # of a deeper network that was here before
    name = st.segmented_control(
        "Layer",
        names,
        default=names[1],
        required=True,
        key="layer",
        bind="query-params",
        label_visibility="collapsed",
    )
    layer = names.index(name)
    order = st.segmented_control(
        "Which maps first",
        ["In order", "Most varied"],
        default="In order",
        required=True,
        key="maps",
        bind="query-params",
        help="In order: each map keeps its place from moment to moment. Most varied: those with the largest spread first.",
        label_visibility="collapsed",
        disabled=layer == 0,
    )
    st.plotly_chart(
        trace.feature_maps(found, layer, order == "Most varied", front_end),
        key="how-maps",
        alt=layer_alternatives.maps(found, layer),
    )
    st.caption(
        "In each little picture, time goes across and pitch goes up. One colour scale for all: grey is 0, red above, blue below."
    )
