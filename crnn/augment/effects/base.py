"""The interface of every effect, a recording to mix in, and a check of bounds."""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


class Effect(Protocol):
    """An augmentation of the waveform."""

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T], of the same type; another tensor, or the same unchanged."""


@dataclass(frozen=True)
class Recording:
    """Another sound: its name, by which it is told from others, and its samples [T]."""

    name: str
    samples: Tensor = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.samples.numel():
            raise ValueError(f"the recording {self.name!r} is empty: samples are needed")

    def fitted(self, samples: Tensor) -> Tensor:
        """From its middle on, as long as samples [..., T], and on average as loud."""
        places = len(self.samples) // 2 + torch.arange(samples.shape[-1])
        sound = self.samples[places % len(self.samples)].to(samples.dtype)
        power = samples.square().mean(-1, keepdim=True)
        return sound * (power / sound.square().mean().clamp(min=1e-20)).sqrt()


def check(what: str, value: float, low: float, high: float, unit: str) -> None:
    """Raise ValueError, in one sentence, where a strength is out of bounds or not a number."""
    if not low <= value <= high:
        raise ValueError(f"{what} of {value:g} {unit}: between {low:g} and {high:g} is needed")
