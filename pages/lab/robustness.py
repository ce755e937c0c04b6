"""The robustness curve, a fragment of its own: another augmentation redraws it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, results, viz
from crnn.sources.examples import EXAMPLES
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
        asked = st.toggle("Show the curve", key="curve", help="Takes a few seconds.")
        st.caption("How strong must an effect be before the prediction changes?")
    if asked:
        _curve(track, samples, start, strengths, before)
    _test_set()


def _curve(
    track: session.Track,
    samples: Tensor,
    start: float,
    strengths: Strengths,
    before: tuple[Prediction, ...],
) -> None:
    titles = {title: name for name, title in augment.robustness.NAMES.items()}
    title = choose("Augmentation", list(titles), "sweep")
    fixed = augment.robustness.fixed_strengths(strengths)
    labels = tuple(prediction.ranked()[0][0] for prediction in before)
    key = (start, len(samples), titles[title], fixed, labels, models.key())
    if track.example and isinstance(fixed.noise, str):
        curves = _of_example(track.example, *key)
    else:
        # Of the session: what visitors gave, their noise too, is not kept for others.
        curves = cache.per_track(
            "lab_curve", track, key, lambda: _computed(samples, titles[title], fixed, labels)
        )
    st.plotly_chart(
        viz.augmentation.robustness(curves, f"{title}: prediction vs. strength"),
        key="robustness",
        alt=text.robustness(curves),
    )
    st.caption(
        f"Mean and range over {augment.robustness.N_SAMPLES} random samples, for each model's "
        "original top class."
    )


@cache.shared(64)
def _of_example(
    name: str,
    start: float,
    count: int,
    sweep: str,
    fixed: Strengths,
    labels: tuple[str, ...],
    networks: tuple[str, ...],
) -> tuple[Curve, ...]:
    """Computed once for all visitors with the same networks (models.key())."""
    first = round(start * session.classifiers()[0].front_end.sample_rate)
    samples = session.samples(session.open_example(EXAMPLES[name]))[first : first + count]
    return _computed(samples, sweep, fixed, labels)


def _computed(
    samples: Tensor, sweep: str, fixed: Strengths, labels: tuple[str, ...]
) -> tuple[Curve, ...]:
    classifiers = session.classifiers()
    checkpoint = classifiers[0].checkpoint
    waiting = "Computing the robustness curve…"
    bar = st.progress(0.0, text=waiting)
    curves = augment.robustness.curves(
        samples,
        classifiers,
        augment.robustness.sweep(sweep, checkpoint.front_end),
        fixed,
        checkpoint.segment_seconds,
        lambda fraction: bar.progress(fraction, waiting),
        labels,
        lambda: queue.turn(bar),
    )
    bar.empty()
    return curves


def _test_set() -> None:
    """The accuracy on a whole test set, where it was measured."""
    table = results.load("VII")
    if table is None:
        return
    with st.expander("Accuracy on 290 test tracks", icon=":material/table_chart:"):
        st.dataframe(results.table(table), hide_index=True)
        st.caption(
            "Accuracy on augmented tracks (Marciano et al., Table VII) of a model trained like the "
            f"built-in one but without them. {table['context']} The paper's split was random; its "
            "method is not described."
        )
