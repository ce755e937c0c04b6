"""The convolutional recurrent network: a segment's log-mel picture in, one logit a class out.

The family of Choi et al. 2016 (arXiv 1609.04243) in the form of Nasrullah & Zhao 2019 (arXiv 1901.04555): convolutions read
what sounds, recurrent units how it goes on.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from crnn.audio.front_end import FrontEnd

Pools = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class ModelConfig:
    """Everything that fixes the network's shape; stored in its checkpoint.

    n_mels, frames: size of a segment's picture. pools: (mel bands, frames) joined after each convolution.
    pooling: "max" or "avg". activation: "elu" or "pelu". gru: width of each of the two recurrent layers.
    readout: what of the recurrent states the linear layer sees: the "last" (of each direction), their "mean" over time, or their
    mean weighted by an "attention" learned from each state.
    conv_dropout acts after each convolution, dropout before the linear layer.
    """

    n_mels: int
    frames: int
    n_classes: int
    pools: Pools
    channels: tuple[int, ...] = (64, 128, 128, 128)
    pooling: Literal["max", "avg"] = "max"
    activation: Literal["elu", "pelu"] = "elu"
    gru: int = 64
    bidirectional: bool = False
    readout: Literal["last", "mean", "attention"] = "last"
    conv_dropout: float = 0.1
    dropout: float = 0.3

    def __post_init__(self) -> None:
        # From JSON the tuples arrive as lists.
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "pools", tuple((int(f), int(t)) for f, t in self.pools))
        sizes = (
            self.n_mels,
            self.frames,
            self.n_classes,
            self.gru,
            *self.channels,
            *(n for p in self.pools for n in p),
        )
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            raise ValueError(f"every size must be a whole number above 0, got {sizes}")
        if len(self.pools) != len(self.channels):
            raise ValueError(
                f"{len(self.channels)} convolutions need as many pools, got {len(self.pools)}"
            )
        bands, steps = self.output_size
        if bands != 1 or steps < 1:
            raise ValueError(
                f"pools {self.pools} turn {self.n_mels} bands × {self.frames} frames into {bands} × {steps}; "
                "frequency must end at 1 and at least one time step must stay"
            )
        if self.pooling not in ("max", "avg") or self.activation not in ("elu", "pelu"):
            raise ValueError(
                f"pooling {self.pooling!r}: max or avg; activation {self.activation!r}: elu or pelu"
            )
        if self.readout not in ("last", "mean", "attention"):
            raise ValueError(f"readout {self.readout!r}: last, mean or attention")

    @property
    def output_size(self) -> tuple[int, int]:
        """Bands and time steps that are left after the last pooling (each division rounds down)."""
        bands, steps = self.n_mels, self.frames
        for band_pool, time_pool in self.pools:
            bands, steps = bands // band_pool, steps // time_pool
        return bands, steps

    @property
    def largest_map(self) -> int:
        """Numbers in the largest picture between two layers, of one segment: channels × bands × steps."""
        return max(channels * bands * steps for channels, _, bands, steps in self._stages())

    @property
    def multiplications(self) -> int:
        """Multiplications that one segment takes: of the convolutions (3×3), the two GRUs and the linear layer."""
        count = sum(
            9 * channels * previous * bands * steps
            for channels, previous, bands, steps in self._stages()
        )
        ways = 2 if self.bidirectional else 1
        inputs = self.channels[-1] + self.gru * ways  # of the first GRU and of the second
        count += self.output_size[1] * ways * 3 * self.gru * (inputs + 2 * self.gru)
        return count + self.gru * ways * self.n_classes

    def _stages(self) -> Iterator[tuple[int, int, int, int]]:
        """For each convolution: channels out, channels in, and the bands and steps of its picture."""
        bands, steps, previous = self.n_mels, self.frames, 1
        for channels, (band_pool, time_pool) in zip(self.channels, self.pools, strict=True):
            yield channels, previous, bands, steps
            bands, steps, previous = bands // band_pool, steps // time_pool, channels

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def pool_sizes(front_end: FrontEnd) -> Pools:
    """Four pools that follow the front end: frequency ends at 1, time keeps about 8 steps every 3 s.

    Time is joined by the power of two nearest (in octaves) to frames-in-3-s / 8, spread over the layers from
    the middle; frequency 4-fold per layer with the remainder last, since the picture is largest, and so each
    multiplication most numerous, before the first pooling. For 128 bands: (4, 4, 4, 2).
    """
    bands = front_end.n_mels
    halvings = math.log2(bands)
    if not halvings.is_integer() or not 4 <= halvings <= 8:
        raise ValueError(
            f"n_mels is {bands}; 16, 32, 64, 128 or 256 bands can be pooled to one by four layers"
        )
    octaves = [int(halvings) // 4 + (i < int(halvings) % 4) for i in range(4)]
    time_octaves = max(0, round(math.log2(front_end.frames(3.0) / 8)))
    order = (1, 2, 0, 3)
    time = [0, 0, 0, 0]
    for i in range(time_octaves):
        time[order[i % 4]] += 1
    return tuple((2**f, 2**t) for f, t in zip(octaves, time, strict=True))


class PELU(nn.Module):
    """Parametric ELU (Trottier et al. 2016, eq. 3): (a/b)·x above 0, a·(exp(x/b) − 1) below; a, b > 0 learned per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Learned as logarithms, so that a and b stay positive.
        self.log_a = nn.Parameter(torch.zeros(channels, 1, 1))
        self.log_b = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.log_a.exp(), self.log_b.exp()
        return torch.where(x >= 0, a / b * x, a * torch.expm1(x.clamp(max=0) / b))


class CRNN(nn.Module):
    """Batch norm, four convolutions, two stacked GRUs, linear.

    Shape: [B, 1, M, W] dB -> logits [B, K].
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.normalise = nn.BatchNorm2d(1)
        layers, previous = [], 1
        for channels, pool in zip(config.channels, config.pools, strict=True):
            layers.append(
                nn.Sequential(
                    nn.Conv2d(previous, channels, kernel_size=3, padding=1),
                    nn.ELU(inplace=True) if config.activation == "elu" else PELU(channels),
                    nn.BatchNorm2d(channels),
                    nn.MaxPool2d(pool) if config.pooling == "max" else nn.AvgPool2d(pool),
                    nn.Dropout(config.conv_dropout),
                )
            )
            previous = channels
        self.convolutions = nn.ModuleList(layers)
        self.gru = nn.GRU(
            previous,
            config.gru,
            num_layers=2,
            batch_first=True,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        self.dropout = nn.Dropout(config.dropout)
        width = config.gru * (2 if config.bidirectional else 1)
        self.attention = nn.Linear(width, 1) if config.readout == "attention" else None
        self.linear = nn.Linear(width, config.n_classes)
        # About twice as fast on CPUs. Weights too: with one input channel the picture's layout alone decides nothing.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, segments: Tensor) -> Tensor:
        return self.linear(self.dropout(self.embed(segments)))  # type: ignore[no-any-return]

    @property
    def embedding_size(self) -> int:
        """H of the embedding: states of both directions where there are two."""
        return self.linear.in_features

    def embed(self, segments: Tensor) -> Tensor:
        """What the recurrent layers make of a segment, before classes are told apart.

        Shape: [B, 1, M, W] dB -> [B, H].
        """
        expected = (1, self.config.n_mels, self.config.frames)
        if tuple(segments.shape[1:]) != expected:
            raise ValueError(
                f"segments have shape {tuple(segments.shape)}; [B, {', '.join(map(str, expected))}] is needed"
            )
        x = self.normalise(segments).contiguous(memory_format=torch.channels_last)
        for layer in self.convolutions:
            x = layer(x)  # [B, C, M', W']
        return self.recur(x)

    def recur(self, maps: Tensor) -> Tensor:
        """What the recurrent layers make of the last convolution's maps. Shape: [B, C, 1, W'] -> [B, H]."""
        sequence = maps.squeeze(2).transpose(1, 2)  # [B, W', C]
        states, _ = self.gru(sequence)  # [B, W', H] or [B, W', 2H]
        if self.attention is not None:
            # Weights of the steps, summing to 1: how much each says about the class.
            return (self.attention(states).softmax(dim=1) * states).sum(dim=1)  # type: ignore[no-any-return]
        if self.config.readout == "mean":
            return states.mean(dim=1)  # type: ignore[no-any-return]
        if self.config.bidirectional:
            # Each direction's state after it has read the whole segment.
            half = self.config.gru
            return torch.cat([states[:, -1, :half], states[:, 0, half:]], dim=1)
        return states[:, -1]  # type: ignore[no-any-return]
