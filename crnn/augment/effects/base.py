"""The interface of every effect, and a check of bounds."""

from typing import Protocol

from torch import Tensor


class Effect(Protocol):
    """An augmentation of the waveform."""

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T], of the same type; another tensor, or the same unchanged."""


def check(what: str, value: float, low: float, high: float, unit: str) -> None:
    """Raise ValueError, in one sentence, where a strength is out of bounds or not a number."""
    if not low <= value <= high:
        raise ValueError(f"{what} of {value:g} {unit}: between {low:g} and {high:g} is needed")
