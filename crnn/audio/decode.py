"""Bytes or a file to a mono waveform: decode, mix down and resample in one pass.

Blocks are resampled as they are read, so memory depends on the excerpt that is analysed and not on
the file; nothing is written to disk.
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

# File names of the accepted formats: these only sort files out of folders, the content decides.
_SNDFILE = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au")
_FFMPEG = (".m4a", ".aac", ".webm", ".mp4")
AUDIO_SUFFIXES = _SNDFILE + _FFMPEG

# Longer tracks are cut, with a notice: few songs are longer, and their samples fill 53 MB.
MAX_SECONDS = 600.0
# Two frames of the STFT: anything shorter can't be repeated into a segment.
MIN_SECONDS = 0.1
# Hz. Outside, the header is broken or the recording is not music.
SOURCE_RATES = (4_000, 768_000)
# Full scale is 1; float files with larger values than this hold garbage, which would overflow.
_LOUDEST = 1e6


@dataclass(frozen=True)
class Waveform:
    """Decoded audio: mono float32 samples [T] in [-1, 1], and the properties of its source.

    source_seconds exceeds `seconds` where the source was cut. notices: sentences about anything
    that was changed or left out.
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
    FFmpeg. The content decides, never the name.

    Raises:
        AudioError: the source holds no usable audio. Where a part is usable (truncated, damaged,
            NaN, longer than max_seconds), that part is decoded and `notices` say so.
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
    """Resample blocks [n, C] with soxr (its HQ filter, librosa's default too).

    Shape: [T] for downmix "mean", which averages first; [T, C] for "normalised", whose peaks are
    known only after resampling.
    """
    mean = downmix == "mean"
    resampler = soxr.ResampleStream(
        source_rate, sample_rate, 1 if mean else channels, dtype="float32", quality="HQ"
    )
    parts = [
        resampler.resample_chunk(block.mean(axis=1, dtype=np.float32) if mean else block)
        for block in blocks
    ]
    empty = np.zeros(0 if mean else (0, channels), dtype=np.float32)
    return np.concatenate([*parts, resampler.resample_chunk(empty, last=True)])


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
        self.invalid = 0  # frames with NaN, infinite or absurd values
        self.more = False  # the source went on after the limit

    @property
    def full(self) -> bool:
        return self.frames >= self._limit

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            if self.full:
                self.more = True
                return
            block = block[: self._limit - self.frames]
            valid = np.abs(block) < _LOUDEST  # false for NaN and infinity too
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
        whole = f" of {duration(stream.seconds)}" if stream.seconds > seconds + 0.5 else ""
        yield f"The file is damaged or ends early: only {length}{whole} could be read and analysed."
    if cut:
        whole = duration(stream.seconds) + " long" if stream.seconds > seconds else "longer"
        yield f"The track is {whole}; only its first {length} were analysed, which is the limit."
    if excerpt.invalid:
        yield (
            f"{_count(excerpt.invalid, 'sample')} of {excerpt.frames:,} had no valid value (NaN or "
            f"infinite) and {'was' if excerpt.invalid == 1 else 'were'} replaced by silence."
        )
    if stream.sample_rate < 0.9 * 22_050:
        yield (
            f"Sampled at {stream.sample_rate / 1000:g} kHz, the recording has nothing above "
            f"{stream.sample_rate / 2000:g} kHz; the models were trained on audio up to 11 kHz, so "
            "predictions are less reliable."
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
