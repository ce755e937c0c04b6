"""How a network is trained: settings with bounds, and the named recipes of recipes.yaml."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.model.config import ModelConfig, Pools, pool_sizes

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]

# Names that settings had in the configs of earlier runs, and settings that no recipe used.
_RENAMED = {"start": "init_from", "beside": "auxiliary"}
_REMOVED = {"stretch": 0.0, "pitch": 0.0, "teacher": ""}


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class Recipe:
    """Settings of a training run; the defaults are the paper's (Table VI), 0 turns one off.

    Attributes:
        segment_seconds: Length of a segment.
        hop_length: Samples between two frames of a collection's spectrograms; None = as the
            collection has them. A manifest has its own front end.
        schedule: "one-cycle" (Smith & Topin 2018) runs over all epochs.
        patience, delta: Stop after this many epochs in which the validation loss did not fall by
            delta; 0 = never. Without a validation part nothing stops early.
        averaging: Decay per step of an exponential moving average of the weights, which is what is
            validated and kept.
        mixup: Alpha of the beta distribution of λ (Zhang et al. 2018).
        gain_db, equaliser_db: Level moves by up to this much both ways; and so does each octave.
        band_limit: Fraction of the crops that are band-limited, as an old record's sound is
            (training.engine.band_limit).
        mixstyle: Alpha of the beta distribution by which mean and deviation of the bands are mixed
            between crops (training.engine.freq_mixstyle).
        time_mask, frequency_mask, masks: Longest mask in seconds and in bands; masks of each kind.
        time_warp: Seconds by which a point in time moves at most.
        noise_db, noise: Signal-to-noise ratio, sampled between these two for each batch, and the
            kind of noise (crnn.audio.noise).
        tags: Weight of an auxiliary loss, the mean binary cross-entropy over the collection's tags
            (multi-task learning, Caruana 1997).
        distillation: Weight of an auxiliary loss, the mean squared error of a teacher's
            standardised outputs (training.data.teacher); for quadrants.
        auxiliary: Fraction of the crops of partially labelled clips that an epoch adds
            (training.data.partial_labels); for genre and mood.
        class_weights: Power p of the weight n^-p that a class with n tracks has in fitting a
            log-bias for each class beside the temperature; 0 = the temperature alone.
        init_from: "TASK/RECIPE/SPLIT" of the run of seed 0 whose weights, except for the last
            layer, this run starts from; "" = random weights.
        pools: None follows the front end (crnn.model.network.pool_sizes).
    """

    segment_seconds: Positive = 3.0
    hop_length: Count | None = None
    epochs: Count = 100
    batch_size: Count = 16
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: Positive = 0.001
    weight_decay: NotNegative = 0.0
    schedule: Literal["constant", "one-cycle"] = "constant"
    patience: Annotated[int, Field(ge=0)] = 15
    delta: NotNegative = 0.01
    averaging: Fraction = 0.0
    label_smoothing: Fraction = 0.0
    mixup: NotNegative = 0.0
    gain_db: NotNegative = 0.0
    equaliser_db: NotNegative = 0.0
    band_limit: Annotated[float, Field(ge=0, le=1)] = 0.0
    mixstyle: NotNegative = 0.0
    time_mask: NotNegative = 0.0
    frequency_mask: Annotated[int, Field(ge=0)] = 0
    masks: Annotated[int, Field(ge=0)] = 1
    time_warp: NotNegative = 0.0
    noise_db: tuple[float, float] | None = None
    noise: Literal["white", "pink", "crowd", "vinyl"] = "white"
    tags: NotNegative = 0.0
    distillation: NotNegative = 0.0
    auxiliary: Annotated[float, Field(ge=0, le=1)] = 0.0
    class_weights: Annotated[float, Field(ge=0, le=1)] = 0.0
    init_from: str = ""
    channels: tuple[int, ...] = (64, 128, 128, 128)
    residual: Annotated[int, Field(ge=0)] = 0
    pools: Pools | None = None
    pooling: Literal["max", "avg"] = "max"
    activation: Literal["elu", "pelu"] = "elu"
    gru: Count = 32
    bidirectional: bool = False
    readout: Literal["last", "mean", "attention"] = "last"
    conv_dropout: Fraction = 0.1
    dropout: Fraction = 0.3

    @field_validator("auxiliary")
    @classmethod
    def _covered_by_the_teacher(cls, auxiliary: float, others: ValidationInfo) -> float:
        if auxiliary and others.data.get("distillation"):
            raise PydanticCustomError(
                "no_teacher",
                "0 is needed with distillation: a teacher has no outputs for these clips",
            )
        return auxiliary

    def changed(self, settings: Mapping[str, Any]) -> "Recipe":
        """With other settings, under their names of today or of earlier runs.

        Raises:
            ValueError: In one sentence, for a setting that does not exist or a value out of bounds.
        """
        renamed = {_RENAMED.get(name, name): value for name, value in settings.items()}
        changes = {n: v for n, v in renamed.items() if n not in _REMOVED or v != _REMOVED[n]}
        known = asdict(self)
        if unknown := [name for name in changes if name not in known]:
            raise ValueError(f"recipe setting {unknown[0]}: one of {', '.join(known)} is needed")
        try:
            return Recipe(**(known | changes))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"recipe setting {name}: {first['msg']}") from error

    @property
    def front_end(self) -> FrontEnd | None:
        """The front end with this recipe's hop; None where it asks for the collection's own."""
        if self.hop_length is None:
            return None
        return replace(GTZAN_FRONT_END, hop_length=self.hop_length)

    def model_config(self, front_end: FrontEnd, n_classes: int) -> ModelConfig:
        """The network that this recipe trains on spectrograms of a front end."""
        shared = ModelConfig.__dataclass_fields__.keys() & Recipe.__dataclass_fields__.keys()
        settings = {name: getattr(self, name) for name in shared}
        return ModelConfig(
            n_mels=front_end.n_mels,
            frames=front_end.frames(self.segment_seconds),
            n_classes=n_classes,
            **(settings | {"pools": self.pools or pool_sizes(front_end)}),
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _read(file: Path) -> dict[str, Recipe]:
    recipes: dict[str, Recipe] = {}
    for name, entry in yaml.safe_load(file.read_text(encoding="utf-8")).items():
        base = recipes[entry["base"]] if "base" in entry else Recipe()
        recipes[name] = base.changed({k: v for k, v in entry.items() if k not in ("why", "base")})
    return recipes


RECIPES = _read(Path(__file__).with_name("recipes.yaml"))
PAPER = RECIPES["paper-genre"]


def from_scratch() -> list[str]:
    """Names of the recipes that need no other run, and so no other collection, and no teacher."""
    return sorted(
        n for n, recipe in RECIPES.items() if not (recipe.init_from or recipe.distillation)
    )
