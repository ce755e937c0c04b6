"""Settings of the log-mel front end, and the mel scales."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class FrontEnd:
    """Settings of the log-mel front end; the defaults are the paper's (section III-C).

    sample_rate in Hz; n_fft and hop_length in samples; n_mels bands from 0 Hz to half the sample rate.
    downmix: "normalised" (each channel that sounds divided by its peak, then averaged; the paper) or "mean".
    mel_scale: "htk" or "slaney"; norm: None or "slaney" (bands of equal area).
    reference: the power that is 0 dB, or "max" for the loudest value of the track.
    top_db: values further than this below the track's loudest are raised to it.
    """

    sample_rate: int = 22_050
    downmix: Literal["normalised", "mean"] = "normalised"
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    mel_scale: Literal["htk", "slaney"] = "htk"
    norm: Literal["slaney"] | None = None
    reference: float | Literal["max"] = 1.0
    top_db: float = 80.0

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels", "top_db"):
            value = getattr(self, name)
            kinds = (int, float) if name == "top_db" else int
            if isinstance(value, bool) or not isinstance(value, kinds) or not value > 0:
                needed = "positive number" if name == "top_db" else "positive whole number"
                raise ValueError(f"front end: {name} is {value!r}; a {needed} is needed")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"front end: {name} is {getattr(self, name)!r}; one of {choices} is needed"
                )
        if self.reference != "max" and not (
            isinstance(self.reference, (int, float)) and self.reference > 0
        ):
            raise ValueError(
                f'front end: reference is {self.reference!r}; "max" or a positive power is needed'
            )

    @property
    def hop_seconds(self) -> float:
        return self.hop_length / self.sample_rate

    @property
    def floor(self) -> float | None:
        """The lowest value in dB where it is the same for every track (reference "max"), else None."""
        return -self.top_db if self.reference == "max" else None

    def frames(self, seconds: float) -> int:
        """Whole frames nearest to a stretch of time, at least one."""
        return max(1, round(seconds / self.hop_seconds))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


_CHOICES: dict[str, tuple[Any, ...]] = {
    "downmix": ("normalised", "mean"),
    "mel_scale": ("htk", "slaney"),
    "norm": (None, "slaney"),
}


PAPER_FRONT_END = FrontEnd()


# The grid of the published GTZAN mels that the bundled checkpoints were trained on: one frame every 77.5 ms,
# slaney bands, dB below the track's own maximum; its audio was averaged to mono.
GTZAN_FRONT_END = FrontEnd(
    downmix="mean", hop_length=1709, mel_scale="slaney", norm="slaney", reference="max"
)


def band_frequencies(front_end: FrontEnd) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Centre frequency of each mel band in Hz, [M]: equally spaced on the mel scale between 0 and Nyquist."""
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    return mel_to_hz(np.linspace(0.0, top, front_end.n_mels + 2)[1:-1], front_end.mel_scale)


# Slaney's scale (Auditory Toolbox, 1998): linear with 200/3 Hz a mel up to 1 kHz, then 27 steps for a factor of 6.4.
_LINEAR_HZ, _BREAK_HZ, _LOG_STEP = 200.0 / 3, 1000.0, np.log(6.4) / 27


def hz_to_mel(hz: float, scale: str) -> float:
    """Mel value of a frequency: HTK 2595·log10(1 + f/700), or Slaney's."""
    if scale == "htk":
        return float(2595.0 * np.log10(1.0 + hz / 700.0))
    if hz < _BREAK_HZ:
        return hz / _LINEAR_HZ
    return float(_BREAK_HZ / _LINEAR_HZ + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def mel_to_hz(mel: "np.ndarray[Any, Any]", scale: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Inverse of hz_to_mel, elementwise."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    break_mel = _BREAK_HZ / _LINEAR_HZ
    return np.where(
        mel < break_mel, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mel - break_mel))
    )
