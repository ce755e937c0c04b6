"""The current track, and what the pages need from it: predictions, samples, spectrograms."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn import audio, inference, prepared, sources, viz
from crnn.format import duration
from crnn.sources.examples import EXAMPLES, Example
from pages.shared import cache, models, queue
from pages.shared.markdown import escape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

# The Lab uses at most the start of a track: samples and a fine spectrogram of it take 40 MB.
LAB_SECONDS = 300

# Delay of the warm-up: while a browser renders its first page, it may need every core.
_FIRST_PAGE_SECONDS = 3.0

# Pairs of genre and mood networks whose examples stay cached: the default and some visitors' own.
NETWORK_SETS = 4

# What browsers play as it is, by format: MIME type and codecs.
_PLAYED = {
    "MP3": ("mpeg", ("mp3",)),
    "WAV": ("wav", ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le")),
    "FLAC": ("flac", ("flac",)),
    "OGG": ("ogg", ("vorbis", "flac")),
    "Opus": ("ogg", ("opus",)),
    "M4A/MP4": ("mp4", ("aac", "mp3", "flac", "opus")),
    "AAC": ("aac", ("aac",)),
    "WebM": ("webm", ("opus", "vorbis")),
}


@dataclass(frozen=True)
class Origin:
    """The track that a link names, the analysed preview, and the services tried before it.

    info: None where a title was searched for.
    """

    info: sources.spotify.TrackInfo | None
    preview: sources.previews.Preview
    tried: tuple[str, ...]


@dataclass(frozen=True)
class Track:
    """A visitor's track and its predictions; samples are decoded again where they are needed."""

    name: str  # not escaped
    data: bytes  # the file
    sound: bytes  # what the browser plays: the file, or a WAV of the analysed samples
    seconds: float
    about: str  # length and format in one line
    mime: str  # of the sound
    notices: tuple[str, ...]  # what was changed while decoding, a sentence each
    analysis: inference.Analysis
    peaks: NDArray[np.uint8]  # of the waveform, by viz.player.peaks
    example: str = ""  # its name in the URL; empty for a visitor's own
    origin: Origin | None = None
    networks: tuple[str, ...] = ()  # models.key() of the networks that predicted


def current() -> Track | None:
    """The track that every page shows."""
    return st.session_state.get("track")


def classifiers() -> tuple[inference.Classifier, ...]:
    """The networks in use for genre and mood."""
    return tuple(models.network(task).classifier for task in models.TASKS)


@cache.shared()
def warm_up() -> threading.Thread:
    """Import what the first track needs while the visitor is still choosing it."""

    def load() -> None:
        time.sleep(_FIRST_PAGE_SECONDS)
        audio.worker.start()
        _ = inference.analysis, viz.mel  # lazily loaded

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread


def analyse(name: str, data: bytes, show_progress: bool = True) -> Track:
    """Decode and classify a file while a bar shows the progress. Raises CrnnError."""
    bar = st.progress(0.0, f"Opening {escape(name, 60)}…") if show_progress else None

    def progress(fraction: float) -> None:
        if bar is not None:
            bar.progress(min(1.0, fraction), f"Analysing… {fraction:.0%}")

    kept: dict[str, Any] = {}

    def keep(waveform: audio.decode.Waveform) -> None:
        kept["peaks"] = viz.player.peaks(waveform.samples, waveform.sample_rate)
        if not _is_played(waveform):
            kept["wav"] = inference.to_wav(waveform.samples, waveform.sample_rate)

    try:
        with queue.turn(bar):
            waveform, analysis = inference.decode_and_predict(
                data, classifiers(), progress, queue.decode, keep
            )
    finally:
        if bar is not None:
            bar.empty()
    audio.worker.release_memory()
    return _track(name, data, waveform, analysis, **kept)


def _track(
    name: str,
    data: bytes,
    waveform: audio.decode.Waveform,
    analysis: inference.Analysis,
    peaks: NDArray[np.uint8],
    wav: bytes | None = None,
) -> Track:
    return Track(
        name,
        data,
        data if wav is None else wav,
        waveform.seconds,
        _about(waveform),
        f"audio/{_PLAYED[waveform.format][0] if wav is None else 'wav'}",
        waveform.notices,
        analysis,
        peaks,
        networks=models.key(),
    )


def _is_played(waveform: audio.decode.Waveform) -> bool:
    """Whether browsers play the source as it is."""
    return waveform.codec in _PLAYED.get(waveform.format, ("", ()))[1]


def _about(waveform: audio.decode.Waveform) -> str:
    channels = {1: "mono", 2: "stereo"}.get(waveform.channels, f"{waveform.channels} channels")
    rate = f"{waveform.source_rate / 1000:g} kHz"
    about = " · ".join((duration(waveform.seconds), waveform.format, rate, channels))
    if not _is_played(waveform):
        about += " · browsers can't play this format, so the player has the analysed mono sound"
    return about


@cache.shared(NETWORK_SETS * len(EXAMPLES))
def example_track(name: str, networks: tuple[str, ...]) -> Track:
    """An example's track, made once for all visitors with the same networks (models.key())."""
    example, stored = EXAMPLES[name], prepared_example(name)
    data = example.file.read_bytes()
    if (found := stored.analysis(classifiers())) is not None:
        track = _track(example.title, data, *found, stored.peaks)
    else:
        track = analyse(example.title, data, show_progress=False)
    about = f"{example.artist} · {example.licence} · {track.about}"
    return replace(track, example=name, about=about)


@cache.shared(len(EXAMPLES))
def prepared_example(name: str) -> prepared.Prepared:
    """What is stored of an example."""
    return prepared.read(EXAMPLES[name].file)


def open_example(example: Example) -> Track:
    """A bundled clip as a track; served from the cache if anyone has opened it before."""
    wanted = example.name, models.key()
    waiting = nullcontext() if example_track.has(*wanted) else st.spinner("Analysing…")
    with waiting:
        return example_track(*wanted)


def reanalyse() -> None:
    """Analyse the current track again where the networks have changed. Raises CrnnError."""
    track = current()
    if track is None or track.networks == models.key():
        return
    if track.example:
        st.session_state.track = open_example(EXAMPLES[track.example])
    else:
        new = analyse(track.name, track.data)
        st.session_state.track = replace(track, analysis=new.analysis, networks=new.networks)


def samples(track: Track, front_end: audio.front_end.FrontEnd | None = None) -> Tensor:
    """The first LAB_SECONDS of a track for a front end (default: the genre network's), [T]."""
    front_end = front_end or classifiers()[0].front_end
    if track.example:
        return _example_samples(track.example, front_end)
    key = (front_end.sample_rate, front_end.downmix)
    return cache.per_track("samples", track, key, lambda: _decoded(track.data, front_end))


@cache.shared(2 * len(EXAMPLES))
def _example_samples(name: str, front_end: audio.front_end.FrontEnd) -> Tensor:
    return _decoded(EXAMPLES[name].file.read_bytes(), front_end)


def excerpt(track: Track, front_end: audio.front_end.FrontEnd, first: int, count: int) -> Tensor:
    """`count` samples of a track from `first` on, for a front end, [T]; also past LAB_SECONDS."""
    if first + count <= LAB_SECONDS * front_end.sample_rate:
        return samples(track, front_end)[first : first + count]
    return _decoded(track.data, front_end, first, count)


def _decoded(
    data: bytes, front_end: audio.front_end.FrontEnd, first: int = 0, count: int | None = None
) -> Tensor:
    import torch  # noqa: PLC0415 - not needed for the first page

    waveform = queue.decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    last = first + (LAB_SECONDS * front_end.sample_rate if count is None else count)
    return torch.from_numpy(waveform.samples[first:last].copy())


def log_mel(track: Track, classifier: inference.Classifier) -> Tensor:
    """The whole track's log-mel spectrogram with a network's front end, [M, F] in dB."""
    return inference.log_mel_for(classifier, track.analysis, track.data, queue.decode)


def forget_example() -> None:
    """Take the example out of the URL: the current track is no longer an example."""
    st.query_params.pop("example", None)
    st.session_state.opened_example = None


def stem(name: str) -> str:
    """Base name for downloads, from the track's name."""
    return Path(name).stem[:80] or "track"
