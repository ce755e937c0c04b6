"""The Lab's experiment: controls beside spectrograms, sound, predictions and robustness."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, viz
from crnn.errors import CrnnError
from pages.lab import controls
from pages.lab.robustness import curve
from pages.shared import cache, player, queue, session
from pages.shared.controls import choose
from pages.shared.track_picker import track_or_example
from pages.text import augmentation as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.plan import Plan, Strengths


def show() -> None:
    """The current track, or an example, and everything that can be done to it."""
    _experiment(track_or_example("The Lab analyses"))


@st.fragment
def _experiment(track: session.Track) -> None:
    """Controls and what follows from them: moving a slider redraws this, not the page."""
    left, right = st.columns([1, 2.2], gap="large")
    with left:
        start, seconds, number = _excerpt(track)
        strengths = controls.strengths(session.classifiers()[0].checkpoint.front_end)
    with right:
        try:
            _results(track, start, seconds, number, strengths)
        except CrnnError as error:
            st.warning(f"{error} Choose another segment.", icon=":material/hearing_disabled:")


def _excerpt(track: session.Track) -> tuple[float, float, int]:
    """Which part of the track: its start and length in seconds, the number of its first segment."""
    total = min(track.seconds, float(session.LAB_SECONDS))
    scope = choose("Apply to", ["One segment", "Whole track"], "scope", label_visibility="visible")
    length = session.classifiers()[0].checkpoint.segment_seconds
    count = max(1, math.ceil(total / length - 0.01))
    if scope == "Whole track" or count == 1:
        return 0.0, total, 0
    if st.session_state.get("segment", 1) > count:
        st.session_state.segment = min(3, count)  # of a longer track that was here before
    number = st.slider(
        "Segment",
        1,
        count,
        min(3, count),
        key="segment",
        bind="query-params",
        help=f"{length:g} seconds each, as the models read them.",
    )
    start = length * (number - 1)
    return start, min(length, total - start), number - 1


def _results(
    track: session.Track, start: float, seconds: float, number: int, strengths: Strengths
) -> None:
    classifiers = session.classifiers()
    front_end = classifiers[0].checkpoint.front_end
    rate, length = front_end.sample_rate, classifiers[0].checkpoint.segment_seconds
    samples = session.samples(track)[round(start * rate) : round((start + seconds) * rate)]
    plan = augment.plan.sample(strengths, seconds, front_end, length, number)
    with queue.turn():
        before = cache.per_track(
            "lab_original",
            track,
            (start, seconds),
            lambda: augment.plan.analyse(samples, classifiers),
        )
        after = augment.plan.analyse(samples, classifiers, plan)
    for sentence in text.clipped(plan):
        st.info(sentence, icon=":material/content_cut:")
    place = st.container()
    changes = text.describe(plan, start)
    st.markdown("  \n".join(changes) or "Everything is off: both spectrograms are the same.")
    difference = st.toggle("Show the difference", key="diff", bind="query-params")
    name = f"{session.stem(track.name)}-augmented"
    place.plotly_chart(
        viz.augmentation.pair(before, after, plan, start, difference),
        key="pair",
        alt=text.alt_text(before, plan, start),
        config={"toImageButtonOptions": {"filename": name, "scale": 2}},
    )
    sound = play("lab-player", track.name, samples, plan, start)
    st.subheader("Predictions: before and after", anchor=False)
    for column, old, new in zip(
        st.columns(len(classifiers)), before.predictions, after.predictions, strict=True
    ):
        column.plotly_chart(
            viz.augmentation.probability_change(old, new, old.task.capitalize()),
            key=f"shift-{old.task}",
            alt=text.probability_change(old, new),
        )
    st.caption("Probabilities for the original (outlined) and the augmented sound (filled).")
    if strengths.time_warp:
        st.plotly_chart(
            viz.augmentation.warp_map(plan, start), key="map", alt=text.warp_map(plan, start)
        )
    _downloads(name, plan, sound)
    curve(track, samples, start, strengths, before.predictions)


def play(key: str, name: str, samples: Tensor, plan: Plan, start: float) -> bytes:
    """A player of the original and the augmented sound, equally loud; returns the latter as WAV.

    Args:
        key, name: of the player.
        start: where the excerpt begins in its track, in seconds.
    """
    rate = plan.front_end.sample_rate
    with st.spinner("Rendering audio…"):
        rendered = augment.waveform.render(samples, plan, plan.front_end)
        both = augment.waveform.prevent_clipping(samples, rendered)
    sounds = [
        player.Sound.from_samples(title, sound.numpy(), rate)
        for title, sound in zip(("Original", "Augmented"), both, strict=True)
    ]
    player.show(key, name, sounds, len(samples) / rate, start=start)
    return sounds[1].data


def _downloads(name: str, plan: Plan, sound: bytes) -> None:
    settings = json.dumps(plan.to_dict(), indent=1)
    with st.container(horizontal=True):
        for title, data, file, mime in (
            ("Download audio", sound, f"{name}.wav", "audio/wav"),
            ("Download settings", settings, f"{name}.json", "application/json"),
        ):
            st.download_button(
                title, data, file, mime, icon=":material/download:", on_click="ignore"
            )
