"""Questions of the Lab's quiz: the same for everyone with the same code and level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnn import audio, augment

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.augment.plan import Plan, Strengths

QUESTIONS = 8

# Each level with its possible answers, which are names of lessons; the first is that of addresses
# without one.
LEVELS = {
    "See and hear": ("time", "frequency", "warp", "noise"),
    "Hear only": ("time", "frequency", "warp", "noise"),
    "No masks": ("warp", "noise", "filter", "reverberation", "pitch", "clipping"),
}
EASIEST, BY_EAR, HARDEST = LEVELS

# Not all examples: a number that was shared keeps its questions.
_CLIPS = ("metal-madness", "mountain", "hunting", "palace", "awakening", "armygeddon")


@dataclass(frozen=True)
class Question:
    """An example, the start of its segment (s), what is done to it, which answer that is."""

    example: str
    start: float
    strengths: Strengths
    answer: str

    def plan(self, seconds: float, front_end: FrontEnd) -> Plan:
        """The sampled augmentation."""
        return augment.plan.sample(self.strengths, seconds, front_end)


def questions(seed: int, level: str = EASIEST) -> tuple[Question, ...]:
    """Eight questions in random order, each answer about equally often."""
    possible = LEVELS[level]
    rng = np.random.default_rng((seed, 1919, *[list(LEVELS).index(level)] * (level != EASIEST)))
    answers = rng.permutation(np.sort(np.resize(np.arange(len(possible)), QUESTIONS)))
    names = rng.permutation(np.resize(_CLIPS, QUESTIONS))
    return tuple(
        _question(rng, str(name), possible[int(answer)])
        for name, answer in zip(names, answers, strict=True)
    )


def _question(rng: np.random.Generator, example: str, answer: str) -> Question:
    start = 3.0 * int(rng.integers(1, 9))
    while True:
        seed = int(rng.integers(10_000))
        noise = {
            "snr_db": float(rng.choice([5, 10, 15])),
            "noise": str(rng.choice(list(audio.noise.KINDS))),
        }
        masks = {"time": {"time_mask": 50}, "frequency": {"frequency_mask": 60}}
        settings: dict[str, Any] = {**masks, "warp": {"time_warp": 40}, "noise": noise}.get(
            answer, {}
        )
        if not settings:
            settings = {"effects": (_effect(rng, answer, seed),)}
        strengths = augment.plan.Strengths(**settings, seed=seed)
        question = Question(example, start, strengths, answer)
        if _visible(question):
            return question


def _effect(rng: np.random.Generator, answer: str, seed: int) -> augment.effects.Effect:
    made = augment.effects
    if answer == "filter":
        edges = [(300, 3400), (0, 1500), (1000, 11_000)][int(rng.integers(3))]
        return made.BandPass(*edges)
    if answer == "reverberation":
        return made.Reverberation(float(rng.choice([1.0, 2.0, 3.0])), seed=seed)
    if answer == "pitch":
        return made.PitchShift(float(rng.choice([-5, -3, 3, 5])))
    return made.Clipping(float(rng.choice([18, 24, 30])))


def _visible(question: Question) -> bool:
    """Whether the change is large enough to be seen."""
    plan = question.plan(3.0, audio.front_end.GTZAN_FRONT_END)
    piece = plan.pieces[0]
    if question.answer == "time":
        length = sum(end - start for start, end in piece.time_masks)
        return length > 11.5 * plan.hop_seconds
    if question.answer == "frequency":
        return sum(last - first for first, last in plan.bands(piece)) >= 16
    if question.answer == "warp":
        return (
            piece.warp is not None and abs(piece.warp[1] - piece.warp[0]) >= 14 * plan.hop_seconds
        )
    return True
