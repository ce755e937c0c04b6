"""The mood plane: a sure mood lies in its corner, doubt lies in the middle."""

import numpy as np
import pytest

from crnn.inference.timeline import Timeline
from crnn.labels import GENRES, MOOD_QUADRANTS, MOODS


def along(*rows: list[float]) -> Timeline:
    return Timeline(MOODS, np.arange(len(rows) + 1.0), np.array(rows))


def sure(mood: str) -> list[float]:
    return [float(label == mood) for label in MOODS]


@pytest.mark.parametrize("mood", MOODS)
def test_a_sure_mood_lies_in_its_corner(mood: str) -> None:
    (point,) = along(sure(mood)).valence_arousal
    assert point.tolist() == [MOOD_QUADRANTS[mood].valence, MOOD_QUADRANTS[mood].arousal]


def test_halves_of_opposite_moods_meet_in_the_middle() -> None:
    opposite = [0.5 * (a + b) for a, b in zip(sure("Energetic"), sure("Relaxing"), strict=True)]
    (point,) = along(opposite).valence_arousal
    assert point.tolist() == [0.0, 0.0]


def test_networks_with_other_moods_have_no_place_in_it() -> None:
    assert along(sure("Sad")).has_valence_arousal
    assert not Timeline(GENRES, np.arange(2.0), np.ones((1, 10)) / 10).has_valence_arousal
