"""Hard clipping: an overdriven input cuts off every peak above its limit."""

from dataclasses import dataclass

from torch import Tensor

from crnn.augment.effects.base import check


@dataclass(frozen=True)
class Clipping:
    """Samples above a level, in magnitude, are set to it.

    depth_db: how far the level lies below the sound's own peak, 0 (none) to 60 dB.
    """

    depth_db: float

    def __post_init__(self) -> None:
        check("a clipping depth", self.depth_db, 0, 60, "dB")

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]; the level is that of each item's own peak."""
        level = samples.abs().amax(-1, keepdim=True) * 10 ** (-self.depth_db / 20)
        return samples.clamp(-level, level)
