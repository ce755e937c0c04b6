"""What the pages share: the current track, the networks loaded once, and the line of visitors in front of them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from crnn.examples import EXAMPLES, Example
from crnn.turns import Turns

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.analysis import Analysis
    from crnn.audio import Waveform
    from crnn.classify import Classifier
    from crnn.previews import Preview
    from crnn.spotify import TrackInfo


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


@st.cache_resource(show_spinner=False)
def turns() -> Turns:
    """The one line of the whole process."""
    return Turns()


@st.cache_resource(show_spinner=False)
def classifiers() -> tuple[Classifier, ...]:
    """Genre and mood, loaded once for everyone."""
    from crnn.checkpoint import Checkpoint
    from crnn.classify import Classifier
    from crnn.memory import return_large_blocks

    return_large_blocks()
    return tuple(Classifier(Checkpoint.load(name)) for name in ("genre", "mood"))


# The lab keeps samples and a fine picture of a track in memory: 40 MB for so many seconds.
LAB_SECONDS = 300

# How long a browser is busy drawing its first page, for which it may need every core there is.
_FIRST_PAGE_SECONDS = 3.0


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import what the first track will need while the visitor is still choosing it."""

    def load() -> None:
        time.sleep(_FIRST_PAGE_SECONDS)
        import crnn.analysis
        import crnn.figures  # noqa: F401

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread


@st.cache_resource(show_spinner=False, max_entries=len(EXAMPLES))
def example_track(name: str) -> Track:
    """An example's track, computed for the first visitor who asks and shared by all."""
    example = EXAMPLES[name]
    return replace(analyse(example.title, example.file.read_bytes(), with_progress=False), example=name)


@st.cache_resource(show_spinner=False, max_entries=len(EXAMPLES))
def _example_samples(name: str) -> Tensor:
    return _decoded(EXAMPLES[name].file.read_bytes())


def samples(track: Track) -> Tensor:
    """The first LAB_SECONDS of a track as the networks hear it, [T]; a visitor's own only for as long as their session."""
    if track.example:
        return _example_samples(track.example)
    kept = st.session_state.get("samples")
    if kept is None or kept[0] is not track:
        kept = st.session_state.samples = (track, _decoded(track.data))
    return kept[1]


def _decoded(data: bytes) -> Tensor:
    import torch

    from crnn.audio import decode

    front_end = classifiers()[0].checkpoint.front_end
    waveform = decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    return torch.from_numpy(waveform.samples[: LAB_SECONDS * front_end.sample_rate].copy())


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
        return example_track(example.name)


def analyse(name: str, data: bytes, with_progress: bool = True) -> Track:
    """Decode and classify while a bar shows how far it is. Raises CrnnError with a sentence for the visitor."""
    from crnn.analysis import analyse as run

    bar = st.progress(0.0, text=f"Opening {plain(name)} …") if with_progress else None

    def show(share: float, text: str) -> None:
        if bar is not None:
            bar.progress(min(1.0, share), text=text)

    def waiting(before: int) -> None:
        show(0.0, f"{before} {'track is' if before == 1 else 'tracks are'} before yours; it starts by itself.")

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
    )


def about(waveform: Waveform) -> str:
    """Length and format in one line."""
    from crnn.audio import clock

    channels = {1: "mono", 2: "stereo"}.get(waveform.channels, f"{waveform.channels} channels")
    return f"{clock(waveform.seconds)} · {waveform.format} · {waveform.source_rate / 1000:g} kHz · {channels}"


def stem(name: str) -> str:
    """A file name for downloads, from the track's."""
    return Path(name).stem[:80] or "track"


def plain(name: str) -> str:
    """A file name that Markdown leaves alone, cut to a line's length."""
    short = name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-!|~$:<>" else c for c in short)
