"""Changes made to log-mel spectrograms on purpose, in training and to see what they do.

Each augmentation is a small frozen object: its fields are the strengths (checked when it is made), `draw`
chooses what happens to each item of a batch, `apply` does it. Drawn apart from applied, so that the same
draw can be shown, repeated, or applied to another picture of the same sound.

Shapes: spectrograms are [B, 1, M, W] in dB; drawn parameters have B first, one row an item. A masked value is the front
end's floor: silence. (0 dB would be the loudest point.)
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Spans:
    """Stretches along one axis: start and width of each mask, both [B, count], in frames or mel bands."""

    start: Tensor
    width: Tensor

    def inside(self, size: int) -> Tensor:
        """Which positions 0..size-1 lie in any of an item's masks: bool [B, size]."""
        position = torch.arange(size, device=self.start.device)
        start, width = self.start.unsqueeze(-1), self.width.unsqueeze(-1)
        return ((position >= start) & (position < start + width)).any(dim=1)


@dataclass(frozen=True)
class _Mask:
    max_width: int
    count: int = 1

    axis = -1

    def __post_init__(self) -> None:
        if self.max_width < 0 or self.count < 0:
            raise ValueError(f"{self}: width and count of a mask can't be negative")

    def draw(self, shape: torch.Size, generator: Generator | None = None) -> Spans:
        """Widths uniform in 0..max_width (clamped to the axis), places uniform over where they fit.

        SpecAugment (Park et al. 2019, section 2), with both ends included.
        """
        batch, size = shape[0], shape[self.axis]
        # Rows are drawn one after the other, so that an item's draw does not depend on how many follow it.
        unit = torch.rand((batch, self.count, 2), generator=generator)
        width = (unit[..., 0] * (min(self.max_width, size) + 1)).long()
        start = (unit[..., 1] * (size - width + 1)).long()
        return Spans(start, width)

    def apply(self, mel: Tensor, spans: Spans, value: float) -> Tensor:
        """Set the masked stretches of mel [B, 1, M, W] to `value` dB; the input is left as it was."""
        inside = spans.inside(mel.shape[self.axis]).to(mel.device)
        shape = [mel.shape[0], 1, 1, 1]
        shape[self.axis] = mel.shape[self.axis]
        return mel.masked_fill(inside.view(shape), value)


@dataclass(frozen=True)
class TimeMask(_Mask):
    """Up to max_width frames of silence, `count` times (the paper: one of at most 50 hop-512 frames)."""

    axis = -1


@dataclass(frozen=True)
class FrequencyMask(_Mask):
    """Up to max_width mel bands of silence, `count` times (the paper: one of at most 60 of 128 bands)."""

    axis = -2
