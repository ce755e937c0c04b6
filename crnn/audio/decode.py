"""Decode a file, or its bytes, to a mono waveform: decode, downmix and resample in one pass.

Blocks are resampled as they are read, so memory use depends on the length that is analysed, not on
the size of the file; nothing is written to disk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soxr

from crnn.audio import containers
from crnn.audio.containers import Samples
from crnn.errors import AudioError
from crnn.format import duration

Downmix = Literal["normalised", "mean"]

# −80 dBFS. Digital silence that went through dither or a lossy codec comes back just below this.
SILENCE_PEAK = 1e-4

# Suffixes by which files in a folder are selected; the format is detected from the content.
_SNDFILE = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
_FFMPEG = (".m4a", ".aac", ".webm", ".mp4")
AUDIO_SUFFIXES = _SNDFILE + _FFMPEG

# Longer tracks are truncated, with a notice. Few songs are longer; 600 s of samples take 53 MB.
MAX_SECONDS = 600.0
# Two STFT frames: anything shorter can't be repeated to fill a segment.
MIN_SECONDS = 0.1
# Hz. Outside this range, the header is corrupt or the recording is not music.
SOURCE_RATES = (4_000, 768_000)
# Full scale is 1; float samples beyond this are invalid and would overflow later on.
_MAX_AMPLITUDE = 1e6


@dataclass(frozen=True)
class Waveform:
    """Decoded audio: mono float32 samples [T] in [-1, 1], and the properties of its source.

    source_seconds exceeds `seconds` if the source was truncated. notices: sentences for the user
    about anything that was changed or left out.
    """

    samples: Samples
    sample_rate: int
    format: str
    channels: int
    source_rate: int
    source_seconds: float
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


def decode(
    source: bytes | str | Path,
    *,
    sample_rate: int = 22_050,
    downmix: Downmix = "mean",
    max_seconds: float = MAX_SECONDS,
) -> Waveform:
    """Decode a file, or its bytes, to mono samples at `sample_rate` (Hz); downmix as in FrontEnd.

    WAV, FLAC, OGG, Opus, MP3 (AIFF, AU, CAF too) are read by libsndfile; M4A, AAC, WebM, MP4 by
    FFmpeg. The format is detected from the content, never from the name.

    Raises:
        AudioError: the source holds no usable audio. If only part of it is usable (truncated,
            damaged, NaN, longer than max_seconds), that part is decoded and `notices` say so.
    """
    with containers.open_audio(source) as stream:
        low, high = SOURCE_RATES
        if not low <= stream.sample_rate <= high:
            raise AudioError(
                f"The file's header says it was sampled at {stream.sample_rate} Hz. Rates from "
                f"{low / 1000:g} to {high / 1000:g} kHz are accepted; export it again at 44.1 kHz."
            )
        excerpt = _Excerpt(stream.blocks(), int(max_seconds * stream.sample_rate))
        samples = resample(excerpt, stream.channels, stream.sample_rate, sample_rate, downmix)

    seconds = excerpt.frames / stream.sample_rate
    if seconds < MIN_SECONDS:
        raise AudioError(
            f"This {stream.format} file holds {_count(excerpt.frames, 'sample')} of audio "
            f"({seconds:.2g} s). At least {MIN_SECONDS:g} s are needed, and 10 s or more give "
            "better predictions. Choose a longer recording."
        )
    if downmix == "normalised":
        samples = normalise(samples)
    samples /= max(1.0, float(np.abs(samples).max()))  # lossy decoders overshoot full scale
    cut = excerpt.full and (excerpt.more or stream.seconds > max_seconds + 1)
    return Waveform(
        samples=samples,
        sample_rate=sample_rate,
        format=stream.format,
        channels=stream.channels,
        source_rate=stream.sample_rate,
        source_seconds=max(stream.seconds, seconds) if cut else seconds,
        notices=tuple(_notices(stream, excerpt, seconds, cut)),
    )


def resample(
    blocks: Iterable[Samples], channels: int, source_rate: int, sample_rate: int, downmix: Downmix
) -> Samples:
    """Resample blocks [n, C] with soxr at HQ quality (librosa's default too).

    Shape: [T] for downmix "mean", which averages first; [T, C] for "normalised", whose peaks are
    known only after resampling.
    """
    mean = downmix == "mean"
    resampler = soxr.ResampleStream(
        source_rate, sample_rate, 1 if mean else channels, dtype="float32", quality="HQ"
    )
    chunks = [
        resampler.resample_chunk(block.mean(axis=1, dtype=np.float32) if mean else block)
        for block in blocks
    ]
    empty = np.zeros(0 if mean else (0, channels), dtype=np.float32)
    return np.concatenate([*chunks, resampler.resample_chunk(empty, last=True)])


def normalise(samples: Samples) -> Samples:
    """The paper's downmix (III-C): each non-silent channel divided by its peak, then averaged.

    Shape: [T, C] -> [T].
    """
    peaks = np.abs(samples).max(axis=0)
    audible = peaks >= SILENCE_PEAK
    if not audible.any():
        return np.zeros(len(samples), dtype=np.float32)
    return np.asarray((samples[:, audible] / peaks[audible]).mean(axis=1), dtype=np.float32)


class _Excerpt:
    """Blocks [n, C] up to `limit` frames in all, with invalid values replaced by silence."""

    def __init__(self, blocks: Iterator[Samples], limit: int) -> None:
        self._blocks, self._limit = blocks, limit
        self.frames = 0
        self.invalid = 0  # frames with NaN, infinite or out-of-range values
        self.more = False  # the source continues past the limit

    @property
    def full(self) -> bool:
        return self.frames >= self._limit

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            if self.full:
                self.more = True
                return
            block = block[: self._limit - self.frames]
            valid = np.abs(block) < _MAX_AMPLITUDE  # false for NaN and infinity too
            if not valid.all():
                self.invalid += int((~valid).any(axis=1).sum())
                block = np.where(valid, block, np.float32(0))
            self.frames += len(block)
            yield block


def _notices(
    stream: containers.Stream, excerpt: _Excerpt, seconds: float, cut: bool
) -> Iterator[str]:
    length = duration(seconds)
    missing = not cut and seconds < stream.seconds - max(0.5, 0.02 * stream.seconds)
    if stream.damaged or missing:
        total = f" of {duration(stream.seconds)}" if stream.seconds > seconds + 0.5 else ""
        yield f"The file is damaged or ends early: only {length}{total} could be read and analysed."
    if cut:
        total = duration(stream.seconds) + " long" if stream.seconds > seconds else "longer"
        yield f"The track is {total}; only the first {length} (the limit) were analysed."
    if excerpt.invalid:
        yield (
            f"{excerpt.invalid:,} of {_count(excerpt.frames, 'sample')} had an invalid value "
            "(NaN, infinite or huge), replaced with silence."
        )
    if stream.sample_rate < 0.9 * 22_050:
        yield (
            f"Sampled at {stream.sample_rate / 1000:g} kHz, the recording has nothing above "
            f"{stream.sample_rate / 2000:g} kHz; the models were trained on audio up to 11 kHz, so "
            "predictions are less reliable."
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
