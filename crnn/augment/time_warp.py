"""SpecAugment's time warp (Park et al. 2019, section 2), of two straight lines, not a spline."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Warp:
    """A sampled warp: the point that moves and its shift, [B] in any unit; 0 and `end` stay."""

    point: Tensor
    shift: Tensor
    end: float

    def source(self, positions: Tensor) -> Tensor:
        """Positions before the warp of what lies at some positions [P] after it, [B, P]."""
        point, goal = self.point.unsqueeze(-1), (self.point + self.shift).unsqueeze(-1)
        before = positions * point / goal
        after = point + (positions - goal) * (self.end - point) / (self.end - goal)
        still = self.shift.unsqueeze(-1) == 0
        return torch.where(
            still, positions.expand_as(before), torch.where(positions <= goal, before, after)
        )


@dataclass(frozen=True)
class TimeWarp:
    """One point moved by up to max_shift frames (the paper: 20 of hop 512), the rest stretched.

    The point lies between W and τ − W of τ frames. W is clamped to under half of them, where no
    point would be left.
    """

    max_shift: int

    def __post_init__(self) -> None:
        if self.max_shift < 0:
            raise ValueError(f"{self}: a shift can't be negative")

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Warp:
        """Point uniform in [W, τ − 1 − W], shift in (−W, W); frames count from 0 to τ − 1."""
        end = float(shape[-1] - 1)
        unit = torch.rand((shape[0], 2), generator=generator)
        limit = max(0.0, min(float(self.max_shift), (end - 1) / 2))
        point = limit + unit[:, 0] * (end - 2 * limit)
        # Hair's breadth: neither side of the point may shrink to nothing.
        return Warp(point, (unit[:, 1] * 2 - 1) * limit * 0.999, end)

    @staticmethod
    def apply(mel: Tensor, warp: Warp, positions: Tensor | None = None) -> Tensor:
        """Resample the frames of mel [B, 1, M, W], linear between neighbours.

        positions: of the frames, evenly spaced, in the warp's unit; default: frame numbers.
        """
        if not bool((warp.shift != 0).any()):
            return mel.clone()
        size = mel.shape[-1]
        positions = torch.arange(size, dtype=torch.float32) if positions is None else positions
        first = float(positions[0])
        step = float(positions[1]) - first if size > 1 else 1.0
        source = ((warp.source(positions) - first) / step).clamp(0, size - 1).to(mel.device)
        lower = source.floor().long().clamp(max=max(0, size - 2))
        weight = (source - lower)[:, None, None, :].to(mel.dtype)
        index = lower[:, None, None, :].expand(mel.shape)
        left, right = mel.gather(-1, index), mel.gather(-1, (index + 1).clamp(max=size - 1))
        return left * (1 - weight) + right * weight
