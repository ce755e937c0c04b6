"""Two small networks that learn from the same crops, one of them with augmentation.

What is learned is a crop's class: the song that it is from, where the first half of each is for
training and the second for validation; or a label of several tracks, of which some are for
validation. Both networks start from the same weights and see the same crops in the same order;
nothing else is random, for there is no dropout.
"""

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import Parameter, functional

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.augment.effects import Equaliser, Gain
from crnn.augment.effects.equaliser import POINTS, equalise
from crnn.augment.masks import FrequencyMask, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.plan import HOP_LENGTH, Strengths
from crnn.augment.time_warp import TimeWarp
from crnn.model.config import ModelConfig
from crnn.model.network import CRNN

# Half the bands of the bundled networks, and half the length of their crops: 1.5 s.
FRONT_END = replace(GTZAN_FRONT_END, n_mels=64, hop_length=1024)
CROP = 32  # frames
STEPS, EVALUATE_EVERY = 600, 10
NAMES = ("Without augmentation", "With augmentation")

# Augmentations to choose from, whose effect `python -m training live` measures: the strengths of
# the bundled genre model's recipe, one mask of each kind and half as long, as crops are; the noise
# that the Lab opens with.
SETS = {
    "Equaliser and masks": Strengths(
        time_mask=13, frequency_mask=16, effects=(Equaliser(6.0), Gain(3.0))
    ),
    "White noise": Strengths(snr_db=10.0),
}

_FLOOR = -FRONT_END.top_db
_GAP = 2  # frames between the halves: as many as share samples
# Of each class that is split by track: two for training and two for validation, so that a single
# unusual one decides neither.
MIN_TRACKS = 4

_EVALUATED = 200  # training crops, about: more would take longer than the training
_BATCH, _LEARNING_RATE, _WEIGHT_DECAY = 32, 0.004, 0.01
_WEAKEST_NOISE_DB = 40.0
_CHANNELS, _POOLS, _GRU = (8, 16, 16, 16), ((4, 2), (4, 2), (2, 2), (2, 1)), 16


def augment(mel: Tensor, strengths: Strengths, generator: Generator) -> Tensor:
    """Augment every crop by up to the strengths, on its spectrogram: [B, 1, M, W] dB -> the same.

    Masks and warp are converted from the paper's grid. Gain and equaliser are sampled both ways,
    the signal-to-noise ratio once a batch, from the one asked for to 40 dB. Other effects of the
    waveform are left out: they take too long for every crop.
    """

    def uniform(points: int, limit: float) -> Tensor:
        return (torch.rand(len(mel), 1, points, generator=generator) * 2 - 1) * limit

    frames = HOP_LENGTH / FRONT_END.hop_length
    bands = FRONT_END.n_mels / GTZAN_FRONT_END.n_mels
    for effect in strengths.effects:
        if isinstance(effect, Gain):
            mel = equalise(mel, uniform(1, abs(effect.db)), torch.zeros(1, 1, POINTS), _FLOOR)
        if isinstance(effect, Equaliser):
            mel = equalise(mel, torch.zeros(1, 1, 1), uniform(POINTS, effect.limit_db), _FLOOR)
    if strengths.snr_db is not None:
        span = max(0.0, _WEAKEST_NOISE_DB - strengths.snr_db)
        snr_db = strengths.snr_db + span * float(torch.rand(1, generator=generator))
        noise = BackgroundNoise(snr_db, strengths.noise)
        mel = noise.apply(mel, noise.sample(mel.shape, generator), FRONT_END).clamp(min=_FLOOR)
    if shift := round(strengths.time_warp * frames):
        warp = TimeWarp(shift)
        mel = warp.apply(mel, warp.sample(mel.shape, generator))
    for mask in (
        FrequencyMask(round(strengths.frequency_mask * bands), strengths.masks),
        TimeMask(round(strengths.time_mask * frames), strengths.masks),
    ):
        mel = mask.apply(mel, mask.sample(mel.shape, generator), _FLOOR)
    return mel


Moments = list[tuple[Parameter, Tensor, Tensor]]


def moments(parameters: Iterable[Parameter]) -> Moments:
    """Each parameter with the mean of its gradient and of its square, which `update` keeps."""
    return [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]


@torch.no_grad()
def update(moments: Moments, step: int, steps: int) -> None:
    """AdamW (Loshchilov & Hutter 2019) with a one-cycle schedule (Smith & Topin 2018).

    What torch.optim's AdamW and OneCycleLR do; but those load PyTorch's compiler, 100 MB for good.

    Args:
        step: from 0 to steps − 1; the learning rate rises over the first 30%.
    """
    turn = 0.3 * steps - 1
    low, top = _LEARNING_RATE / 25, _LEARNING_RATE
    if step <= turn:
        place, rates, betas = step / turn, (low, top), (0.95, 0.85)
    else:
        place, rates, betas = (step - turn) / (steps - 1 - turn), (top, low / 1e4), (0.85, 0.95)
    weight = (math.cos(math.pi * place) + 1) / 2
    rate, beta = (end + (start - end) * weight for start, end in (rates, betas))
    root = math.sqrt(1 - 0.999 ** (step + 1))
    for parameter, mean, square in moments:
        gradient = parameter.grad
        assert gradient is not None
        parameter.mul_(1 - rate * _WEIGHT_DECAY)
        mean.lerp_(gradient, 1 - beta)
        square.mul_(0.999).addcmul_(gradient, gradient, value=1 - 0.999)
        size = rate / (1 - beta ** (step + 1))
        parameter.addcdiv_(mean, (square.sqrt() / root).add_(1e-8), value=-size)


@dataclass(frozen=True)
class Excerpt:
    """Part of a track: its class from 0, its spectrogram [M, F] dB, its first frame there."""

    label: int
    mel: Tensor
    first: int = 0


class Split(NamedTuple):
    """What is for training and what for validation."""

    training: list[Excerpt]
    validation: list[Excerpt]


def by_half(mels: Sequence[Tensor]) -> Split:
    """The first half of each song, by FRONT_END, is for training; each song is a class."""
    halves = [mel.shape[1] // 2 for mel in mels]
    songs = list(zip(mels, halves, strict=True))
    return Split(
        [Excerpt(label, mel[:, :half]) for label, (mel, half) in enumerate(songs)],
        [
            Excerpt(label, mel[:, half + _GAP :], half + _GAP)
            for label, (mel, half) in enumerate(songs)
        ],
    )


def by_track(classes: Sequence[Sequence[Tensor]], seed: int = 0) -> Split:
    """Of each class, as many whole tracks are for validation, as `n_validation` says.

    Args:
        classes: of each track, its spectrogram by FRONT_END; MIN_TRACKS or more of each class.
        seed: of which tracks those are.
    """
    if any(len(tracks) < MIN_TRACKS for tracks in classes):
        raise ValueError(f"{MIN_TRACKS} tracks or more of each class are needed")
    count = n_validation(min(map(len, classes), default=0))
    split, generator = Split([], []), Generator().manual_seed(seed)
    for label, tracks in enumerate(classes):
        for place, number in enumerate(torch.randperm(len(tracks), generator=generator).tolist()):
            (split.validation if place < count else split.training).append(
                Excerpt(label, tracks[number])
            )
    return split


def n_validation(tracks: int) -> int:
    """How many tracks of each class are for validation: a third of the smallest, two or more."""
    return max(2, round(tracks / 3))


def middle_crop(mel: Tensor) -> int:
    """The number of the crop in the middle of a spectrogram [M, F], from 0."""
    return mel.shape[1] // CROP // 2


@dataclass(frozen=True)
class Evaluation:
    """Both networks after some steps, on crops that are not augmented.

    Attributes:
        training, validation: accuracies as fractions; training_loss, validation_loss: mean
            cross-entropy in nats. Each without and with augmentation.
        answers: probabilities of the classes, of every validation crop, [2, N, K].
    """

    step: int
    training: tuple[float, float]
    validation: tuple[float, float]
    training_loss: tuple[float, float]
    validation_loss: tuple[float, float]
    answers: Tensor


class Comparison:
    """A training of both networks, step by step.

    Args:
        split: `by_half` or `by_track`.
        strengths: of the augmentation.
        seed: of weights, crops and augmentation.
        steps: of the whole training, over which the learning rate rises and falls.
    """

    def __init__(
        self, split: Split, strengths: Strengths, seed: int = 0, steps: int = STEPS
    ) -> None:
        self.strengths, self.seed, self.steps = strengths, seed, steps
        self.split = split
        self.training, self.validation = _crops(split.training), _crops(split.validation)
        thinned = max(1, len(self.training[1]) // _EVALUATED)
        self.training = self.training[0][::thinned], self.training[1][::thinned]
        labels = range(max(each.label for each in split.training) + 1)
        self._tracks = [[each.mel for each in split.training if each.label == k] for k in labels]
        self._crop_generator = Generator().manual_seed(seed)
        config = ModelConfig(
            n_mels=FRONT_END.n_mels,
            frames=CROP,
            n_classes=len(labels),
            channels=_CHANNELS,
            pools=_POOLS,
            gru=_GRU,
            conv_dropout=0.0,
            dropout=0.0,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = CRNN(config)
        self.networks = (network, deepcopy(network))
        self._moments = [moments(each.parameters()) for each in self.networks]
        self.step = 0
        self.history = [self._evaluate()]

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def held_out(self, number: int) -> tuple[int, float]:
        """A validation excerpt's middle crop: its number, and where in the track it begins, in s.

        Args:
            number: of the excerpt in split.validation.
        """
        excerpt, middle = (
            self.split.validation[number],
            middle_crop(self.split.validation[number].mel),
        )
        before = sum(each.mel.shape[1] // CROP for each in self.split.validation[:number])
        return before + middle, (excerpt.first + middle * CROP) * FRONT_END.hop_seconds

    def batch(self) -> tuple[Tensor, Tensor]:
        """The next crops, which both networks learn from, and their classes: [B, 1, M, W], [B].

        As many of each class; every place in a class's tracks is as likely.
        """
        generator, count = self._crop_generator, len(self._tracks)
        labels = torch.randperm(_BATCH, generator=generator) % count
        places = torch.rand(_BATCH, generator=generator)
        crops = []
        for label, place in zip(labels.tolist(), places.tolist(), strict=True):
            tracks = self._tracks[label]
            start = int(place * sum(mel.shape[1] - CROP + 1 for mel in tracks))
            for mel in tracks:
                if start <= mel.shape[1] - CROP:
                    crops.append(mel[:, start : start + CROP])
                    break
                start -= mel.shape[1] - CROP + 1
        return torch.stack(crops).unsqueeze(1), labels

    def advance(self) -> None:
        """One training step of both networks; every EVALUATE_EVERY steps, they are evaluated."""
        if self.done:
            return
        crops, labels = self.batch()
        generator = Generator().manual_seed(self.seed * 1_000_003 + self.step)
        inputs = (crops, augment(crops, self.strengths, generator))
        for network, each, mel in zip(self.networks, self._moments, inputs, strict=True):
            network.train()
            network.zero_grad()
            torch.autograd.backward(functional.cross_entropy(network(mel), labels))
            update(each, self.step, self.steps)
        self.step += 1
        if self.done or self.step % EVALUATE_EVERY == 0:
            self.history.append(self._evaluate())

    @torch.no_grad()
    def _evaluate(self) -> Evaluation:
        figures: dict[str, Any] = {}
        answers: tuple[Tensor, ...] = ()
        for name, (crops, labels) in (("training", self.training), ("validation", self.validation)):
            logits = [network.eval()(crops) for network in self.networks]
            figures[name] = tuple(float((x.argmax(1) == labels).float().mean()) for x in logits)
            losses = (float(functional.cross_entropy(x, labels)) for x in logits)
            figures[f"{name}_loss"] = tuple(losses)
            answers = tuple(x.softmax(1) for x in logits)
        return Evaluation(self.step, answers=torch.stack(answers), **figures)


def _crops(excerpts: Sequence[Excerpt]) -> tuple[Tensor, Tensor]:
    """Crops side by side, and the class of each: [N, 1, M, W], [N]. Raises ValueError."""
    if len({each.label for each in excerpts}) < 2 or any(e.mel.shape[1] < CROP for e in excerpts):
        raise ValueError(
            f"two classes or more are needed, each with excerpts of {CROP} frames or more for "
            "training and for validation"
        )
    crops = [
        (crop, each.label)
        for each in excerpts
        for crop in torch.split(each.mel, CROP, dim=1)
        if crop.shape[1] == CROP
    ]
    labels = torch.tensor([label for _, label in crops])
    return torch.stack([crop for crop, _ in crops]).unsqueeze(1), labels
