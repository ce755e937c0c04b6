"""How strong an augmentation must be before a network changes its prediction for a sound."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.audio.silence import Mask, audible_mask
from crnn.augment.plan import HOP_LENGTH, Strengths, augment_mel, augment_samples, resample, sample
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Array
from crnn.model.hub import Progress

N_SAMPLES = 5  # of each strength
_NO_AUGMENTATION = Strengths()

_TIMES = (0, 13, 26, 39, 52, 65, 86, 108, 129)  # hop-512 frames; the paper's T is 50
_BANDS = (0, 10, 20, 30, 45, 60, 80, 100, 128)  # the paper's F is 60
_WARPS = (0, 4, 9, 13, 20, 30, 43, 52, 64)  # hop-512 frames; the paper's W is 20
_RATIOS = (40, 30, 20, 15, 10, 5, 0, -5, -10, -20)  # dB
NAMES = {"time": "Time mask", "frequency": "Frequency mask", "warp": "Time warp", "noise": "Noise"}


@dataclass(frozen=True)
class Sweep:
    """One augmentation from none to extreme. unit: what the labels of the steps count."""

    unit: str
    steps: tuple[tuple[str, Strengths], ...]


def sweep(name: str, front_end: FrontEnd) -> Sweep:
    """One of NAMES, labelled in the units of a front end."""

    def seconds(frames: int) -> str:
        return f"{frames * HOP_LENGTH / front_end.sample_rate:.2g} s"

    unit, steps = {
        "time": ("Maximum mask length", [(seconds(n), Strengths(time_mask=n)) for n in _TIMES]),
        "frequency": (
            f"Maximum mask width (of {front_end.n_mels} mel bands)",
            [(str(n), Strengths(frequency_mask=n)) for n in _BANDS if n <= front_end.n_mels],
        ),
        "warp": ("Maximum shift", [(seconds(n), Strengths(time_warp=n)) for n in _WARPS]),
        "noise": (
            "Signal-to-noise ratio (dB)",
            [("none", Strengths()), *((f"{r:+d}", Strengths(snr_db=float(r))) for r in _RATIOS)],
        ),
    }[name]
    return Sweep(unit, tuple(steps))


def fixed_strengths(strengths: Strengths) -> Strengths:
    """What a sweep leaves as it is: number of masks, fill, kind of noise; seeds are its own."""
    return Strengths(noise=strengths.noise, masks=strengths.masks, fill=strengths.fill)


@dataclass(frozen=True)
class Curve:
    """A class's probability by strength: mean, lowest and highest over the samples of each step."""

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
    fixed: Strengths = _NO_AUGMENTATION,
    piece_seconds: float = 3.0,
    progress: Progress | None = None,
    labels: Sequence[str] = (),
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Curve, ...]:
    """One curve per network, from segments that do not overlap.

    Args:
        samples: [T] at the first network's rate.
        fixed: number of masks, fill, kind of noise and first seed.
        labels: the class to follow, one per network; default: the most probable of the original.
        turn: entered for each step, so that other users can run in between.
    """
    front_ends = [classifier.checkpoint.front_end for classifier in classifiers]
    rate = front_ends[0].sample_rate
    clean = {f: log_mel(resample(samples, rate, f), f) for f in set(front_ends)}
    probabilities = []  # [steps][samples][networks], each [K]
    for number, (_, step) in enumerate(sweep.steps, start=1):
        strengths = replace(step, noise=fixed.noise, masks=fixed.masks, fill=fixed.fill)
        with turn():
            probabilities.append(
                [
                    _probabilities(
                        samples,
                        clean,
                        classifiers,
                        replace(strengths, seed=fixed.seed + seed),
                        piece_seconds,
                    )
                    for seed in range(N_SAMPLES if strengths.any else 1)
                ]
            )
        if progress is not None:
            progress(number / len(sweep.steps))
    result = []
    for i, checkpoint in enumerate(classifier.checkpoint for classifier in classifiers):
        k = checkpoint.labels.index(labels[i]) if labels else int(probabilities[0][0][i].argmax())
        values = [[float(sampled[i][k]) for sampled in step] for step in probabilities]
        result.append(
            Curve(
                checkpoint.task,
                checkpoint.labels[k],
                sweep.unit,
                tuple(tick for tick, _ in sweep.steps),
                tuple(float(np.mean(step)) for step in values),
                tuple(map(min, values)),
                tuple(map(max, values)),
            )
        )
    return tuple(result)


def _probabilities(
    samples: Tensor,
    clean: dict[FrontEnd, Tensor],
    classifiers: Sequence[Classifier],
    strengths: Strengths,
    piece_seconds: float,
) -> list[Array]:
    """Each network's probabilities [K] for one augmented version."""
    first = classifiers[0].checkpoint.front_end
    plan = sample(strengths, len(samples) / first.sample_rate, first, piece_seconds)
    noisy = augment_samples(samples, plan, first.sample_rate)
    mels: dict[FrontEnd, Tensor] = {}
    audible: dict[FrontEnd, Mask] = {}  # before masks: what they silence counts
    for front_end, mel in clean.items():
        if strengths.snr_db is not None:
            mel = log_mel(resample(noisy, first.sample_rate, front_end), front_end)
        mels[front_end] = augment_mel(mel, plan, front_end)
        audible[front_end] = audible_mask(mel, front_end)
    return [
        c.predict(
            mels[c.front_end], c.checkpoint.segment_seconds, audible=audible[c.front_end]
        ).overall
        for c in classifiers
    ]
