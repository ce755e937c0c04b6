"""What the pages share: the current track, the networks loaded once, and the line of visitors in front of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from crnn.sources.examples import EXAMPLES, Example
from pages.shared import models
from pages.shared.queue import process_queue as turns
from pages.shared.queue import turn as my_turn  # noqa: F401

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.audio.decode import Waveform
    from crnn.audio.front_end import FrontEnd
    from crnn.inference.analysis import Analysis
    from crnn.inference.classifier import Classifier
    from crnn.sources.previews import Preview
    from crnn.sources.spotify import TrackInfo


# What the browser's player is told, by decoded format.
MIME = {
    "WAV": "audio/wav",
    "MP3": "audio/mpeg",
    "FLAC": "audio/flac",
    "OGG": "audio/ogg",
    "Opus": "audio/ogg",
    "M4A/MP4": "audio/mp4",
    "AAC": "audio/aac",
    "WebM": "audio/webm",
    "AIFF": "audio/aiff",
}


@dataclass(frozen=True)
class Origin:
    """Where the audio of a link came from: what was asked for, whose preview it is, what was tried before in vain."""

    info: TrackInfo
    preview: Preview
    tried: tuple[str, ...]


@dataclass(frozen=True)
class Track:
    """What a visitor has loaded and what the networks said of it; samples are not kept, they can be decoded again."""

    name: str
    data: bytes
    seconds: float
    about: str
    mime: str
    notices: tuple[str, ...]
    analysis: Analysis
    example: str = ""
    origin: Origin | None = None
    networks: tuple[str, ...] = ()  # which heard it


def heard_by() -> tuple[str, ...]:
    """Which networks this visitor uses."""
    return models.key()


def classifiers() -> tuple[Classifier, ...]:
    """Genre and mood: the visitor's own choice, else those that are loaded once for everyone."""
    return tuple(models.network(task).classifier for task in models.TASKS)


# The lab keeps samples and a fine picture of a track in memory: 40 MB for so many seconds.
LAB_SECONDS = 300

# How long a browser is busy drawing its first page, for which it may need every core there is.
_FIRST_PAGE_SECONDS = 3.0


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import what the first track will need while the visitor is still choosing it."""

    def load() -> None:
        time.sleep(_FIRST_PAGE_SECONDS)
        import crnn.inference.analysis
        import crnn.viz.mel  # noqa: F401

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread


# A few sets of networks at once: the default, and what some visitors try.
@st.cache_resource(show_spinner=False, max_entries=4 * len(EXAMPLES))
def example_track(name: str, heard_by: tuple[str, ...]) -> Track:
    """An example's track, computed for the first visitor who asks and shared by all who use the same networks (networks.key())."""
    example = EXAMPLES[name]
    return replace(
        analyse(example.title, example.file.read_bytes(), with_progress=False), example=name
    )


@st.cache_resource(show_spinner=False, max_entries=2 * len(EXAMPLES))
def _example_samples(name: str, front_end: FrontEnd) -> Tensor:
    return _decoded(EXAMPLES[name].file.read_bytes(), front_end)


def samples(track: Track, front_end: FrontEnd | None = None) -> Tensor:
    """The first LAB_SECONDS of a track as a front end (default: the genre network's) hears it, [T].

    A visitor's own only for as long as their session.
    """
    front_end = front_end or classifiers()[0].checkpoint.front_end
    if track.example:
        return _example_samples(track.example, front_end)
    kept = st.session_state.get("samples")
    heard_as = (front_end.sample_rate, front_end.downmix)
    if kept is None or kept[0] is not track or kept[1] != heard_as:
        kept = st.session_state.samples = (track, heard_as, _decoded(track.data, front_end))
    return kept[2]


def excerpt(track: Track, front_end: FrontEnd, first: int, count: int) -> Tensor:
    """Samples first … first + count − 1 of a track as a front end hears it, [T]; beyond LAB_SECONDS, too."""
    import torch

    from crnn.audio.decode import decode

    if first + count <= LAB_SECONDS * front_end.sample_rate:
        return samples(track, front_end)[first : first + count]
    waveform = decode(track.data, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    return torch.from_numpy(waveform.samples[first : first + count].copy())


def _decoded(data: bytes, front_end: FrontEnd) -> Tensor:
    import torch

    from crnn.audio.decode import decode

    waveform = decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    return torch.from_numpy(waveform.samples[: LAB_SECONDS * front_end.sample_rate].copy())


def log_mel(track: Track, classifier: Classifier) -> Tensor:
    """The whole track as a network's own front end shows it, [M, F]."""
    from crnn.inference.analysis import log_mel_for

    return log_mel_for(classifier, track.analysis, track.data)


def current() -> Track | None:
    """The track that every page shows."""
    return st.session_state.get("track")


def forget_example() -> None:
    """The current track is no example any more, and the address says so."""
    st.query_params.pop("example", None)
    st.session_state.opened_example = None


def open_example(example: Example) -> Track:
    """Show a bundled clip; instantly where anyone opened it before."""
    with st.spinner(f"Listening to {example.title} …"):
        return example_track(example.name, models.key())


def reanalyse() -> None:
    """The current track, analysed by the networks in use now where others heard it. Raises CrnnError; then it stays as it was."""
    track = current()
    if track is None or track.networks == models.key():
        return
    if track.example:
        fresh = open_example(EXAMPLES[track.example])
    else:
        heard = analyse(track.name, track.data)
        fresh = replace(track, analysis=heard.analysis, networks=heard.networks)
    for of_the_old in (
        "lab_original",
        "lab_curve",
        "samples",
        "how_track",
        "why_kept",
        "hand_made",
    ):
        st.session_state.pop(of_the_old, None)
    st.session_state.track = fresh


def analyse(name: str, data: bytes, with_progress: bool = True) -> Track:
    """Decode and classify while a bar shows how far it is. Raises CrnnError with a sentence for the visitor."""
    from crnn.inference.analysis import decode_and_predict as run

    bar = st.progress(0.0, text=f"Opening {plain(name)} …") if with_progress else None

    def show(share: float, text: str) -> None:
        if bar is not None:
            bar.progress(min(1.0, share), text=text)

    def waiting(before: int) -> None:
        show(
            0.0,
            f"{before} {'track is' if before == 1 else 'tracks are'} before yours; it starts by itself.",
        )

    def on_progress(share: float) -> None:
        show(share, f"Listening … {share:.0%}")

    try:
        with turns().turn(waiting):
            waveform, analysis = run(data, classifiers(), on_progress)
    finally:
        if bar is not None:
            bar.empty()
    return Track(
        name,
        data,
        waveform.seconds,
        about(waveform),
        MIME.get(waveform.format, "audio/wav"),
        waveform.notices,
        analysis,
        networks=models.key(),
    )


def about(waveform: Waveform) -> str:
    """Length and format in one line."""
    from crnn.format import duration

    channels = {1: "mono", 2: "stereo"}.get(waveform.channels, f"{waveform.channels} channels")
    return f"{duration(waveform.seconds)} · {waveform.format} · {waveform.source_rate / 1000:g} kHz · {channels}"


def stem(name: str) -> str:
    """A file name for downloads, from the track's."""
    return Path(name).stem[:80] or "track"


def plain(name: str, limit: int = 60) -> str:
    """Text that Markdown leaves alone, cut to about a line's length."""
    short = name if len(name) <= limit else f"{name[: limit - 20]}…{name[-15:]}"
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-!|~$:<>" else c for c in short)
