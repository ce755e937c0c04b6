"""Settings of the log-mel spectrogram, and the mel scales."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Array = np.ndarray[Any, np.dtype[np.float64]]
Count = Annotated[int, Field(strict=True, gt=0)]
Positive = Annotated[float, Field(strict=True, gt=0)]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FrontEnd:
    """Every setting that changes a value of the log-mel spectrogram; checkpoints store their own.

    The defaults are the paper's (section III-C).

    Args:
        sample_rate: Hz; the mel bands cover 0 to half of it.
        downmix: "normalised" (each non-silent channel divided by its peak, then averaged; the
            paper) or "mean".
        n_fft, hop_length: samples.
        n_mels: mel bands.
        mel_scale: "htk" or "slaney".
        norm: None, or "slaney" for filters of equal area.
        reference: the power at 0 dB, or "max" for the maximum of the track.
        top_db: values further below the track's maximum are raised to it.

    Raises:
        ValueError: a setting is out of its range; the message names it.
    """

    sample_rate: Count = 22_050
    downmix: Literal["normalised", "mean"] = "normalised"
    n_fft: Count = 2048
    hop_length: Count = 512
    n_mels: Count = 128
    mel_scale: Literal["htk", "slaney"] = "htk"
    norm: Literal["slaney"] | None = None
    reference: Positive | Literal["max"] = 1.0
    top_db: Positive = 80.0

    @property
    def hop_seconds(self) -> float:
        return self.hop_length / self.sample_rate

    @property
    def floor(self) -> float | None:
        """The lowest value in dB, where all tracks share it (reference "max"), else None."""
        return -self.top_db if self.reference == "max" else None

    def frames(self, seconds: float) -> int:
        """The number of frames nearest to a duration, at least one."""
        return max(1, round(seconds / self.hop_seconds))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


PAPER_FRONT_END = FrontEnd()

# The grid of the published GTZAN mels that the bundled checkpoints were trained on: a frame every
# 77.5 ms, slaney bands, dB below the track's maximum; the audio was averaged to mono.
GTZAN_FRONT_END = FrontEnd(
    downmix="mean", hop_length=1709, mel_scale="slaney", norm="slaney", reference="max"
)


def band_edges(front_end: FrontEnd) -> Array:
    """Corner frequencies of the mel filters in Hz, [M + 2]: equal steps in mel up to Nyquist.

    Filter m rises from edge m, peaks at edge m + 1 and ends at edge m + 2.
    """
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    return mel_to_hz(np.linspace(0.0, top, front_end.n_mels + 2), front_end.mel_scale)


def band_frequencies(front_end: FrontEnd) -> Array:
    """Centre frequency of each mel band in Hz, [M]."""
    return band_edges(front_end)[1:-1]


# Slaney's scale (Auditory Toolbox, 1998): 200/3 Hz a mel up to 1 kHz, then a factor 6.4 in 27.
_LINEAR_HZ, _BREAK_HZ, _LOG_STEP = 200.0 / 3, 1000.0, np.log(6.4) / 27


def hz_to_mel(hz: float, scale: str) -> float:
    """Frequency in mel: HTK's 2595·log10(1 + f/700), or Slaney's."""
    if scale == "htk":
        return float(2595.0 * np.log10(1.0 + hz / 700.0))
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return float(_BREAK_HZ / _LINEAR_HZ + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def mel_to_hz(mel: np.ndarray[Any, Any], scale: str) -> Array:
    """Inverse of hz_to_mel, elementwise."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    break_mel = _BREAK_HZ / _LINEAR_HZ
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (mel - break_mel))
    return np.where(mel < break_mel, mel * _LINEAR_HZ, logarithmic)
