"""Augmentations that mix a second track in, and its label with it.

The label that training would use is 1 − `label` of the first track's and `label` of the second's.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from crnn.audio.front_end import hz_to_mel, mel_to_hz
from crnn.augment.effects.base import Recording, check
from crnn.augment.effects.stretch import HOP, istft, stft

_EPSILON = 1e-3  # dB: a constant band is not scaled up
_FLOOR = -100.0  # dB, of the STFT's magnitude


@dataclass(frozen=True)
class Mix:
    """weight: 0 (none) to 1."""

    other: Recording
    weight: float

    def __post_init__(self) -> None:
        check("mixing with a weight", self.weight, 0, 1, "of the second track")

    @property
    def label(self) -> float:
        """The second track's part of the label."""
        return self.weight


@dataclass(frozen=True)
class Mixup(Mix):
    """The weighted sum of both tracks (Zhang et al. 2018; of sounds, Tokozume et al. 2018)."""

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]."""
        return (1 - self.weight) * samples + self.weight * self.other.fitted(samples)


@dataclass(frozen=True)
class CutMix(Mix):
    """A rectangle of the spectrogram is the second track's (Yun et al. 2019).

    Both sides have √weight of the time and of the mel scale; where it lies, the seed says.
    """

    seed: int = 0

    def region(self) -> tuple[float, float, float, float]:
        """Start and end, in time and on the mel scale, as fractions of the whole."""
        side = self.weight**0.5
        unit = torch.rand(2, generator=Generator().manual_seed(self.seed)) * (1 - side)
        start, low = unit.tolist()
        return start, start + side, low, low + side

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]."""
        if not self.weight:
            return samples
        own, others = stft(samples), stft(self.other.fitted(samples))
        start, end, low, high = self.region()
        time = torch.arange(own.shape[-1]) * HOP / samples.shape[-1]
        top = hz_to_mel(sample_rate / 2, "slaney")
        first, last = mel_to_hz(np.array([low, high]) * top, "slaney").tolist()
        hertz = torch.linspace(0, sample_rate / 2, own.shape[-2]).unsqueeze(1)
        inside = (hertz >= first) & (hertz <= last) & (time >= start) & (time <= end)
        return istft(torch.where(inside, others, own), samples.shape[-1]).to(samples.dtype)


@dataclass(frozen=True)
class MixStyle(Mix):
    """Each band's mean level and deviation move towards the second track's; the label stays.

    Zhou et al. 2021; by frequency band, Kim et al. 2022 (arXiv 2206.12513). Training mixes mel
    bands; here, each bin of the STFT keeps its phase.
    """

    @property
    def label(self) -> float:
        return 0.0

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]; too short for statistics: unchanged."""
        if not self.weight or samples.shape[-1] < HOP:
            return samples
        own, others = stft(samples), stft(self.other.fitted(samples))
        level, style = (20 * torch.log10(s.abs()).clamp(min=_FLOOR / 20) for s in (own, others))
        mixed = mix_statistics(level, style, 1 - self.weight, _FLOOR)
        return istft(own * 10 ** ((mixed - level) / 20), samples.shape[-1]).to(samples.dtype)


def mix_statistics(mel: Tensor, other: Tensor, lam: float | Tensor, floor: float) -> Tensor:
    """Mix mean and deviation over time of each band with those of another spectrogram.

    Args:
        mel, other: [..., M, W] dB; the result has the same shape.
        lam: the weight of an example's own statistics, one or [..., 1, 1].
        floor: silence in dB, which stays silence.
    """
    mean, deviation = mel.mean(-1, keepdim=True), mel.std(-1, keepdim=True) + _EPSILON
    new_mean = lam * mean + (1 - lam) * other.mean(-1, keepdim=True)
    new_deviation = lam * deviation + (1 - lam) * (other.std(-1, keepdim=True) + _EPSILON)
    styled = (mel - mean) / deviation * new_deviation + new_mean
    return torch.where(mel > floor, styled, mel).clamp(min=floor)
