"""The augmentation lab: strengths in, one set of draws out, and these same draws in every picture and in the sound.

Draws are made on the paper's grid (512 samples a frame), one for each piece of a few seconds as in training, and applied by
seconds and mel bands wherever they are needed: to the fine picture for the eye, to each network's own picture, to the STFT
behind the sound (crnn.augment.waveform). Order: noise, warp, frequency mask, time mask.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import soxr
import torch
from torch import Generator, Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies, hz_to_mel
from crnn.audio.mel import log_mel, silence_db
from crnn.augment.transforms import BackgroundNoise, FrequencyMask, Spans, TimeMask, TimeWarp, Warp
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction

HOP_LENGTH = 512

# Prime steps between seeds, so that no two of (seed, piece, augmentation) share a generator.
_SEED_STEP, _PIECE_STEP = 1_000_003, 7919


@dataclass(frozen=True)
class Strengths:
    """What the controls say, in the paper's parameters; 0 or None is off.

    time_mask T and time_warp W: hop-512 frames; frequency_mask F: mel bands; snr_db: music over noise. masks: how many of
    each; fill: masked values are "silence" (the front end's floor) or the picture's "mean".
    """

    time_mask: int = 0
    frequency_mask: int = 0
    time_warp: int = 0
    snr_db: float | None = None
    noise: str = "white"
    masks: int = 1
    seed: int = 0
    fill: Literal["silence", "mean"] = "silence"

    @property
    def any(self) -> bool:
        """Whether anything is on."""
        return bool(
            (self.masks and (self.time_mask or self.frequency_mask))
            or self.time_warp
            or self.snr_db is not None
        )


@dataclass(frozen=True)
class Piece:
    """What was drawn for one stretch of sound: it starts at `start` and lasts `seconds`; draws count from its start."""

    start: float
    seconds: float
    time: Spans
    frequency: Spans
    warp: Warp


@dataclass(frozen=True)
class Plan:
    """All pieces of a stretch of sound, and where its noise begins (crnn.augment.transforms.BackgroundNoise.sample).

    front_end: the one whose mel bands the draws count; the pictures of others are changed at the same Hz.
    """

    strengths: Strengths
    pieces: tuple[Piece, ...]
    noise: float
    hop_seconds: float
    front_end: FrontEnd

    def span_seconds(self, piece: Piece) -> list[tuple[float, float]]:
        """Start and end of a piece's time masks, in seconds of the whole stretch; empty masks left out.

        A mask that reaches the piece's last frame ends with the piece, however much of a frame that is short of.
        """
        frames = max(1, round(piece.seconds / self.hop_seconds))
        pairs = zip(piece.time.start[0].tolist(), piece.time.width[0].tolist(), strict=True)
        return [
            (
                piece.start + s * self.hop_seconds,
                piece.start + (piece.seconds if s + w >= frames else (s + w) * self.hop_seconds),
            )
            for s, w in pairs
            if w > 0
        ]

    def bands(self, piece: Piece) -> list[tuple[int, int]]:
        """First band and the one after the last of a piece's frequency masks; empty masks left out."""
        pairs = zip(
            piece.frequency.start[0].tolist(), piece.frequency.width[0].tolist(), strict=True
        )
        return [(s, s + w) for s, w in pairs if w > 0]

    def moved(self, piece: Piece) -> tuple[float, float] | None:
        """The warp's moment before and after, in seconds of the whole stretch; None without a warp."""
        point, shift = float(piece.warp.point[0]), float(piece.warp.shift[0])
        if shift == 0:
            return None
        return piece.start + point * self.hop_seconds, piece.start + (
            point + shift
        ) * self.hop_seconds

    def to_dict(self) -> dict[str, Any]:
        """What was asked for and what was drawn, in seconds (of the stretch that was augmented) and mel bands."""
        pieces = [
            {
                "start": round(piece.start, 3),
                "seconds": round(piece.seconds, 3),
                "time_masks": [[round(a, 3), round(b, 3)] for a, b in self.span_seconds(piece)],
                "frequency_masks": self.bands(piece),
                "moved": [round(t, 3) for t in self.moved(piece) or ()],
            }
            for piece in self.pieces
        ]
        return {
            "strengths": asdict(self.strengths),
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
    """One draw for each piece; the last piece is as short as what is left.

    first: number of the first piece, so that a piece drawn alone is drawn as within its track. Each augmentation of each
    piece has a generator of its own: turning one control leaves what the others drew as it was.
    """
    hop = HOP_LENGTH / front_end.sample_rate
    whole = int(seconds / piece_seconds)
    # What is left after the last whole piece is one too, unless it is shorter than a frame.
    lengths = [piece_seconds] * whole + (
        [seconds - whole * piece_seconds] if seconds - whole * piece_seconds > hop else []
    )
    pieces, start = [], 0.0
    for number, length in enumerate(lengths or [seconds], start=first):
        shape = torch.Size((1, 1, front_end.n_mels, max(1, round(length / hop))))
        time = TimeMask(strengths.time_mask, strengths.masks).sample(
            shape, _generator(strengths, number, 0)
        )
        frequency = FrequencyMask(strengths.frequency_mask, strengths.masks).sample(
            shape, _generator(strengths, number, 1)
        )
        warp = TimeWarp(strengths.time_warp).sample(shape, _generator(strengths, number, 2))
        pieces.append(Piece(start, length, time, frequency, warp))
        start += length
    noise = float(torch.rand(1, generator=_generator(strengths, 0, 3)))
    return Plan(strengths, tuple(pieces), noise, hop, front_end)


def _generator(strengths: Strengths, piece: int, augmentation: int) -> Generator:
    return Generator().manual_seed(strengths.seed * _SEED_STEP + piece * _PIECE_STEP + augmentation)


def add_noise(samples: Tensor, draws: Plan, sample_rate: int) -> Tensor:
    """Shape: [T] -> [T]; the same samples where noise is off."""
    strengths = draws.strengths
    if strengths.snr_db is None:
        return samples
    return BackgroundNoise(strengths.snr_db, strengths.noise).mix(samples, draws.noise, sample_rate)


def augment_mel(mel: Tensor, draws: Plan, front_end: FrontEnd) -> Tensor:
    """Warp and masks on a picture of any hop. Shape: mel [M, F] dB -> [M, F]."""
    strengths = draws.strengths
    value = fill_value(mel, strengths, front_end)
    time_mask = TimeMask(strengths.time_mask, strengths.masks)
    frequency_mask = FrequencyMask(strengths.frequency_mask, strengths.masks)
    warp = TimeWarp(strengths.time_warp)
    out = mel.clone()
    hop = front_end.hop_seconds
    bands = _bands(front_end, draws.front_end)
    for piece in draws.pieces:
        # Half a thousandth of a frame: where a frame begins with a piece, rounding must not give it to the one before.
        first = int(np.ceil(piece.start / hop - 5e-4))
        last = min(mel.shape[1], int(np.ceil((piece.start + piece.seconds) / hop - 5e-4)))
        if piece is draws.pieces[-1]:
            last = mel.shape[1]
        if last <= first:
            continue
        positions = (torch.arange(first, last) * hop - piece.start) / draws.hop_seconds
        part = warp.apply(out[None, None, :, first:last], piece.warp, positions)
        part = frequency_mask.apply(part, piece.frequency, value, bands)
        part = time_mask.apply(part, piece.time, value, positions)
        out[:, first:last] = part[0, 0]
    return out


def _bands(front_end: FrontEnd, drawn_on: FrontEnd) -> Tensor:
    """Where each of a front end's bands lies among those that a draw counts, [M]."""
    top = hz_to_mel(drawn_on.sample_rate / 2, drawn_on.mel_scale)
    mels = [hz_to_mel(float(hertz), drawn_on.mel_scale) for hertz in band_frequencies(front_end)]
    # Half a band on: a band reaches half a band to both sides of its centre, and a mask begins at an edge.
    return torch.tensor([mel / top * (drawn_on.n_mels + 1) - 0.5 for mel in mels])


def resample(samples: Tensor, sample_rate: int, front_end: FrontEnd) -> Tensor:
    """[T] at the rate that a front end reads."""
    if front_end.sample_rate == sample_rate:
        return samples
    return torch.from_numpy(soxr.resample(samples.numpy(), sample_rate, front_end.sample_rate))


def fill_value(mel: Tensor, strengths: Strengths, front_end: FrontEnd) -> float:
    """What masked values are set to, in dB: the floor, or the picture's mean."""
    if strengths.fill == "mean":
        return float(mel.mean())
    return silence_db(mel, front_end)


@dataclass(frozen=True)
class Version:
    """One version of a sound: its fine picture [M, F] in dB, its front end, and what each network says."""

    mel: Tensor
    front_end: FrontEnd
    predictions: tuple[Prediction, ...]


def display_front_end(front_end: FrontEnd) -> FrontEnd:
    """The checkpoint's scale at the paper's hop, for the eye."""
    return replace(front_end, hop_length=min(HOP_LENGTH, front_end.hop_length))


def analyse(
    samples: Tensor,
    classifiers: Sequence[Classifier],
    draws: Plan | None = None,
    front_end: FrontEnd | None = None,
) -> Version:
    """Picture and predictions of a sound [T], changed as drawn. Raises AudioError for silence.

    front_end: of the picture, at a fine hop, and whose rate the samples have; default: the first classifier's.
    """
    front_ends = [classifier.checkpoint.front_end for classifier in classifiers]
    shown = display_front_end(front_end or front_ends[0])
    if draws is not None:
        samples = add_noise(samples, draws, shown.sample_rate)
    seen: dict[FrontEnd, Tensor] = {}
    for each in {shown, *front_ends}:
        mel = log_mel(resample(samples, shown.sample_rate, each), each)
        seen[each] = mel if draws is None else augment_mel(mel, draws, each)
    predictions = tuple(c.predict(seen[f]) for c, f in zip(classifiers, front_ends, strict=True))
    return Version(seen[shown], shown, predictions)
