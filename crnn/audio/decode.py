"""Decode a file, or its bytes, to a mono waveform: decode, downmix and resample in one pass.

Blocks are resampled as they are read, so memory use depends on the length that is analysed, not on
the size of the file; nothing is written to disk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import soxr

from crnn import audio
from crnn.audio.containers import Samples
from crnn.audio.front_end import Array
from crnn.errors import AudioError
from crnn.format import duration

Downmix = Literal["normalised", "mean"]

# −80 dBFS. Digital silence that went through dither or a lossy codec comes back just below this.
SILENCE_PEAK = 1e-4

# Suffixes by which files are selected everywhere; the format is detected from the content.
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".webm", ".mp4", ".mov", ".mkv"),
    *(".mka", ".m4b", ".m4r", ".3gp", ".oga", ".mp2", ".amr", ".aif", ".aiff", ".aifc", ".au"),
    *(".caf", ".w64"),
)

# Longer tracks are truncated, with a notice. Few songs are longer; 600 s of samples take 53 MB.
MAX_SECONDS = 600.0
# Two STFT frames: anything shorter can't be repeated to fill a segment.
MIN_SECONDS = 0.1
# Hz. Outside this range, the header is corrupt or the recording is not music.
SOURCE_RATES = (4_000, 768_000)
# Frames × channels that are decoded at most: 10 minutes of stereo at 192 kHz. Silence in FLAC takes
# hardly any bytes, and minutes to decode at a high rate.
MAX_VALUES = 600 * 192_000 * 2
# Full scale is 1; float samples beyond this are invalid and would overflow later on.
_MAX_AMPLITUDE = 1e6
# Memory for samples grows by this many at once: 4 MB of one channel.
_GROWTH = 1 << 20


@dataclass(frozen=True)
class Waveform:
    """Decoded audio: mono float32 samples [T] in [-1, 1], and the properties of its source.

    source_seconds exceeds `seconds` if the source was truncated. notices: sentences for the user
    about anything that was changed or left out. codec: FFmpeg's name, such as "mp3", "pcm_s16le".
    """

    samples: Samples
    sample_rate: int
    format: str
    channels: int
    source_rate: int
    source_seconds: float
    notices: tuple[str, ...] = ()
    codec: str = ""

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    def without_samples(self) -> "Waveform":
        """The same with zeros for samples, which take no memory: the properties, and `seconds`."""
        return replace(self, samples=np.broadcast_to(np.float32(0), len(self.samples)))


def decode(
    source: bytes | str | Path,
    *,
    sample_rate: int = 22_050,
    downmix: Downmix = "mean",
    max_seconds: float = MAX_SECONDS,
) -> Waveform:
    """Decode a file, or its bytes, to mono samples at `sample_rate` (Hz); downmix as in FrontEnd.

    FFmpeg reads every format. Which one it is, is detected from the content, never from the name.

    Raises:
        AudioError: the source holds no usable audio. If only part of it is usable (truncated,
            damaged, NaN, longer than max_seconds), that part is decoded and `notices` say so.
    """
    return _decode(source, sample_rate, downmix, max_seconds)


def _decode(
    source: bytes | str | Path,
    sample_rate: int,
    downmix: Downmix,
    max_seconds: float,
    channel: int | None = None,
) -> Waveform:
    """As decode(); with a channel, of that channel alone."""
    with audio.stream.open_stream(source) as stream:
        low, high = SOURCE_RATES
        if not low <= stream.sample_rate <= high:
            raise AudioError(
                f"The file's header says it was sampled at {stream.sample_rate} Hz. Rates from "
                f"{low / 1000:g} to {high / 1000:g} kHz are accepted; export it again at 44.1 kHz."
            )
        limit = min(int(max_seconds * stream.sample_rate), MAX_VALUES // stream.channels)
        excerpt = _Excerpt(stream.blocks(), limit, channel)
        channels = stream.channels if channel is None else 1
        samples = resample(excerpt, channels, stream.sample_rate, sample_rate, downmix)

    seconds = excerpt.frames / stream.sample_rate
    if seconds < MIN_SECONDS:
        raise AudioError(
            f"This {stream.format} file holds {_count(excerpt.frames, 'sample')} of audio "
            f"({seconds:.2g} s). At least {MIN_SECONDS:g} s are needed, and 10 s or more give "
            "better predictions. Choose a longer recording."
        )
    if excerpt.invalid and excerpt.peak < SILENCE_PEAK:
        raise AudioError(
            f"{excerpt.invalid:,} of {_count(excerpt.frames, 'sample')} in this {stream.format} "
            "file have an invalid value (NaN, infinite or huge), and the others are silent. "
            "Export it again, with 16 or 24 bits."
        )
    weights = np.full(channels, 1 / channels) if downmix == "mean" else _peak_weights(samples)
    if channel is None and (loudest := _cancelling(excerpt.products, weights)) is not None:
        del samples
        return _decode(source, sample_rate, downmix, max_seconds, loudest)
    if downmix == "normalised":
        samples = normalise(samples)
    samples /= max(1.0, samples.max(), -samples.min())  # lossy decoders overshoot full scale
    limit_seconds = limit / stream.sample_rate
    cut = excerpt.full and (excerpt.more or stream.seconds > limit_seconds + 1)
    return Waveform(
        samples=samples,
        sample_rate=sample_rate,
        format=stream.format,
        channels=stream.channels,
        source_rate=stream.sample_rate,
        source_seconds=max(stream.seconds, seconds) if cut else seconds,
        notices=tuple(_notices(stream, excerpt, seconds, cut, channel)),
        codec=stream.codec,
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
    weights = np.full(channels, 1 / channels, np.float32)
    samples, count = np.zeros(0 if mean else (0, channels), dtype=np.float32), 0
    empty = samples.copy()

    def chunks() -> Iterator[Samples]:
        for block in blocks:
            yield resampler.resample_chunk(block @ weights if mean else block)
        yield resampler.resample_chunk(empty, last=True)

    for chunk in chunks():
        if count + len(chunk) > len(samples):
            # Grows in place: joined at the end, a track would be in memory twice.
            samples.resize((count + len(chunk) + _GROWTH, *samples.shape[1:]), refcheck=False)
        samples[count : count + len(chunk)] = chunk
        count += len(chunk)
    samples.resize((count, *samples.shape[1:]), refcheck=False)
    return samples


def normalise(samples: Samples) -> Samples:
    """The paper's downmix (III-C): each non-silent channel divided by its peak, then averaged.

    Shape: [T, C] -> [T].
    """
    return samples @ _peak_weights(samples).astype(np.float32)


def _peak_weights(samples: Samples) -> Array:
    # Column by column: numpy takes ten times as long along the first axis.
    peaks = np.array([max(channel.max(), -channel.min()) for channel in samples.T])
    audible = peaks >= SILENCE_PEAK
    weights = audible / np.where(audible, peaks, 1) / max(1, audible.sum())
    return np.asarray(weights, np.float64)


def _cancelling(products: Array, weights: Array) -> int | None:
    """The loudest channel, where the weighted average is more than 20 dB quieter; else None."""
    powers = products.diagonal()
    weighted = (weights * np.count_nonzero(weights)) ** 2 * powers
    if weights @ products @ weights >= 0.01 * weighted.max():
        return None
    return int((powers * (weights > 0)).argmax())


class _Excerpt:
    """Blocks [n, C] up to `limit` frames in all, with invalid values replaced by silence.

    Of one channel alone, where that is given.
    """

    def __init__(self, blocks: Iterator[Samples], limit: int, channel: int | None) -> None:
        self._blocks, self._limit = blocks, limit
        self._channels = slice(channel, channel + 1) if channel is not None else slice(None)
        self.frames = 0
        self.invalid = 0  # frames with NaN, infinite or out-of-range values
        self.peak = 0.0  # of the others
        self.more = False  # the source continues past the limit
        self.products = np.zeros((1, 1))  # sums of channel × channel, [C, C]

    @property
    def full(self) -> bool:
        return self.frames >= self._limit

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            if self.full:
                self.more = True
                return
            block = block[: self._limit - self.frames, self._channels]
            peak = float(np.abs(block).max())
            if not peak < _MAX_AMPLITUDE:  # NaN and infinity too
                valid = np.abs(block) < _MAX_AMPLITUDE
                self.invalid += int((~valid).any(axis=1).sum())
                block = np.where(valid, block, np.float32(0))
                peak = float(np.abs(block).max())
            self.peak = max(self.peak, peak)
            self.products = self.products + block.T @ block
            self.frames += len(block)
            yield block


def _notices(
    stream: "audio.stream.Stream",
    excerpt: _Excerpt,
    seconds: float,
    cut: bool,
    channel: int | None,
) -> Iterator[str]:
    length = duration(seconds)
    # Codecs pad their last packet; FLAC counts samples.
    tolerance = 0.02 if stream.codec == "flac" else max(0.5, 0.02 * stream.seconds)
    missing = not cut and stream.format != "MP3" and seconds < stream.seconds - tolerance
    if stream.ends_early or missing:
        total = f" of {duration(stream.seconds)}" if stream.seconds > seconds + tolerance else ""
        yield f"The file is damaged or ends early: only {length}{total} could be read and analysed."
    yield from stream.notices
    if stream.lost:
        yield f"{duration(max(0.1, stream.lost))} in between are damaged and were left out."
    if channel is not None:
        yield (
            f"The average of all channels is more than 20 dB quieter than channel {channel + 1} "
            f"(they cancel each other, or the others are silent): channel {channel + 1} was "
            "analysed alone."
        )
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
