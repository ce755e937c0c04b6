"""Same code and level, same quiz; every question can be answered by looking or listening."""

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.sources.examples import EXAMPLES
from pages.lab.quiz_questions import EASIEST, HARDEST, LEVELS, QUESTIONS, questions
from pages.text import content
from tests.conftest import melody

OF_CODE_3 = [
    ("awakening", 18.0, "noise"),
    ("metal-madness", 6.0, "warp"),
    ("hunting", 9.0, "time"),
    ("armygeddon", 3.0, "warp"),
    ("palace", 9.0, "frequency"),
    ("metal-madness", 6.0, "frequency"),
    ("mountain", 3.0, "time"),
    ("mountain", 3.0, "noise"),
]


def test_the_same_code_asks_the_same() -> None:
    assert questions(7) == questions(7)
    assert questions(7) != questions(8)
    assert questions(7) != questions(7, HARDEST)


def test_a_code_shared_before_levels_asks_what_it_asked() -> None:
    asked = [(q.example, q.start, q.answer) for q in questions(3)]
    assert asked == OF_CODE_3


def test_every_answer_has_a_lesson_with_clue_and_hint() -> None:
    for answer in {answer for possible in LEVELS.values() for answer in possible}:
        lesson = content.load("lessons")[answer]
        assert {"title", "clue", "hint"} <= set(lesson)
        assert lesson["title"].lower() not in lesson["hint"].lower()


@pytest.mark.parametrize("seed", range(1, 20))
def test_every_answer_comes_twice_and_can_be_seen(seed: int) -> None:
    asked = questions(seed)
    assert len(asked) == QUESTIONS
    assert sorted(q.answer for q in asked) == sorted(2 * LEVELS[EASIEST])
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


@pytest.mark.parametrize("seed", range(1, 6))
def test_without_masks_every_answer_comes_and_changes_the_sound(seed: int) -> None:
    asked = questions(seed, HARDEST)
    assert {q.answer for q in asked} == set(LEVELS[HARDEST])
    sound = torch.from_numpy(melody(3))
    for question in asked:
        strengths = question.strengths
        assert not strengths.time_mask
        assert not strengths.frequency_mask
        assert (strengths.snr_db is not None) + bool(strengths.time_warp) + len(
            strengths.effects
        ) == 1
        for effect in strengths.effects:
            change = effect.apply(sound, 22_050) - sound
            assert 10 * np.log10(float(change.square().mean() / sound.square().mean())) > -20
