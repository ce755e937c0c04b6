"""The Lab's console: the rack of effects beside the player, what changes, and more on request."""

from __future__ import annotations

import json
import math
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, viz
from crnn.errors import CrnnError
from crnn.sources.examples import EXAMPLES
from pages.lab import notebook, rack, robustness
from pages.shared import cache, player, queue, session, sources
from pages.shared.controls import choose
from pages.shared.markdown import escape
from pages.text import augmentation as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.plan import Plan, Version

# What a first visit opens with: a little noise changes both predictions.
_EXAMPLE, _SEGMENT = "hunting", 1

_DIFFERENCE_DB = 40.0  # at the ends of the difference's colours


def show() -> None:
    """The current track, or an example, and everything that can be done to it."""
    rack.open_first({"example", "scope", "segment", "diff", "sweep", "seed", "masks", "fill"})
    sources.open_example_from_url()
    if session.current() is None:
        st.session_state.track = session.open_example(EXAMPLES[_EXAMPLE])
    _console(session.current())


@st.fragment
def _console(track: session.Track) -> None:
    """Everything below the title: moving a control redraws this, not the page."""
    sources.open_example_from_url()  # a card below was clicked
    if session.current() is not track:
        st.rerun()
    # Only where it changes, as in track_picker.
    if track.example and st.query_params.get("example") != track.example:
        st.query_params["example"] = track.example
    with st.container(key="console"):
        left, right = st.columns([1, 2.9], gap="medium")
        with right:
            with st.container(
                horizontal=True, gap="small", vertical_alignment="center", key="excerpt"
            ):
                start, seconds, number = _excerpt(track)
                st.space("stretch")
                st.toggle(
                    "Difference",
                    key="diff",
                    bind="query-params",
                    help="Below, show the augmented spectrogram minus the original.",
                )
            presets = st.container(horizontal=True, gap="xsmall", key="presets")
        with left, st.container(key="rack", gap="xsmall"):
            strengths = rack.strengths(session.classifiers()[0].front_end)
        with presets:
            rack.show_presets()
        with right:
            try:
                samples = _samples(track, start, seconds)
                length = session.classifiers()[0].checkpoint.segment_seconds
                plan = augment.plan.sample(
                    strengths, seconds, session.classifiers()[0].front_end, length, number
                )
                # What takes longer says so.
                with st.spinner("Working on the whole track…") if seconds > 60 else nullcontext():
                    before, sound = _results(track, samples, start, plan)
            except CrnnError as error:
                st.warning(f"{error} Choose another segment.", icon=":material/hearing_disabled:")
                return
    notebook.remember(track, start, number, plan)
    _downloads(f"{session.stem(track.name)}-augmented", plan, sound)
    robustness.on_request(track, samples, start, strengths, before.predictions)


def _excerpt(track: session.Track) -> tuple[float, float, int]:
    """Which part of which track: its start and length in seconds, its first segment's number."""
    box = st.popover(
        escape(track.name, 40),
        icon=":material/library_music:",
        key=f"track-{id(track)}",
        on_change="rerun",
    )
    if box.open:
        with box:
            st.markdown("**Another song**")
            sources.choose_source()
        if session.current() is not track:
            st.rerun()  # it was uploaded, recorded or found
    total = min(track.seconds, float(session.LAB_SECONDS))
    length = session.classifiers()[0].checkpoint.segment_seconds
    count = max(1, math.ceil(total / length - 0.01))
    scope = choose("Apply to", ["One segment", "Whole track"], "scope")
    if scope == "Whole track" or count == 1:
        if track.seconds > session.LAB_SECONDS:
            st.caption(f"Only the first {session.LAB_SECONDS // 60} minutes.")
        return 0.0, total, 0
    if st.session_state.get("segment", 1) > count:
        st.session_state.segment = min(_SEGMENT, count)  # of a longer track that was here before
    number = int(
        st.number_input(
            "Segment",
            1,
            count,
            min(_SEGMENT, count),
            key="segment",
            bind="query-params",
            label_visibility="collapsed",
            help=f"Segment number; the genre model analyses {length:g} s at a time.",
            width=130,
        )
    )
    start = length * (number - 1)
    st.caption(f"of {count}")
    return start, min(length, total - start), number - 1


def _samples(track: session.Track, start: float, seconds: float) -> Tensor:
    rate = session.classifiers()[0].front_end.sample_rate
    return session.samples(track)[round(start * rate) : round((start + seconds) * rate)]


def _results(
    track: session.Track, samples: Tensor, start: float, plan: Plan
) -> tuple[Version, bytes]:
    """The player and what changed; the original's predictions and the augmented sound as WAV."""
    classifiers = session.classifiers()
    with queue.turn():
        before = cache.per_track(
            "lab_original",
            track,
            (start, len(samples)),
            lambda: augment.plan.analyse(samples, classifiers),
        )
        after = augment.plan.analyse(samples, classifiers, plan)
    difference = bool(st.session_state.get("diff"))
    sound = play("lab-player", track.name, samples, plan, start, before, after, difference)
    for sentence in text.clipped(plan):
        st.info(sentence, icon=":material/content_cut:")
    words, chart = st.columns([1, 1.4], gap="medium")
    with words, st.container(key="outcome"):
        st.markdown(text.outcome(before, after))
        st.caption(" ".join(text.describe(plan, start)) or "Everything is off.")
        if label := text.label(plan, escape(track.name, 40)):
            st.progress(*label)
    shifts = augment.plan.largest_shifts(before, after, 5)
    if shifts:
        chart.plotly_chart(
            viz.augmentation.shifts(shifts),
            key="shifts",
            alt=text.shifts(shifts),
            config={"displayModeBar": False},
        )
    if plan.strengths.time_warp:
        st.plotly_chart(
            viz.augmentation.warp_map(plan, start), key="map", alt=text.warp_map(plan, start)
        )
    return before, sound


def play(
    key: str,
    name: str,
    samples: Tensor,
    plan: Plan,
    start: float,
    before: Version,
    after: Version,
    difference: bool = False,
    seen: bool = True,
    alt: str | None = None,
) -> bytes:
    """A player of the original and the augmented sound, equally loud; returns the latter as WAV.

    Args:
        key, name: of the player.
        start: where the excerpt begins in its track, in seconds.
        difference: whether the difference of the spectrograms is shown, too.
        seen: whether any spectrogram is.
        alt: the spectrograms in words; default: with what was done.
    """
    rate = plan.front_end.sample_rate
    rendered = augment.waveform.render(samples, plan, plan.front_end)
    both = augment.waveform.prevent_clipping(samples, rendered)
    sounds = [
        player.Sound.from_samples(title, sound.numpy(), rate)
        for title, sound in zip(("Original", "Augmented"), both, strict=True)
    ]
    if not seen:  # the waveform would give masks away
        sounds[1] = replace(sounds[1], peaks=sounds[0].peaks)
    mels, front_end, lanes = (before.mel.numpy(), after.mel.numpy()), after.front_end, []
    if seen:
        limits = min(float(mel.min()) for mel in mels), max(float(mel.max()) for mel in mels)
        images = [player.Spectrogram.from_mel(mel, front_end, limits) for mel in mels]
        lanes = [player.Lane(images, height=136)]
    if difference:
        change = player.Spectrogram.from_mel(
            mels[1] - mels[0], front_end, (-_DIFFERENCE_DB, _DIFFERENCE_DB), diverging=True
        )
        lanes.append(player.Lane([change], "Difference: red louder, blue quieter", height=90))
    with st.container(key="sounds" if seen else None):
        player.show(
            key,
            name,
            sounds,
            len(samples) / rate,
            spectrograms=lanes,
            start=start,
            alt=text.alt_text(before, plan, start) if alt is None else alt,
            wave_height=36,
            page_keys=True,
        )
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
        notebook.download()
