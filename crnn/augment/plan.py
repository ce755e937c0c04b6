"""An augmentation plan: sampled parameters of all augmentations of a sound, in seconds and Hz.

One plan fits any front end. It is sampled on the paper's grid (hop 512), once for each piece of a
few seconds, as in training. The waveform is augmented by crnn.augment.waveform. Order: effects and
noise, warp, frequency masks, time masks.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any, Literal

import numpy as np
import soxr
import torch
from torch import Generator, Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies, hz_to_mel, mel_to_hz
from crnn.audio.mel import log_mel, silence_db
from crnn.audio.noise import NoiseLoop
from crnn.audio.silence import Mask, audible_mask
from crnn.augment.effects.base import Effect
from crnn.augment.masks import FrequencyMask, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp, Warp
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction

HOP_LENGTH = 512

# Prime steps between seeds, so that no two of (seed, piece, augmentation) share a generator.
_SEED_STEP, _PIECE_STEP = 1_000_003, 7919


@dataclass(frozen=True)
class Strengths:
    """How strong each augmentation is, in the paper's parameters; 0 or None is off.

    time_mask T and time_warp W: hop-512 frames; frequency_mask F: mel bands; snr_db: of music
    to noise; noise: its kind, or a recording's loop; masks: number per axis; fill: masked values
    become "silence" (the front end's floor) or the spectrogram's "mean". effects: of the waveform,
    in their order; noise is mixed in after so many of them.
    """

    time_mask: int = 0
    frequency_mask: int = 0
    time_warp: int = 0
    snr_db: float | None = None
    noise: str | NoiseLoop = "white"
    masks: int = 1
    seed: int = 0
    fill: Literal["silence", "mean"] = "silence"
    effects: tuple[Effect, ...] = ()
    noise_after: int = 0

    @property
    def any(self) -> bool:
        """Whether any augmentation is on."""
        masks = self.masks and (self.time_mask or self.frequency_mask)
        return bool(masks or self.time_warp or self.snr_db is not None or self.effects)


@dataclass(frozen=True)
class Piece:
    """Parameters sampled for one piece of a sound; times in seconds from the start of the sound.

    time_masks: (start, end); frequency_masks: (low, high) in Hz, 0 below the lowest band, inf above
    the highest; warp: the warped point's time before and after, None without a warp.
    """

    start: float
    seconds: float
    time_masks: tuple[tuple[float, float], ...]
    frequency_masks: tuple[tuple[float, float], ...]
    warp: tuple[float, float] | None

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True)
class Plan:
    """All pieces of a sound; noise: where in the loop of noise its noise starts, in [0, 1).

    hop_seconds, front_end: the grid on which the plan was sampled.
    """

    strengths: Strengths
    pieces: tuple[Piece, ...]
    noise: float
    hop_seconds: float
    front_end: FrontEnd

    def frames(self, piece: Piece) -> int:
        """How many hop-512 frames a piece has, at least one."""
        return max(1, round(piece.seconds / self.hop_seconds))

    def bands(self, piece: Piece) -> list[tuple[int, int]]:
        """First mel band of each frequency mask, and the band after its last."""
        edges = np.searchsorted(band_frequencies(self.front_end), piece.frequency_masks)
        return [(int(low), int(high)) for low, high in edges.reshape(-1, 2)]

    def to_dict(self) -> dict[str, Any]:
        """Strengths and sampled parameters in seconds and mel bands, for JSON."""
        pieces = [
            {
                "start": round(piece.start, 3),
                "seconds": round(piece.seconds, 3),
                "time_masks": [[round(a, 3), round(b, 3)] for a, b in piece.time_masks],
                "frequency_masks": self.bands(piece),
                "moved": [round(t, 3) for t in piece.warp or ()],
            }
            for piece in self.pieces
        ]
        effects = [
            {"effect": type(e).__name__, **{k: getattr(v, "name", v) for k, v in vars(e).items()}}
            for e in self.strengths.effects
        ]
        noise = getattr(self.strengths.noise, "name", self.strengths.noise)
        named = asdict(replace(self.strengths, effects=(), noise=noise))
        return {
            "strengths": named | {"effects": effects},
            "frame_seconds": self.hop_seconds,
            "mel_bands": self.front_end.n_mels,
            "noise_begins_at_share_of_its_minute": round(self.noise, 6),
            "pieces": pieces,
        }


def sample(
    strengths: Strengths,
    seconds: float,
    front_end: FrontEnd,
    piece_seconds: float = 3.0,
    first: int = 0,
) -> Plan:
    """Sample every augmentation once for each piece; the last piece is the remainder.

    Args:
        strengths: upper limits, noise and seed. Each augmentation of each piece has its own
            generator, so that changing one strength leaves the other samples unchanged.
        seconds: length of the sound.
        front_end: whose mel bands the frequency masks are counted in.
        first: index of the first piece, so that a piece on its own is augmented as in its track.
    """
    hop = HOP_LENGTH / front_end.sample_rate
    n_whole = int(seconds / piece_seconds)
    remainder = seconds - n_whole * piece_seconds
    # The remainder is a piece too, unless it is shorter than a frame.
    lengths = [piece_seconds] * n_whole + [remainder] * (remainder > hop) or [seconds]
    starts = accumulate(lengths[:-1], initial=0.0)
    pieces = tuple(
        _piece(strengths, number, start, length, front_end)
        for number, (start, length) in enumerate(zip(starts, lengths, strict=True), start=first)
    )
    noise = float(torch.rand(1, generator=_generator(strengths, 0, 3)))
    return Plan(strengths, pieces, noise, hop, front_end)


def _piece(
    strengths: Strengths, number: int, start: float, seconds: float, front_end: FrontEnd
) -> Piece:
    hop = HOP_LENGTH / front_end.sample_rate
    frames = max(1, round(seconds / hop))
    shape = torch.Size((1, 1, front_end.n_mels, frames))
    time_mask = TimeMask(strengths.time_mask, strengths.masks).sample(
        shape, _generator(strengths, number, 0)
    )
    frequency_mask = FrequencyMask(strengths.frequency_mask, strengths.masks).sample(
        shape, _generator(strengths, number, 1)
    )
    warp = TimeWarp(strengths.time_warp).sample(shape, _generator(strengths, number, 2))
    point, shift = float(warp.point[0]), float(warp.shift[0])
    return Piece(
        start,
        seconds,
        # A mask that reaches the last frame ends with the piece, not on the grid.
        tuple(
            (start + a * hop, start + (seconds if b >= frames else b * hop))
            for a, b in time_mask.first_item()
        ),
        tuple(band_edges(a, b, front_end) for a, b in frequency_mask.first_item()),
        (start + point * hop, start + (point + shift) * hop) if shift else None,
    )


def _generator(strengths: Strengths, piece: int, augmentation: int) -> Generator:
    return Generator().manual_seed(strengths.seed * _SEED_STEP + piece * _PIECE_STEP + augmentation)


def band_edges(first: int, end: int, front_end: FrontEnd) -> tuple[float, float]:
    """Hz where mel bands first … end − 1 begin and end: midway, in mel, between centres.

    0 below the lowest band, inf above the highest.
    """
    step = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale) / (front_end.n_mels + 1)
    low, high = mel_to_hz((np.array([first, end]) + 0.5) * step, front_end.mel_scale)
    return float(low) if first else 0.0, float(high) if end < front_end.n_mels else math.inf


def augment_samples(samples: Tensor, plan: Plan, sample_rate: int) -> Tensor:
    """Apply the plan's effects and mix in its noise, in their order. Shape: [T] -> [T]."""
    strengths = plan.strengths
    noise_place = min(strengths.noise_after, len(strengths.effects))
    for number, effect in enumerate((*strengths.effects, None)):
        if number == noise_place and strengths.snr_db is not None:
            noise = BackgroundNoise(strengths.snr_db, strengths.noise)
            samples = noise.mix(samples, plan.noise, sample_rate)
        if effect is not None:
            samples = effect.apply(samples, sample_rate)
    return samples


def augment_mel(mel: Tensor, plan: Plan, front_end: FrontEnd) -> Tensor:
    """Warp and mask a log-mel spectrogram of any front end. Shape: mel [M, F] dB -> [M, F]."""
    fill = fill_value(mel, plan.strengths, front_end)
    hop = front_end.hop_seconds
    hertz = torch.from_numpy(band_frequencies(front_end))
    out = mel.clone()
    for piece in plan.pieces:
        # Tolerance (in frames): a frame that starts with a piece must not fall into the one before.
        first = math.ceil(piece.start / hop - 5e-4)
        last = mel.shape[1]
        if piece is not plan.pieces[-1]:
            last = min(last, math.ceil(piece.end / hop - 5e-4))
        if last <= first:
            continue
        seconds = torch.arange(first, last, dtype=torch.float64) * hop
        region = out[:, first:last]
        if piece.warp is not None:
            before, after = (torch.tensor([time - piece.start]) for time in piece.warp)
            warp = Warp(before, after - before, (plan.frames(piece) - 1) * plan.hop_seconds)
            region = TimeWarp.apply(region[None, None], warp, seconds - piece.start)[0, 0]
        for low, high in piece.frequency_masks:
            region[(hertz >= low) & (hertz < high)] = fill
        for start, end in piece.time_masks:
            region[:, (seconds >= start) & (seconds < end)] = fill
        out[:, first:last] = region
    return out


def resample(samples: Tensor, sample_rate: int, front_end: FrontEnd) -> Tensor:
    """Resample [T] from sample_rate to a front end's rate."""
    if front_end.sample_rate == sample_rate:
        return samples
    return torch.from_numpy(soxr.resample(samples.numpy(), sample_rate, front_end.sample_rate))


def fill_value(mel: Tensor, strengths: Strengths, front_end: FrontEnd) -> float:
    """What masked values are set to, in dB: silence, or the spectrogram's mean."""
    return float(mel.mean()) if strengths.fill == "mean" else silence_db(mel, front_end)


@dataclass(frozen=True)
class Version:
    """A sound, augmented or not: log-mel spectrogram [M, F] in dB, a prediction per network."""

    mel: Tensor
    front_end: FrontEnd
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Shift:
    """A class's probability before and after an augmentation."""

    task: str
    label: str
    before: float
    after: float

    @property
    def change(self) -> float:
        return self.after - self.before


def largest_shifts(before: Version, after: Version, count: int) -> list[Shift]:
    """The classes of all tasks that change most in probability, by at least 0.5 points."""
    shifts = [
        Shift(old.task, label, p, new.to_dict()[label])
        for old, new in zip(before.predictions, after.predictions, strict=True)
        for label, p in old.to_dict().items()
    ]
    shifts.sort(key=lambda shift: -abs(shift.change))
    return [shift for shift in shifts[:count] if abs(shift.change) >= 0.005]


def display_front_end(front_end: FrontEnd) -> FrontEnd:
    """The same bands at the paper's hop or a finer one, for display."""
    return replace(front_end, hop_length=min(HOP_LENGTH, front_end.hop_length))


def analyse(
    samples: Tensor,
    classifiers: Sequence[Classifier],
    plan: Plan | None = None,
    front_end: FrontEnd | None = None,
) -> Version:
    """Spectrogram and predictions of a sound, augmented if there is a plan.

    Args:
        samples: [T] at the rate of front_end.
        classifiers: each predicts from its own front end's spectrogram.
        front_end: of the returned spectrogram, at the display hop; default: the first classifier's.

    Raises:
        AudioError: the sound is silent.
    """
    front_ends = [classifier.checkpoint.front_end for classifier in classifiers]
    shown = display_front_end(front_end or front_ends[0])
    if plan is not None:
        samples = augment_samples(samples, plan, shown.sample_rate)
    mels: dict[FrontEnd, Tensor] = {}
    audible: dict[FrontEnd, Mask] = {}  # before masks: what they silence counts
    for target in {shown, *front_ends}:
        mel = log_mel(resample(samples, shown.sample_rate, target), target)
        mels[target] = mel if plan is None else augment_mel(mel, plan, target)
        audible[target] = audible_mask(mel, target)
    predictions = tuple(
        c.predict(mels[f], audible=audible[f]) for c, f in zip(classifiers, front_ends, strict=True)
    )
    return Version(mels[shown], shown, predictions)
