"""Same number, same quiz; every question can be answered by looking; lessons show code that runs."""

import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.sources.examples import EXAMPLES
from pages.lab.quiz_questions import ANSWERS, QUESTIONS, questions
from pages.text.lessons import LESSONS


def test_the_same_number_asks_the_same() -> None:
    assert questions(7, GTZAN_FRONT_END) == questions(7, GTZAN_FRONT_END)
    assert questions(7, GTZAN_FRONT_END) != questions(8, GTZAN_FRONT_END)


@pytest.mark.parametrize("seed", range(1, 20))
def test_every_answer_comes_twice_and_can_be_seen(seed: int) -> None:
    asked = questions(seed, GTZAN_FRONT_END)
    assert len(asked) == QUESTIONS
    assert sorted(q.answer for q in asked) == sorted(2 * ANSWERS)
    for question in asked:
        assert question.example in EXAMPLES
        draws = question.draws(3.0, GTZAN_FRONT_END)
        piece, hop = draws.pieces[0], draws.hop_seconds
        shown = {
            "time": sum(b - a for a, b in piece.time_masks) >= 11.9 * hop,
            "frequency": sum(b - a for a, b in draws.bands(piece)) >= 16,
            "warp": piece.warp is not None,
            "noise": draws.strengths.snr_db is not None,
        }
        assert [key for key, seen in shown.items() if seen] == [question.answer]
        assert question.reason


def test_lessons_show_code_that_python_reads() -> None:
    for lesson in LESSONS:
        compile(lesson.listing, lesson.key, "exec")
        assert "def " in lesson.listing
        assert lesson.formula.count("{") == lesson.formula.count("}")
        assert all((lesson.imitates, lesson.idea, lesson.symbols, lesson.source, lesson.try_it))
