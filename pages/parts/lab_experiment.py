"""The lab's experiment: controls beside the pictures, the sound, the networks' answers, the robustness curve."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from crnn.errors import CrnnError
from crnn.examples import EXAMPLES
from pages.parts import lab_controls, shared
from pages.parts.lab_curve import curve
from pages.parts.sources import choose_source

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.lab import Draws, Heard

DEFAULT = "mountain"
PIECE_SECONDS = 3.0


def show() -> None:
    """The current track, or an example where there is none yet, and everything that can be done to it."""
    with st.expander("Change the track", icon=":material/library_music:"):
        choose_source()
    track = shared.current()
    if track is None:
        track = st.session_state.track = shared.open_example(EXAMPLES[DEFAULT])
    if track.example:
        st.query_params["example"] = track.example
    st.subheader(shared.plain(track.name), anchor=False)
    if track.seconds > shared.LAB_SECONDS:
        st.caption(f"The lab works on the first {shared.LAB_SECONDS // 60} minutes.")
    experiment(track)


@st.fragment
def experiment(track: shared.Track) -> None:
    """Controls and what follows from them: a moved slider draws this anew, not the page."""
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        start, seconds, number = _stretch(track)
        strengths = lab_controls.strengths()
    with right:
        try:
            _results(track, start, seconds, number, strengths)
        except CrnnError as error:
            st.warning(f"{error} The lab goes on with another segment.", icon=":material/hearing_disabled:")


def _stretch(track: shared.Track) -> tuple[float, float, int]:
    """Which part of the track: its start, its length, the number of its first piece."""
    total = min(track.seconds, float(shared.LAB_SECONDS))
    scope = st.segmented_control(
        "Listen to",
        ["One segment", "Whole track"],
        default="One segment",
        required=True,
        key="scope",
        bind="query-params",
    )
    count = max(1, int(total / PIECE_SECONDS + 0.999))
    if scope == "Whole track" or count == 1:
        return 0.0, total, 0
    last = int(PIECE_SECONDS * (count - 1))
    start = float(
        st.slider(
            "Segment starts at", 0, last, min(6, last), int(PIECE_SECONDS), format="%d s", key="segment", bind="query-params",
            help="Three seconds, as the networks read them.",
        )
    )  # fmt: skip
    return start, min(PIECE_SECONDS, total - start), int(start / PIECE_SECONDS)


def _results(track: shared.Track, start: float, seconds: float, number: int, strengths) -> None:  # type: ignore[no-untyped-def]
    from crnn import lab, lab_figures, lab_words

    networks = shared.classifiers()
    front_end = networks[0].checkpoint.front_end
    samples = shared.samples(track)[
        round(start * front_end.sample_rate) : round((start + seconds) * front_end.sample_rate)
    ]
    draws = lab.draw(strengths, seconds, front_end, PIECE_SECONDS, number)
    with shared.turns().turn():
        before = _original(track, start, seconds, samples)
        after = lab.hear(samples, networks, draws)
    for sentence in lab_words.clamped(draws):
        st.info(sentence, icon=":material/content_cut:")
    difference = st.session_state.get("diff", False)
    st.plotly_chart(
        lab_figures.pair(before, after, draws, start, difference), key="pair", alt=lab_words.alternative(before, draws, start),
        config={"toImageButtonOptions": {"filename": f"{shared.stem(track.name)}-augmented", "scale": 2}},
    )  # fmt: skip
    said = lab_words.drawn(draws, front_end, start)
    st.markdown("  \n".join(said) if said else "Everything is off: the two pictures are the same.")
    st.toggle("Show the difference", key="diff", bind="query-params")
    _sound(track, samples, draws)
    st.subheader("What the networks say", anchor=False)
    for column, old, new in zip(st.columns(len(networks)), before.predictions, after.predictions, strict=True):
        column.plotly_chart(
            lab_figures.shift(old, new, old.task.capitalize()), key=f"shift-{old.task}", alt=lab_words.shift(old, new)
        )
    what = (
        "These seconds are heard as a track of their own: 0 dB is their own loudest point."
        if number or seconds <= 3
        else ""
    )
    st.caption(f"Probabilities of the original (outlined) and of the augmented sound (filled). {what}")
    if strengths.time_warp:
        st.plotly_chart(lab_figures.warp_map(draws, start), key="map", alt=lab_words.drawn(draws, front_end, start)[-1])
    _take_home(track, draws)
    curve(track, samples, start, strengths)


def _original(track: shared.Track, start: float, seconds: float, samples: Tensor) -> Heard:
    """The unchanged stretch, heard once as long as it is looked at."""
    from crnn import lab

    kept = st.session_state.get("lab_original")
    if kept is None or kept[0] is not track or kept[1:3] != (start, seconds):
        kept = st.session_state.lab_original = (track, start, seconds, lab.hear(samples, shared.classifiers()))
    return kept[3]  # type: ignore[no-any-return]


def _sound(track: shared.Track, samples: Tensor, draws: Draws) -> None:
    """Both versions, equally loud."""
    from crnn.render import level, render

    front_end = shared.classifiers()[0].checkpoint.front_end
    with st.spinner("Rendering the sound …"):
        original, augmented = level(samples, render(samples, draws, front_end))
    for column, title, sound in zip(st.columns(2), ("Original", "Augmented"), (original, augmented), strict=True):
        column.caption(title)
        column.audio(sound.numpy(), sample_rate=front_end.sample_rate)
    st.session_state.lab_sound = augmented


def _take_home(track: shared.Track, draws: Draws) -> None:
    """Downloads and the address of this very state."""
    import json

    from crnn.export import wav

    name = f"{shared.stem(track.name)}-augmented"
    rate = shared.classifiers()[0].checkpoint.front_end.sample_rate
    with st.container(horizontal=True):
        st.download_button(
            "Sound", lambda: wav(st.session_state.lab_sound.numpy(), rate), f"{name}.wav", "audio/wav",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Parameters", json.dumps(draws.to_dict(), indent=1), f"{name}.json", "application/json",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        with st.popover("Link", icon=":material/link:"):
            st.caption(
                "Opens exactly this: the example, the controls, the draw."
                if track.example
                else "Carries the settings only: your track stays with you, and the link opens an example."
            )
            st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)
    st.caption("The camera above the pictures saves them as PNG.")
