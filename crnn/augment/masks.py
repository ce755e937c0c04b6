"""SpecAugment's masks of time and frequency (Park et al. 2019, section 2).

Every transform of this package is a small frozen object. Its fields are its strengths, checked when
it is made; `sample` chooses the parameters of each item of a batch; `apply` uses them. Sampled
apart from applied, so that one sample can be shown, repeated, and applied to other spectrograms of
the same sound.

Shapes: spectrograms are [B, 1, M, W] in dB; sampled parameters have B first, one row an item.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Spans:
    """Sampled masks along one axis: start and width, both [B, count], in frames or mel bands."""

    start: Tensor
    width: Tensor

    def inside(self, positions: Tensor) -> Tensor:
        """Which of some positions [P] lie in any of an item's masks: bool [B, P]."""
        start, width = self.start.unsqueeze(-1), self.width.unsqueeze(-1)
        return ((positions >= start) & (positions < start + width)).any(dim=1)

    def first_item(self) -> list[tuple[int, int]]:
        """(start, end) of the first item's masks; empty ones left out."""
        pairs = zip(self.start[0].tolist(), self.width[0].tolist(), strict=True)
        return [(start, start + width) for start, width in pairs if width > 0]


@dataclass(frozen=True)
class _Mask:
    max_width: int
    count: int = 1

    axis: ClassVar[int]

    def __post_init__(self) -> None:
        if self.max_width < 0 or self.count < 0:
            raise ValueError(f"{self}: width and count of a mask can't be negative")

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Spans:
        """Widths uniform in 0..max_width (clamped to the axis), starts uniform over where they fit.

        SpecAugment (Park et al. 2019, section 2), with both ends included.
        """
        batch, size = shape[0], shape[self.axis]
        # One row after the other, so that an item's sample does not depend on how many follow it.
        unit = torch.rand((batch, self.count, 2), generator=generator)
        width = (unit[..., 0] * (min(self.max_width, size) + 1)).long()
        start = (unit[..., 1] * (size - width + 1)).long()
        return Spans(start, width)

    def apply(self, mel: Tensor, spans: Spans, value: float) -> Tensor:
        """A copy of mel [B, 1, M, W] with the masked bins set to `value` dB."""
        size = mel.shape[self.axis]
        shape = [mel.shape[0], 1, 1, 1]
        shape[self.axis] = size
        return mel.masked_fill(spans.inside(torch.arange(size)).to(mel.device).view(shape), value)


@dataclass(frozen=True)
class TimeMask(_Mask):
    """`count` masks of up to max_width frames (the paper: one of at most 50 hop-512 frames)."""

    axis: ClassVar[int] = -1


@dataclass(frozen=True)
class FrequencyMask(_Mask):
    """`count` masks of up to max_width mel bands (the paper: one of at most 60 of 128 bands)."""

    axis: ClassVar[int] = -2
