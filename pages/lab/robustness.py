"""The robustness curve, a fragment of its own: another augmentation redraws it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, results, viz
from pages.shared import cache, models, queue, session
from pages.shared.controls import choose
from pages.text import augmentation as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.plan import Strengths
    from crnn.augment.robustness import Curve
    from crnn.inference.prediction import Prediction


@st.fragment
def on_request(
    track: session.Track,
    samples: Tensor,
    start: float,
    strengths: Strengths,
    before: tuple[Prediction, ...],
) -> None:
    """Strength against the probability of each model's original top class, once asked for."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Robustness", anchor=False, width="content")
        if not st.toggle("Show the curve", key="curve", help="Computed in a few seconds."):
            st.caption("How strong must an effect be before the prediction changes?")
            return
    titles = {title: name for name, title in augment.robustness.NAMES.items()}
    title = choose("Augmentation", list(titles), "sweep")
    fixed = augment.robustness.fixed_strengths(strengths)

    def compute() -> tuple[Curve, ...]:
        classifiers = session.classifiers()
        checkpoint = classifiers[0].checkpoint
        waiting = "Computing the robustness curve…"
        bar = st.progress(0.0, text=waiting)
        curves = augment.robustness.curves(
            samples,
            classifiers,
            augment.robustness.sweep(titles[title], checkpoint.front_end),
            fixed,
            checkpoint.segment_seconds,
            lambda fraction: bar.progress(fraction, waiting),
            [prediction.ranked()[0][0] for prediction in before],
            lambda: queue.turn(bar),
        )
        bar.empty()
        return curves

    key = (start, len(samples), title, fixed, models.key())
    curves = cache.per_track("lab_curve", track, key, compute)
    st.plotly_chart(
        viz.augmentation.robustness(curves, f"{title}: prediction vs. strength"),
        key="robustness",
        alt=text.robustness(curves),
    )
    st.caption(
        f"Mean and range over {augment.robustness.N_SAMPLES} random samples, for each model's "
        "original top class."
    )
    _test_set()


def _test_set() -> None:
    """The accuracy on a whole test set, where it was measured."""
    table = results.load("VII")
    if table is None:
        return
    with st.expander("Accuracy on 290 test tracks", icon=":material/table_chart:"):
        st.dataframe(results.table(table), hide_index=True)
        st.caption(
            "Test accuracy of the genre model when the test tracks are augmented (the paper's "
            f"Table VII). It was trained without these tracks. {table['context']} The paper's "
            "figures are for a random split; it does not say how they were measured."
        )
