"""How strong an augmentation must be before a network changes its mind about this very sound."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.augment.plan import HOP_LENGTH, Strengths, add_noise, augment_mel, resample, sample
from crnn.inference.classifier import Classifier
from crnn.model.hub import Progress

N_SAMPLES = 5
_PLAIN = Strengths()


@dataclass(frozen=True)
class Sweep:
    """Strengths from none to extreme of one augmentation; unit: what the labels of the steps count."""

    name: str
    unit: str
    steps: tuple[tuple[str, Strengths], ...]


_TIMES = (0, 13, 26, 39, 52, 65, 86, 108, 129)  # hop-512 frames; the paper's T is 50
_BANDS = (0, 10, 20, 30, 45, 60, 80, 100, 128)  # the paper's F is 60
_WARPS = (0, 4, 9, 13, 20, 30, 43, 52, 64)  # hop-512 frames; the paper's W is 20
_RATIOS = (40, 30, 20, 15, 10, 5, 0, -5, -10, -20)  # dB
NAMES = {"time": "Time mask", "frequency": "Frequency mask", "warp": "Time warp", "noise": "Noise"}


def sweep(name: str, front_end: FrontEnd) -> Sweep:
    """One of NAMES, with labels in the units of a front end."""

    def seconds(frames: int) -> str:
        return f"{frames * HOP_LENGTH / front_end.sample_rate:.2g} s"

    unit, steps = {
        "time": ("Widest time mask", [(seconds(n), Strengths(time_mask=n)) for n in _TIMES]),
        "frequency": (
            f"Widest frequency mask (of {front_end.n_mels} mel bands)",
            [(str(n), Strengths(frequency_mask=n)) for n in _BANDS if n <= front_end.n_mels],
        ),
        "warp": (
            "Furthest a moment is moved",
            [(seconds(n), Strengths(time_warp=n)) for n in _WARPS],
        ),
        "noise": (
            "Music over noise (dB)",
            [("none", Strengths()), *((f"{r:+d}", Strengths(snr_db=float(r))) for r in _RATIOS)],
        ),
    }[name]
    return Sweep(NAMES[name], unit, tuple(steps))


def fixed_strengths(strengths: Strengths) -> Strengths:
    """What of the controls a sweep keeps: number of masks, their value, the kind of noise. Its draws are its own."""
    return Strengths(noise=strengths.noise, masks=strengths.masks, fill=strengths.fill)


@dataclass(frozen=True)
class Curve:
    """Probability of the class that the network named first for the original: mean, lowest and highest over the draws."""

    task: str
    label: str
    unit: str
    ticks: tuple[str, ...]
    mean: tuple[float, ...]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]


def curves(
    samples: Tensor,
    classifiers: Sequence[Classifier],
    sweep: Sweep,
    kept: Strengths = _PLAIN,
    piece_seconds: float = 3.0,
    progress: Progress | None = None,
    firsts: Sequence[str] = (),
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Curve, ...]:
    """One curve a network, which follows a class: firsts, one a network; default: what each names first for the original.

    samples: [T] at the first network's rate. turn: held for each step, so that others can have theirs in between.

    kept: fill, kind of noise, number of masks and first seed, which the sweep leaves alone. Segments do not overlap here,
    so that a track is read once a step and draw.
    """
    front_ends = [classifier.checkpoint.front_end for classifier in classifiers]
    rate = front_ends[0].sample_rate
    plain = {
        front_end: log_mel(resample(samples, rate, front_end), front_end)
        for front_end in set(front_ends)
    }
    followed = [
        c.checkpoint.labels.index(first) for c, first in zip(classifiers, firsts, strict=False)
    ]
    found: list[list[list[float]]] = [[] for _ in classifiers]
    total = len(sweep.steps)
    for number, (_, step) in enumerate(sweep.steps):
        strengths = replace(
            kept,
            time_mask=step.time_mask,
            frequency_mask=step.frequency_mask,
            time_warp=step.time_warp,
            snr_db=step.snr_db,
        )
        seeds = range(N_SAMPLES) if strengths.any else range(1)
        for row in found:
            row.append([])
        with turn():
            for seed in seeds:
                answers = _answers(
                    samples,
                    plain,
                    classifiers,
                    replace(strengths, seed=kept.seed + seed),
                    piece_seconds,
                )
                if not followed:
                    followed = [int(answer.argmax()) for answer in answers]
                for row, answer, first in zip(found, answers, followed, strict=True):
                    row[-1].append(float(answer[first]))
        if progress is not None:
            progress((number + 1) / total)
    ticks = tuple(tick for tick, _ in sweep.steps)

    def over(row: list[list[float]], how: Callable[[list[float]], float]) -> tuple[float, ...]:
        return tuple(float(how(values)) for values in row)

    return tuple(
        Curve(
            c.checkpoint.task,
            c.checkpoint.labels[first],
            sweep.unit,
            ticks,
            over(row, np.mean),
            over(row, min),
            over(row, max),
        )
        for c, first, row in zip(classifiers, followed, found, strict=True)
    )


def _answers(
    samples: Tensor,
    plain: dict[FrontEnd, Tensor],
    classifiers: Sequence[Classifier],
    strengths: Strengths,
    piece_seconds: float,
) -> list["np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """Each network's distribution over one augmented version."""
    made: dict[FrontEnd, Tensor] = {}
    first = classifiers[0].checkpoint.front_end
    draws = sample(strengths, len(samples) / first.sample_rate, first, piece_seconds)
    if strengths.snr_db is not None:
        samples = add_noise(samples, draws, first.sample_rate)
    out = []
    for classifier in classifiers:
        front_end = classifier.checkpoint.front_end
        if front_end not in made:
            mel = plain[front_end]
            if strengths.snr_db is not None:
                mel = log_mel(resample(samples, first.sample_rate, front_end), front_end)
            made[front_end] = augment_mel(mel, draws, front_end)
        out.append(
            classifier.predict(
                made[front_end], hop_seconds=classifier.checkpoint.segment_seconds
            ).overall
        )
    return out
