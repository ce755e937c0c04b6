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

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import band_weights
from crnn.audio.noise import KINDS, noise_loop, noise_loop_power


@dataclass(frozen=True)
class Spans:
    """Stretches along one axis: start and width of each mask, both [B, count], in frames or mel bands."""

    start: Tensor
    width: Tensor

    def inside(self, positions: Tensor) -> Tensor:
        """Which of some positions [P] lie in any of an item's masks: bool [B, P]."""
        start, width = self.start.unsqueeze(-1), self.width.unsqueeze(-1)
        return ((positions >= start) & (positions < start + width)).any(dim=1)

    def item(self, number: int) -> "Spans":
        """The draw of one item, as a batch of one."""
        return Spans(self.start[number : number + 1], self.width[number : number + 1])


@dataclass(frozen=True)
class _Mask:
    max_width: int
    count: int = 1

    axis = -1

    def __post_init__(self) -> None:
        if self.max_width < 0 or self.count < 0:
            raise ValueError(f"{self}: width and count of a mask can't be negative")

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Spans:
        """Widths uniform in 0..max_width (clamped to the axis), places uniform over where they fit.

        SpecAugment (Park et al. 2019, section 2), with both ends included.
        """
        batch, size = shape[0], shape[self.axis]
        # Rows are drawn one after the other, so that an item's draw does not depend on how many follow it.
        unit = torch.rand((batch, self.count, 2), generator=generator)
        width = (unit[..., 0] * (min(self.max_width, size) + 1)).long()
        start = (unit[..., 1] * (size - width + 1)).long()
        return Spans(start, width)

    def apply(
        self, mel: Tensor, spans: Spans, value: float, positions: Tensor | None = None
    ) -> Tensor:
        """Set the masked stretches of mel [B, 1, M, W] to `value` dB; the input is left as it was.

        positions: where the axis's points lie in the unit of the draw, if that was made for another picture.
        """
        positions = torch.arange(mel.shape[self.axis]) if positions is None else positions
        inside = spans.inside(positions).to(mel.device)
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


@dataclass(frozen=True)
class Warp:
    """A moment and where it goes: point and shift [B] in frames of a picture that ends at `end`."""

    point: Tensor
    shift: Tensor
    end: float

    def source(self, positions: Tensor) -> Tensor:
        """What is heard at each position [P] after the warp: its place before, [B, P]. Rises; 0 and `end` stay."""
        point, goal = self.point.unsqueeze(-1), (self.point + self.shift).unsqueeze(-1)
        before = positions * point / goal
        after = point + (positions - goal) * (self.end - point) / (self.end - goal)
        still = self.shift.unsqueeze(-1) == 0
        return torch.where(
            still, positions.expand_as(before), torch.where(positions <= goal, before, after)
        )

    def item(self, number: int) -> "Warp":
        """The draw of one item, as a batch of one."""
        return Warp(self.point[number : number + 1], self.shift[number : number + 1], self.end)


@dataclass(frozen=True)
class TimeWarp:
    """One moment moved by up to max_shift frames, the rest stretched to fit (the paper: 20 hop-512 frames).

    SpecAugment's definition (Park et al. 2019, section 2): the moment lies between W and τ − W of τ frames. W
    is clamped to under half of them, where no moment would be left.
    """

    max_shift: int

    def __post_init__(self) -> None:
        if self.max_shift < 0:
            raise ValueError(f"{self}: a shift can't be negative")

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Warp:
        """Moment uniform in [W, τ − 1 − W], shift uniform in (−W, W); frames count from 0 to τ − 1."""
        end = float(shape[-1] - 1)
        unit = torch.rand((shape[0], 2), generator=generator)
        limit = max(0.0, min(float(self.max_shift), (end - 1) / 2))
        point = limit + unit[:, 0] * (end - 2 * limit)
        # Hair's breadth: neither side of the moment may shrink to nothing.
        return Warp(point, (unit[:, 1] * 2 - 1) * limit * 0.999, end)

    def apply(self, mel: Tensor, warp: Warp, positions: Tensor | None = None) -> Tensor:
        """Resample the frames of mel [B, 1, M, W], linear between neighbours.

        positions: where the frames lie in the unit of the draw, evenly spaced, if that was made for another picture.
        """
        if not bool((warp.shift != 0).any()):
            return mel.clone()
        size = mel.shape[-1]
        positions = torch.arange(size, dtype=torch.float32) if positions is None else positions
        first, step = (
            (float(positions[0]), float(positions[1] - positions[0])) if size > 1 else (0.0, 1.0)
        )
        source = ((warp.source(positions) - first) / step).clamp(0, size - 1).to(mel.device)
        lower = source.floor().long().clamp(max=max(0, size - 2))
        share = (source - lower)[:, None, None, :].to(mel.dtype)
        index = lower[:, None, None, :].expand(mel.shape)
        left, right = mel.gather(-1, index), mel.gather(-1, (index + 1).clamp(max=size - 1))
        return left * (1 - share) + right * share


@dataclass(frozen=True)
class BackgroundNoise:
    """Noise under the music, snr_db decibels quieter than it on average (the paper, III-D: by signal-to-noise ratio).

    kind: one of crnn.audio.noise.KINDS. What is drawn is where in a minute of noise an item's begins, as a share of it.
    """

    snr_db: float
    kind: str = "white"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"noise {self.kind!r}: one of {', '.join(KINDS)} is needed")
        if not -100 <= self.snr_db <= 200:
            raise ValueError(
                f"a signal-to-noise ratio of {self.snr_db} dB: between −100 and 200 is needed"
            )

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Tensor:
        """[B] in [0, 1)."""
        return torch.rand(shape[0], generator=generator)

    def mix(self, samples: Tensor, drawn: float, sample_rate: int) -> Tensor:
        """Shape: samples [T] -> [T]. Silence stays silence: nothing can be so many dB below it."""
        noise = noise_loop(self.kind, sample_rate)
        first = int(drawn * len(noise))
        taken = noise[(first + torch.arange(len(samples))) % len(noise)]
        level = (
            samples.square().mean()
            / taken.square().mean().clamp(min=1e-20)
            * 10 ** (-self.snr_db / 10)
        )
        return samples + level.sqrt().to(samples.dtype) * taken.to(samples.dtype)

    def apply(self, mel: Tensor, drawn: Tensor, front_end: FrontEnd) -> Tensor:
        """The same where only a spectrogram is left: noise through the same mel bank, added as power.

        mel [B, 1, M, W] dB. Powers of uncorrelated sounds add up on average; the phase that decides single values is
        lost. Where 0 dB is the track's loudest point, the result is turned down to stay below it.
        """
        noise = noise_loop_power(self.kind, front_end)  # [M, F]
        width = mel.shape[-1]
        first = (drawn * noise.shape[1]).long()
        frames = (first.unsqueeze(-1) + torch.arange(width)) % noise.shape[1]  # [B, W]
        taken = noise.t()[frames].transpose(1, 2).unsqueeze(1).to(mel.device)  # [B, 1, M, W]
        power = torch.pow(10.0, mel / 10)
        weights = band_weights(front_end).to(mel.device).view(1, 1, -1, 1)
        ratio = (power * weights).sum((1, 2, 3)) / (taken * weights).sum((1, 2, 3))
        level = ratio * 10 ** (-self.snr_db / 10)
        mixed = 10 * torch.log10(power + level.view(-1, 1, 1, 1) * taken)
        if front_end.floor is None:
            return mixed
        above = mixed.amax((1, 2, 3), keepdim=True).clamp(min=0)
        return (mixed - above).clamp(min=front_end.floor)
