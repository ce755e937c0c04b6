"""Questions of the Lab's quiz: the same for everyone with the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crnn import audio, augment

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.augment.plan import Plan, Strengths

QUESTIONS = 8
ANSWERS = ("time", "frequency", "warp", "noise")

# Not all examples: a number that was shared keeps its questions.
_CLIPS = ("metal-madness", "mountain", "hunting", "palace", "awakening", "armygeddon")


@dataclass(frozen=True)
class Question:
    """An example, the start of its segment (s), what is done to it, which of ANSWERS that is."""

    example: str
    start: float
    strengths: Strengths
    answer: str

    def plan(self, seconds: float, front_end: FrontEnd) -> Plan:
        """The sampled augmentation."""
        return augment.plan.sample(self.strengths, seconds, front_end)


def questions(seed: int) -> tuple[Question, ...]:
    """Eight questions in random order, each answer twice; whatever models are in use."""
    rng = np.random.default_rng((seed, 1919))
    answers = rng.permutation(np.repeat(np.arange(len(ANSWERS)), QUESTIONS // len(ANSWERS)))
    names = rng.permutation(np.resize(_CLIPS, QUESTIONS))
    return tuple(
        _question(rng, str(name), ANSWERS[int(answer)])
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
        settings = {
            "time": {"time_mask": 50},
            "frequency": {"frequency_mask": 60},
            "warp": {"time_warp": 40},
            "noise": noise,
        }[answer]
        strengths = augment.plan.Strengths(**settings, seed=seed)
        question = Question(example, start, strengths, answer)
        if _visible(question):
            return question


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
