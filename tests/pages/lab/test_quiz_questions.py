"""Same number, same quiz; every question can be answered by looking."""

import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.sources.examples import EXAMPLES
from pages.lab.quiz_questions import ANSWERS, QUESTIONS, questions
from pages.text import content


def test_the_same_number_asks_the_same() -> None:
    assert questions(7) == questions(7)
    assert questions(7) != questions(8)


def test_every_answer_has_a_lesson() -> None:
    assert tuple(content.load("lessons")) == ANSWERS


@pytest.mark.parametrize("seed", range(1, 20))
def test_every_answer_comes_twice_and_can_be_seen(seed: int) -> None:
    asked = questions(seed)
    assert len(asked) == QUESTIONS
    assert sorted(q.answer for q in asked) == sorted(2 * ANSWERS)
    for question in asked:
        assert question.example in EXAMPLES
        plan = question.plan(3.0, GTZAN_FRONT_END)
        (piece,) = plan.pieces
        shown = {
            "time": sum(end - start for start, end in piece.time_masks) >= 11.9 * plan.hop_seconds,
            "frequency": sum(last - first for first, last in plan.bands(piece)) >= 16,
            "warp": piece.warp is not None,
            "noise": plan.strengths.snr_db is not None,
        }
        assert [key for key, seen in shown.items() if seen] == [question.answer]
