"""Settings of a network and of its checkpoint, and bounds on strangers' checkpoints.

Without the bounds, a config.json of a few hundred bytes could ask for gigabytes of memory, or for
hours of everyone's processor. Each is several times what the paper's own settings need. Nothing
here imports torch.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from crnn.audio.front_end import FrontEnd
from crnn.labels import display
from crnn.model import metadata
from crnn.untrusted import text

# [channels × bands × steps] of one segment, largest of all layers: the paper's 10 s take 3.5
# million.
MAX_FEATURE_MAP = 4_000_000
# Multiplications a second of sound: the paper's network on 10 s takes 70 million.
MAX_MULTIPLICATIONS = 500_000_000
MAX_LAYERS, MAX_LABELS, MAX_LABEL_LENGTH = 12, 100, 40
# Values a second in the spectrogram: the paper's 128 bands every 23 ms are 5500.
MAX_SPECTROGRAM_RATE = 30_000

_TASK = re.compile(r"[a-z][a-z0-9 -]{0,29}")
# Keys of the JSON and CSV export beside the tasks and, per task, beside the labels.
RESERVED_TASKS = ("file", "seconds", "start", "segments", "doubt", "error", "similarity")
RESERVED_LABELS = ("doubt", "doubted")
# Labels stand in sentences and figures that read Markdown and HTML.
_MARKUP = re.compile(r"[<>\[\]`$\\{}|*&:~#!@]|(?<!\w)_|_(?!\w)|www\.|^\W|^\d+[.)]\s", re.IGNORECASE)

Size = Annotated[int, Field(strict=True, gt=0)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Fraction = Annotated[Number, Field(ge=0, le=1)]
Text = Annotated[str, BeforeValidator(lambda value: text(value))]
Pools = tuple[tuple[Size, Size], ...]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class ModelConfig:
    """The network's shape; stored in its checkpoint. Invalid values raise ValueError.

    Attributes:
        n_mels, frames: bands and frames of a segment's log-mel spectrogram.
        n_classes: number of outputs.
        pools: pooling size (mel bands, frames) after each convolution.
        channels: output channels of each convolution.
        residual: how many of the last convolutions are followed, before pooling, by a second one
            of the same size whose output is added to its input (He et al. 2016).
        gru: hidden size of each of the two recurrent layers.
        readout: which hidden states the linear layer sees: the "last" (of each direction), their
            "mean" over time, or their mean weighted by an "attention" learned from each state.
        conv_dropout: after each convolution. dropout: between the GRUs and before the linear layer.
    """

    n_mels: Size
    frames: Size
    n_classes: Size
    pools: Pools
    channels: tuple[Size, ...] = (64, 128, 128, 128)
    residual: Annotated[int, Field(strict=True, ge=0)] = 0
    pooling: Literal["max", "avg"] = "max"
    activation: Literal["elu", "pelu"] = "elu"
    gru: Size = 64
    bidirectional: StrictBool = False
    readout: Literal["last", "mean", "attention"] = "last"
    conv_dropout: Fraction = 0.1
    dropout: Fraction = 0.3

    def __post_init__(self) -> None:
        if len(self.pools) != len(self.channels):
            raise ValueError(
                f"{len(self.channels)} convolutions need as many pools, got {len(self.pools)}"
            )
        if self.residual > len(self.channels):
            raise ValueError(
                f"residual is {self.residual}; there are {len(self.channels)} convolutions"
            )
        bands, steps = self.output_size
        if bands != 1 or steps < 1:
            raise ValueError(
                f"pools {self.pools} turn {self.n_mels} bands × {self.frames} frames into {bands} "
                f"× {steps}; "
                "frequency must end at 1 and at least one time step must stay"
            )

    @property
    def output_size(self) -> tuple[int, int]:
        """Bands and time steps after the last pooling (each division rounds down)."""
        bands, steps = self.n_mels, self.frames
        for band_pool, time_pool in self.pools:
            bands, steps = bands // band_pool, steps // time_pool
        return bands, steps

    @property
    def largest_map(self) -> int:
        """Values in the largest feature map of one segment: channels × bands × steps."""
        return max(channels * bands * steps for channels, _, bands, steps in self._layers())

    @property
    def multiplications(self) -> int:
        """Multiplications that one segment takes: convolutions (3×3), two GRUs, linear layer."""
        layers = list(self._layers())
        layers += [(c, c, b, s) for c, _, b, s in layers[len(layers) - self.residual :]]
        count = sum(
            9 * channels * previous * bands * steps for channels, previous, bands, steps in layers
        )
        directions = 2 if self.bidirectional else 1
        inputs = self.channels[-1] + self.gru * directions  # of the first GRU and of the second
        count += self.output_size[1] * directions * 3 * self.gru * (inputs + 2 * self.gru)
        return count + self.gru * directions * self.n_classes

    def _layers(self) -> Iterator[tuple[int, int, int, int]]:
        """Of each convolution: channels out, channels in, and the bands and steps of its input."""
        bands, steps, previous = self.n_mels, self.frames, 1
        for channels, (band_pool, time_pool) in zip(self.channels, self.pools, strict=True):
            yield channels, previous, bands, steps
            bands, steps, previous = bands // band_pool, steps // time_pool, channels


class CheckpointConfig(BaseModel):
    """config.json of a checkpoint, as far as this version can serve it; `parse` makes one."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    task: str
    labels: tuple[str, ...]
    segment_seconds: Number = Field(ge=0.2, le=60)
    temperature: Number = Field(ge=0.01, le=100)
    log_bias: tuple[Annotated[Number, Field(ge=-20, le=20)], ...] = ()
    front_end: FrontEnd
    model: ModelConfig
    ood: dict[str, Any] | None = Field(None, alias="doubt")
    results: Annotated[metadata.Results, BeforeValidator(metadata.results)] = {}
    data: Text = ""
    revision: Text = ""

    @classmethod
    def parse(cls, settings: dict[str, Any]) -> Self:
        """Check settings; ValueError says in one line which is wrong and what is accepted."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            if first["type"] == "value_error":
                raise ValueError(str(first["ctx"]["error"])) from error
            if first["type"] == "missing":
                raise ValueError(f"{name!r} is missing") from error
            raise ValueError(f"{name} is {first['input']!r:.60}: {first['msg'].lower()}") from error

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        check_labels(self.task, self.labels)
        front_end, model = self.front_end, self.model
        rate = 1 / front_end.hop_seconds
        for name, value, low, high in (
            ("sample_rate", front_end.sample_rate, 2_000, 48_000),
            ("n_fft", front_end.n_fft, 16, 16_384),
            ("n_mels", front_end.n_mels, 1, 512),
            ("top_db", front_end.top_db, 1, 300),
            ("reference", 1 if front_end.reference == "max" else front_end.reference, 1e-12, 1e12),
            ("spectrogram values a second", front_end.n_mels * rate, 0, MAX_SPECTROGRAM_RATE),
            ("frames a second", rate, 0.5, 500),
            ("convolutions", len(model.channels), 1, MAX_LAYERS),
            ("size of the largest feature map", model.largest_map, 1, MAX_FEATURE_MAP),
            (
                "multiplications a second of sound",
                model.multiplications / self.segment_seconds,
                0,
                MAX_MULTIPLICATIONS,
            ),
        ):
            if not low <= value <= high:  # false for NaN, too
                raise ValueError(f"{name} is {value:.6g}; {low:g} to {high:g} is accepted")
        return self


def check_labels(task: str, labels: tuple[str, ...]) -> None:
    """Raise ValueError for a task or labels that pages could not show."""
    if not _TASK.fullmatch(task) or task in RESERVED_TASKS:
        raise ValueError(
            f"task {task[:40]!r}: up to 30 small letters are needed, and none of "
            f"{', '.join(RESERVED_TASKS)}"
        )
    if not 2 <= len(labels) <= MAX_LABELS:
        raise ValueError(f"{len(labels)} labels; 2 to {MAX_LABELS} are accepted")
    if twice := [name for name, n in Counter(map(display, labels)).items() if n > 1]:
        raise ValueError(f"two labels are shown as {twice[0][:60]!r}; each must differ")
    for label in labels:
        if (
            not 0 < len(label.strip()) <= len(label) <= MAX_LABEL_LENGTH
            or not label.isprintable()
            or _MARKUP.search(label)
            or label in RESERVED_LABELS
        ):
            raise ValueError(
                f"label {label[:60]!r}: 1 to {MAX_LABEL_LENGTH} printable characters without "
                f"markup are needed, and not {' or '.join(RESERVED_LABELS)}"
            )


def pool_sizes(front_end: FrontEnd) -> Pools:
    """Pooling sizes of four convolutions: bands end at 1, 3 s at about 8 time steps.

    Time is pooled by the power of two nearest (in octaves) to frames-in-3-s / 8, spread over the
    layers from the middle; frequency 4-fold a layer with the remainder last, since the feature map
    is largest, and so multiplications are most numerous, before the first pooling. For 128 bands:
    (4, 4, 4, 2).

    Raises:
        ValueError: the number of bands is not a power of two between 16 and 256.
    """
    bands = front_end.n_mels
    octaves = math.log2(bands)
    if not octaves.is_integer() or not 4 <= octaves <= 8:
        raise ValueError(
            f"n_mels is {bands}; 16, 32, 64, 128 or 256 bands can be pooled to one by four layers"
        )
    band_octaves = [int(octaves) // 4 + (i < int(octaves) % 4) for i in range(4)]
    time_octaves = [0, 0, 0, 0]
    for i in range(max(0, round(math.log2(front_end.frames(3.0) / 8)))):
        time_octaves[(1, 2, 0, 3)[i % 4]] += 1
    return tuple((2**f, 2**t) for f, t in zip(band_octaves, time_octaves, strict=True))
