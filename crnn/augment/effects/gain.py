"""Gain: louder or quieter by a number of decibels."""

from dataclasses import dataclass

from torch import Tensor

from crnn.augment.effects.base import check


@dataclass(frozen=True)
class Gain:
    """Amplitude times 10^(db / 20); −60 to 60 dB, 0 is none. Peaks may exceed ±1."""

    db: float

    def __post_init__(self) -> None:
        check("a gain", self.db, -60, 60, "dB")

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]."""
        return samples * 10 ** (self.db / 20)
