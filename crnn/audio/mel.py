"""Waveform to log-mel spectrogram: the only place where this happens, in training and in serving.

A FrontEnd holds every setting that changes a value; each checkpoint carries its own, so that a network is always
served with the picture it was trained on.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from crnn.audio._torchaudio import torchaudio
from crnn.audio.decode import SILENCE_PEAK
from crnn.errors import AudioError

# Frames transformed at once: 4 MB of STFT at n_fft 2048, however long the track.
_BLOCK_FRAMES = 512


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

PAPER = FrontEnd()

# The grid of the published GTZAN mels that the bundled checkpoints were trained on: one frame every 77.5 ms,
# slaney bands, dB below the track's own maximum; its audio was averaged to mono.
GTZAN_MELS = FrontEnd(
    downmix="mean", hop_length=1709, mel_scale="slaney", norm="slaney", reference="max"
)


def mel_power(samples: "np.ndarray[Any, Any] | Tensor", front_end: FrontEnd) -> Tensor:
    """Mel power spectrogram, centred frames (zeros beyond both ends).

    Shape: samples [T] -> [M, F] with F = T // hop_length + 1. Unit: squared amplitude, per band
    after `norm`. Computed in blocks of frames, so memory beyond the result does not grow with T.
    """
    wave = torch.as_tensor(samples, dtype=torch.float32)
    if wave.ndim != 1 or wave.numel() == 0:
        raise ValueError(
            f"samples have shape {tuple(wave.shape)}; one non-empty axis [T] is needed"
        )
    n_frames = wave.numel() // front_end.hop_length + 1
    mel_spectrogram = transform(front_end)
    half, hop = front_end.n_fft // 2, front_end.hop_length
    padded = torch.nn.functional.pad(wave, (half, half))
    blocks = []
    for first in range(0, n_frames, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, n_frames) - 1
        blocks.append(mel_spectrogram(padded[first * hop : last * hop + front_end.n_fft]))
    return torch.cat(blocks, dim=1)


def log_mel(samples: "np.ndarray[Any, Any] | Tensor", front_end: FrontEnd) -> Tensor:
    """Log-mel spectrogram in dB.

    Shape: samples [T] -> [M, F], float32, F = T // hop_length + 1.
    Raises AudioError for silence: "dB below the maximum" has no meaning where nothing sounds.
    """
    wave = torch.as_tensor(samples, dtype=torch.float32)
    peak = float(wave.abs().max()) if wave.numel() else 0.0
    if peak < SILENCE_PEAK:
        raise AudioError(
            f"The audio is silent: its loudest sample is {_dbfs(peak)}, and anything below −80 dBFS counts as silence. "
            "Check the recording level, or choose a passage where something sounds."
        )
    power = mel_power(wave, front_end)
    if not bool(power.max() > 0):
        # Frames are centred a hop apart: with long hops the only sound can lie beyond the last one.
        raise AudioError(
            "The audio is silent but for its very end. Choose a passage where something sounds."
        )
    return power_to_db(power, front_end)


def power_to_db(power: Tensor, front_end: FrontEnd, loudest: Tensor | None = None) -> Tensor:
    """10·log10(power / reference), no lower than top_db below the loudest value; the same shape.

    loudest: the whole track's loudest value, where power is only a part of the track.
    """
    loudest = power.max() if loudest is None else loudest
    reference = loudest if front_end.reference == "max" else torch.tensor(front_end.reference)
    return 10.0 * torch.log10(power.clamp(min=loudest * 10 ** (-front_end.top_db / 10)) / reference)


def silence(mel: Tensor, front_end: FrontEnd) -> float:
    """The value in dB that silence has in a track's log-mel picture: the floor, or top_db below the loudest."""
    return front_end.floor if front_end.floor is not None else float(mel.max()) - front_end.top_db


def band_frequencies(front_end: FrontEnd) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Centre frequency of each mel band in Hz, [M]: equally spaced on the mel scale between 0 and Nyquist."""
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    return mel_to_hz(np.linspace(0.0, top, front_end.n_mels + 2)[1:-1], front_end.mel_scale)


@lru_cache(maxsize=8)
def band_weights(front_end: FrontEnd) -> Tensor:
    """What each band's power counts for in the power of the whole sound, [M]: undoes `norm`, so that all filters together
    weigh every frequency alike."""
    if front_end.norm is None:
        return torch.ones(front_end.n_mels)
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    edges = mel_to_hz(np.linspace(0.0, top, front_end.n_mels + 2), front_end.mel_scale)
    return torch.from_numpy((edges[2:] - edges[:-2]) / 2).float()


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


@lru_cache(maxsize=8)
def transform(front_end: FrontEnd) -> Any:
    """Samples [T] that are padded already -> mel power [M, F]; its two halves are `.spectrogram` and `.mel_scale`."""
    return torchaudio.transforms.MelSpectrogram(
        sample_rate=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop_length,
        n_mels=front_end.n_mels,
        mel_scale=front_end.mel_scale,
        norm=front_end.norm,
        center=False,  # the padding is done once, above, so that blocks join without a seam
    )


def _dbfs(peak: float) -> str:
    return "zero" if peak == 0 else f"{20 * np.log10(peak):.0f} dBFS"
