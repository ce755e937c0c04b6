"""The lab's quiz: what was done to this spectrogram? The same questions for everyone with the same seed."""

from dataclasses import dataclass

import numpy as np

from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.audio.noise import KINDS
from crnn.augment.plan import Plan, Strengths, sample
from crnn.sources.examples import EXAMPLES
from pages.text.lessons import BY_KEY

QUESTIONS = 8
ANSWERS = tuple(BY_KEY)  # "time", "frequency", "warp", "noise"

# Draws below these can hardly be seen: hop-512 frames, mel bands, frames.
_VISIBLE = {"time": 12, "frequency": 16, "warp": 14.0}

_REASONS = {
    "time": "A time mask is an upright block: for a moment, every frequency falls silent.",
    "frequency": "A frequency mask is a level stripe: the same bands are silent from beginning to end.",
    "warp": "A time warp leaves no hole: nothing is silent, but events lie earlier or later than in the original, "
    "more so near one moment and not at all at the ends.",
    "noise": "Noise fills the dark places: what was silent in the original glows, and no edge is sharp.",
}


@dataclass(frozen=True)
class Question:
    """An example clip, where its segment starts (s), what is done to it, and which of ANSWERS that is."""

    example: str
    start: float
    strengths: Strengths
    answer: str

    @property
    def reason(self) -> str:
        """How the answer could be seen."""
        return _REASONS[self.answer]

    def draws(self, seconds: float, front_end: FrontEnd) -> Plan:
        """What is drawn for it."""
        return sample(self.strengths, seconds, front_end)


def questions(seed: int, front_end: FrontEnd = GTZAN_FRONT_END) -> tuple[Question, ...]:
    """Eight questions, every answer twice, in an order of the seed's own; the same whatever network is in use."""
    rng = np.random.default_rng((seed, 1919))
    answers = rng.permutation(np.repeat(np.arange(len(ANSWERS)), QUESTIONS // len(ANSWERS)))
    names = rng.permutation(np.resize(list(EXAMPLES), QUESTIONS))
    return tuple(
        _question(rng, str(name), ANSWERS[int(answer)], front_end)
        for name, answer in zip(names, answers, strict=True)
    )


def _question(rng: np.random.Generator, example: str, answer: str, front_end: FrontEnd) -> Question:
    start = 3.0 * int(rng.integers(1, 9))
    while True:
        seed = int(rng.integers(10_000))
        strengths = {
            "time": Strengths(time_mask=50, seed=seed),
            "frequency": Strengths(frequency_mask=60, seed=seed),
            "warp": Strengths(time_warp=40, seed=seed),
            "noise": Strengths(
                snr_db=float(rng.choice([5, 10, 15])), noise=str(rng.choice(list(KINDS))), seed=seed
            ),
        }[answer]
        question = Question(example, start, strengths, answer)
        if _visible(question, front_end):
            return question


def _visible(question: Question, front_end: FrontEnd) -> bool:
    draws = question.draws(3.0, front_end)
    piece = draws.pieces[0]
    size = {
        "time": lambda: sum(round((b - a) / draws.hop_seconds) for a, b in piece.time_masks),
        "frequency": lambda: sum(b - a for a, b in draws.bands(piece)),
        "warp": lambda: abs(np.subtract(*(piece.warp or (0.0, 0.0)))) / draws.hop_seconds,
        "noise": lambda: float("inf"),
    }[question.answer]()
    return size >= _VISIBLE.get(question.answer, 0.0)
