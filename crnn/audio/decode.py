"""Bytes or a file to a mono waveform: decoding, mixing down and resampling in one pass, nothing written to disk.

Read in blocks and resampled as they come, so memory depends on the stretch that is analysed, not on the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crnn.audio import containers
from crnn.errors import AudioError
from crnn.format import duration

# −80 dBFS. Digital silence that went through dither or a lossy codec comes back just below this, music never does.
SILENCE_PEAK = 1e-4

Samples = np.ndarray[Any, np.dtype[np.float32]]

# Names that files of the accepted formats have. The content decides; names only sort files out of folders.
AUDIO_SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".m4a",
    ".aac",
    ".webm",
    ".mp4",
    ".aif",
    ".aiff",
    ".au",
)

# Longer tracks are cut here, with a notice. Ten minutes hold all but the longest songs, and their samples fill 53 MB.
MAX_SECONDS = 600.0
# Below this there is no sound to repeat into a segment: two frames of the STFT.
MIN_SECONDS = 0.1
# Beyond it a float file holds no sample but garbage, which would overflow on the way; full scale is 1.
_LOUDEST = 1e6
# Outside it a header is broken or the recording is not music.
SOURCE_RATES = (4_000, 768_000)


@dataclass(frozen=True)
class Waveform:
    """Decoded audio: mono float32 samples [T] in [-1, 1] at sample_rate (Hz), and what is known of its source.

    source_seconds is the length of the whole source, more than `seconds` where it was cut. notices: sentences for the
    listener about anything that was changed or left out on the way.
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
    source: bytes | Path,
    *,
    sample_rate: int = 22_050,
    downmix: Literal["normalised", "mean"] = "mean",
    max_seconds: float = MAX_SECONDS,
) -> Waveform:
    """Decode audio from bytes or a file to mono [T] at sample_rate.

    wav, flac, ogg, opus, mp3 (aiff, au, caf too) are read by libsndfile; m4a, aac, webm, mp4 by FFmpeg through PyAV.
    The content decides, never the name. downmix as in FrontEnd; for "normalised" the peak is taken after resampling.
    Resampled with soxr (its HQ filter, librosa's default too).

    Raises AudioError for anything that can't be heard. What can be heard in part (truncated, damaged, NaN, too long)
    is decoded that far, and `notices` says so.
    """
    import soxr  # here, not above: decoding is not on the path to the first page

    with containers.open_audio(source) as stream:
        low, high = SOURCE_RATES
        if not low <= stream.sample_rate <= high:
            raise AudioError(
                f"The file says it was sampled at {stream.sample_rate} Hz. Rates from {low / 1000:g} to "
                f"{high / 1000:g} kHz are accepted; save it again at 44.1 kHz."
            )
        one_channel = downmix == "mean"
        resampler = soxr.ResampleStream(
            stream.sample_rate,
            sample_rate,
            1 if one_channel else stream.channels,
            dtype="float32",
            quality="HQ",
        )
        limit = int(max_seconds * stream.sample_rate)
        tally = _Tally()
        pieces = []
        for block in _until(stream.blocks(), limit, tally):
            pieces.append(
                resampler.resample_chunk(
                    block.mean(axis=1, dtype=np.float32) if one_channel else block
                )
            )
        silence = np.zeros(0 if one_channel else (0, stream.channels), dtype=np.float32)
        pieces.append(resampler.resample_chunk(silence, last=True))

    heard = tally.frames / stream.sample_rate
    if heard < MIN_SECONDS:
        raise AudioError(
            f"This {stream.format} file holds {_count(tally.frames, 'sample')} of sound ({heard:.2g} s). "
            f"At least {MIN_SECONDS:g} s are needed, and a few seconds say more. Choose a longer recording."
        )
    samples = np.concatenate(pieces)
    if not one_channel:
        samples = _normalised(samples)
    peak = float(np.abs(samples).max())
    if (
        peak > 1
    ):  # decoders of lossy formats overshoot; scaling keeps the shape that clipping would change
        samples /= peak
    cut = tally.frames >= limit and (tally.more or stream.seconds > max_seconds + 1)
    return Waveform(
        samples=samples,
        sample_rate=sample_rate,
        format=stream.format,
        channels=stream.channels,
        source_rate=stream.sample_rate,
        source_seconds=max(stream.seconds, heard) if cut else heard,
        notices=tuple(_notices(stream, tally, heard, cut)),
    )


class _Tally:
    """What passed through while blocks were read."""

    def __init__(self) -> None:
        self.frames = 0
        self.invalid = 0
        self.more = False  # the source went on after the limit


def _until(blocks: Iterator[Samples], limit: int, tally: _Tally) -> Iterator[Samples]:
    """Blocks [n, C] up to `limit` frames in all, with values that are no numbers replaced by silence."""
    for block in blocks:
        if tally.frames >= limit:
            tally.more = True
            return
        block = block[: limit - tally.frames]
        finite = np.abs(block) < _LOUDEST  # false for NaN and infinity too
        if not finite.all():
            tally.invalid += int((~finite).any(axis=1).sum())
            block = np.where(finite, block, np.float32(0))
        tally.frames += len(block)
        yield block


def _normalised(channels: Samples) -> Samples:
    """The paper's downmix (III-C): [T, C] -> [T], each channel that sounds divided by its peak, then averaged."""
    peaks = np.abs(channels).max(axis=0)
    sounding = peaks >= SILENCE_PEAK
    if not sounding.any():
        return np.zeros(len(channels), dtype=np.float32)
    return np.asarray((channels[:, sounding] / peaks[sounding]).mean(axis=1), dtype=np.float32)


def _notices(stream: "containers.Stream", tally: _Tally, heard: float, cut: bool) -> Iterator[str]:
    if stream.damage or (not cut and heard < stream.seconds - max(0.5, 0.02 * stream.seconds)):
        promised = (
            f" of the {duration(stream.seconds)} it announces" if stream.seconds > heard + 0.5 else ""
        )
        yield f"The file is damaged or ends early: {duration(heard)}{promised} could be read, and only that was analysed."
    if cut:
        whole = (
            f"The track is {duration(stream.seconds)} long"
            if stream.seconds > heard
            else "The track is longer"
        )
        yield f"{whole}; only its first {duration(heard)} were analysed, which is the limit."
    if tally.invalid:
        yield (
            f"{_count(tally.invalid, 'sample')} of {tally.frames:,} had no valid value (NaN or infinite) and "
            f"{'was' if tally.invalid == 1 else 'were'} replaced by silence."
        )
    if stream.sample_rate < 22_050 * 0.9:
        yield (
            f"Sampled at {stream.sample_rate / 1000:g} kHz, the recording holds nothing above "
            f"{stream.sample_rate / 2000:g} kHz; the networks learned from audio that reaches 11 kHz, so trust the answer less."
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
