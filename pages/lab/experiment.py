"""The lab's experiment: controls beside the pictures, the sound, the networks' answers, the robustness curve."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import streamlit as st

from crnn.errors import CrnnError
from pages.lab import controls
from pages.lab.robustness import curve
from pages.shared import session
from pages.shared.track_picker import track_or_example

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.plan import Plan, Version


def show() -> None:
    """The current track, or an example where there is none yet, and everything that can be done to it."""
    experiment(track_or_example("The lab works on"))


@st.fragment
def experiment(track: session.Track) -> None:
    """Controls and what follows from them: a moved slider draws this anew, not the page."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        start, seconds, number = _stretch(track)
        strengths = controls.strengths(session.classifiers()[0].checkpoint.front_end)
    with right:
        try:
            _results(track, start, seconds, number, strengths)
        except CrnnError as error:
            st.warning(
                f"{error} The lab goes on with another segment.", icon=":material/hearing_disabled:"
            )


def _stretch(track: session.Track) -> tuple[float, float, int]:
    """Which part of the track: its start, its length, the number of its first piece."""
    total = min(track.seconds, float(session.LAB_SECONDS))
    scope = st.segmented_control(
        "Listen to",
        ["One segment", "Whole track"],
        default="One segment",
        required=True,
        key="scope",
        bind="query-params",
    )
    piece = session.classifiers()[0].checkpoint.segment_seconds
    count = max(1, math.ceil(total / piece - 0.01))
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
        help=f"{piece:g} seconds each, as the networks read them.",
    )
    start = piece * (number - 1)
    return start, min(piece, total - start), number - 1


def _results(track: session.Track, start: float, seconds: float, number: int, strengths) -> None:  # type: ignore[no-untyped-def]
    from crnn.augment import plan
    from crnn.viz import augmentation as lab_figures
    from pages.text import augmentation as lab_words

    networks = session.classifiers()
    front_end = networks[0].checkpoint.front_end
    samples = session.samples(track)[
        round(start * front_end.sample_rate) : round((start + seconds) * front_end.sample_rate)
    ]
    draws = plan.sample(
        strengths, seconds, front_end, networks[0].checkpoint.segment_seconds, number
    )
    with session.my_turn():
        before = _original(track, start, seconds, samples)
        after = plan.analyse(samples, networks, draws)
    for sentence in lab_words.clipped(draws):
        st.info(sentence, icon=":material/content_cut:")
    pictures = st.container()
    said = lab_words.describe(draws, front_end, start)
    st.markdown("  \n".join(said) if said else "Everything is off: the two pictures are the same.")
    difference = st.toggle("Show the difference", key="diff", bind="query-params")
    pictures.plotly_chart(
        lab_figures.pair(before, after, draws, start, difference),
        key="pair",
        alt=lab_words.alt_text(before, draws, start),
        config={
            "toImageButtonOptions": {
                "filename": f"{session.stem(track.name)}-augmented",
                "scale": 2,
            }
        },
    )
    sound = _sound(samples, draws)
    st.subheader("What the networks say", anchor=False)
    for column, old, new in zip(
        st.columns(len(networks)), before.predictions, after.predictions, strict=True
    ):
        column.plotly_chart(
            lab_figures.probability_change(old, new, old.task.capitalize()),
            key=f"shift-{old.task}",
            alt=lab_words.shift(old, new),
        )
    what = (
        "These seconds are heard as a track of their own: 0 dB is their own loudest point."
        if number or seconds <= 3
        else ""
    )
    st.caption(
        f"Probabilities of the original (outlined) and of the augmented sound (filled). {what}"
    )
    if strengths.time_warp:
        st.plotly_chart(
            lab_figures.warp_map(draws, start), key="map", alt=lab_words.warp(draws, start)
        )
    _take_home(track, draws, sound)
    curve(track, samples, start, strengths, before.predictions)


def _original(track: session.Track, start: float, seconds: float, samples: Tensor) -> Version:
    """The unchanged stretch, heard once as long as it is looked at."""
    from crnn.augment import plan

    kept = st.session_state.get("lab_original")
    if kept is None or kept[0] is not track or kept[1:3] != (start, seconds):
        kept = st.session_state.lab_original = (
            track,
            start,
            seconds,
            plan.analyse(samples, session.classifiers()),
        )
    return kept[3]  # type: ignore[no-any-return]


def _sound(samples: Tensor, draws: Plan) -> bytes:
    """Players of both versions, equally loud; the augmented one as a WAV file."""
    from crnn.augment.waveform import prevent_clipping, render
    from crnn.inference.export import to_wav

    rate = draws.front_end.sample_rate
    with st.spinner("Rendering the sound …"):
        # Files rather than arrays: Streamlit would turn each array up to its own peak.
        original, augmented = (
            to_wav(sound.numpy(), rate)
            for sound in prevent_clipping(samples, render(samples, draws, draws.front_end))
        )
    for column, title, file in zip(
        st.columns(2), ("Original", "Augmented"), (original, augmented), strict=True
    ):
        column.caption(title)
        column.audio(file, format="audio/wav", alt=f"{title} sound")
    return augmented


def _take_home(track: session.Track, draws: Plan, sound: bytes) -> None:
    """The sound and what was drawn, as files."""
    name = f"{session.stem(track.name)}-augmented"
    with st.container(horizontal=True):
        st.download_button(
            "Sound",
            sound,
            f"{name}.wav",
            "audio/wav",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Parameters",
            json.dumps(draws.to_dict(), indent=1),
            f"{name}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption("The camera above the pictures saves them as PNG.")
