"""How a network is trained: one dataclass of settings, and named recipes that hold only their differences."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from crnn.audio.front_end import FrontEnd
from crnn.model.config import ModelConfig, Pools, pool_sizes


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run; the defaults are the paper's (Table VI).

    segment_seconds: length of a segment. patience, delta: stop after so many epochs in which the validation loss did
    not fall by delta (0 = never; needs a validation part). schedule: "constant", or "one-cycle" (Smith & Topin 2018)
    over all epochs. averaging: decay per step of an exponential moving average of the weights, which is what is
    validated and kept; 0 = off. mixup: alpha of the beta distribution of the mixed share (Zhang et al. 2018), 0 = off.
    gain_db: level moved by up to this much both ways; equaliser_db: and every octave or so by up to this much of its own
    (other rooms, other mixes). mixstyle: alpha of the beta distribution by which bands' means and deviations are mixed between
    crops (training.engine.freq_mixstyle), 0 = off. time_mask seconds, frequency_mask bands, masks of each.
    stretch: a crop lasts up to this share longer or shorter than what the network hears of it. pitch: all bands are
    re-read up to so many semitones higher or lower.
    time_warp: seconds by which a moment is moved at most. noise_db: music over noise, drawn between these two for each
    batch; noise: its kind (crnn.audio.noise.KINDS).
    tags: weight of a second loss, mean binary cross-entropy over the collection's tags (multi-task learning, Caruana 1997); 0
    = off.
    beside: share of the crops, an epoch, that clips of another collection add whose class is known in part (training.data.partial_labels), 0 =
    off; genre only.
    teacher: name of the recipe whose run on the same split and seed has to be trained first, since this one learns its answers,
    too (born-again networks, Furlanello et al. 2018); "" = none. distillation: their share of the loss, the labels' is the rest.
    init_from: "TASK/RECIPE/SPLIT" of a run whose weights, but for the last layer, this one begins from; "" = at random. Always of
    seed 0, so that five seeds need not five of them.
    pools: None follows the front end (crnn.model.config.pool_sizes).
    """

    segment_seconds: float = 3.0
    epochs: int = 100
    batch_size: int = 16
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    schedule: Literal["constant", "one-cycle"] = "constant"
    patience: int = 15
    delta: float = 0.01
    averaging: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    gain_db: float = 0.0
    equaliser_db: float = 0.0
    mixstyle: float = 0.0
    time_mask: float = 0.0
    frequency_mask: int = 0
    masks: int = 1
    stretch: float = 0.0
    pitch: float = 0.0
    time_warp: float = 0.0
    noise_db: tuple[float, float] | None = None
    noise: str = "white"
    tags: float = 0.0
    beside: float = 0.0
    teacher: str = ""
    distillation: float = 0.0
    init_from: str = ""
    channels: tuple[int, ...] = (64, 128, 128, 128)
    pools: Pools | None = None
    pooling: Literal["max", "avg"] = "max"
    activation: Literal["elu", "pelu"] = "elu"
    gru: int = 32
    bidirectional: bool = False
    readout: Literal["last", "mean", "attention"] = "last"
    conv_dropout: float = 0.1
    dropout: float = 0.3

    def model_config(self, front_end: FrontEnd, n_classes: int) -> ModelConfig:
        """The network this recipe trains on pictures of that front end."""
        return ModelConfig(
            n_mels=front_end.n_mels,
            frames=front_end.frames(self.segment_seconds),
            n_classes=n_classes,
            channels=self.channels,
            pools=self.pools or pool_sizes(front_end),
            pooling=self.pooling,
            activation=self.activation,
            gru=self.gru,
            bidirectional=self.bidirectional,
            readout=self.readout,
            conv_dropout=self.conv_dropout,
            dropout=self.dropout,
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


PAPER = Recipe()

_TUNED = replace(
    PAPER,
    epochs=20,
    batch_size=64,
    optimizer="adamw",
    learning_rate=2e-3,
    weight_decay=0.05,
    schedule="one-cycle",
    patience=0,  # a one-cycle run is worth most at its end
    averaging=0.995,  # about three epochs of the filtered list; without it the last epochs differ by 6 points
    label_smoothing=0.05,
    mixup=0.3,
    gain_db=3.0,
    equaliser_db=6.0,  # validation loss of F 1.37 -> 1.28 (16 epochs, seed 0)
    time_mask=0.6,
    frequency_mask=16,
    masks=2,
    # Half the paper's filters where the picture is large and nearly all the time goes, all of them where it is small:
    # segments of F's validation 0.562 against 0.543 with (32, 64, 64, 64), at the same speed.
    channels=(32, 64, 128, 128),
    gru=64,
)

# Average pooling is the paper's for mood.
_TUNED_MOOD = replace(_TUNED, pooling="avg", epochs=15)

RECIPES: dict[str, Recipe] = {
    "paper-genre": PAPER,
    "paper-mood": replace(PAPER, pooling="avg"),
    "genre-alone": _TUNED,
    # Bundled. Begins from tags: F's validation loss 1.149 -> 1.055, and with MixStyle 0.959 (seed 0; assets/results/ablation.json).
    # MixStyle at 0.4: 0.979, and with 30 epochs 0.961.
    "genre": replace(_TUNED, init_from="quadrant/tags/known", mixstyle=1.0),
    # Without mixup and smoothed labels P gains a little (two splits, 0.835 -> 0.855), but F's validation loss rises from 0.994 to
    # 1.036 (three seeds each); without the equaliser, too, from 1.003 to 1.026 (seed 0).
    "genre-unmixed": replace(
        _TUNED, init_from="quadrant/tags/known", mixstyle=1.0, mixup=0.0, label_smoothing=0.0
    ),
    "mood-start": _TUNED_MOOD,
    # Begins from a network that has learned the other collection: both are small, and what music sounds like is the same in both.
    # Quadrants' macro F1, inner validation parts of three folds: 0.599 -> 0.677, mean negative log-likelihood 0.865 -> 0.771; 25
    # epochs rather than 15 from there: 0.818 -> 0.753 (two folds). Stretched and transposed crops lost: 0.599 -> 0.481, and
    # 0.644 -> 0.560 from the same start (one fold).
    "mood-labels": replace(_TUNED_MOOD, epochs=25, init_from="genre/mood-start/all"),
    # And learns besides what else moods4q says of each clip: five moods, validation inside fold 0, mean negative log-likelihood
    # 1.031 -> 0.980. Taught besides by another run of its own kind (distillation 0.7): 0.989.
    "mood-tags": replace(_TUNED_MOOD, epochs=20, init_from="genre/mood-start/all", tags=10.0),
    # Bundled: with MixStyle, too, 0.944 there.
    "mood": replace(
        _TUNED_MOOD, epochs=20, init_from="genre/mood-start/all", tags=10.0, mixstyle=1.0
    ),
    # Learns quadrants, and what moods4q says besides of each clip: 21 genres and its commoner mood words.
    "tags": replace(_TUNED, epochs=30, tags=10.0),
    # Regularised less. Where artists are on both sides (P) the tuned recipe is unsure of what it knows: temperature 0.62 and 0.46.
    "genre-loose": replace(_TUNED, equaliser_db=0.0, mixup=0.0, label_smoothing=0.0),
    # Steps on the way to genre, and one beside it that hears clips whose genre is known in part beside GTZAN's. Of pure hip-hop,
    # reggae, jazz, blues and country it hears none there: in that collection all of those are protocol N's.
    "genre-after-mood": replace(_TUNED, init_from="quadrant/genre-alone/known"),
    "genre-after-tags": replace(_TUNED, init_from="quadrant/tags/known"),
    "genre-beside": replace(_TUNED, init_from="quadrant/tags/known", beside=0.5),
}


def from_scratch() -> list[str]:
    """Names of the recipes that need no other run, and so no other collection."""
    return sorted(
        name for name, recipe in RECIPES.items() if not recipe.init_from and not recipe.teacher
    )
