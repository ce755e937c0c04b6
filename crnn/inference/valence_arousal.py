"""Moods in Russell's plane: valence (negative to positive) and arousal (energy) over time.

Russell 1980, "A circumplex model of affect"; the moods' signs are Table I of the paper.
"""

import numpy as np

from crnn.inference.timeline import Array, Timeline
from crnn.labels import MOOD_QUADRANTS

# Words for the quadrants, by the signs of valence and arousal.
QUADRANTS = {
    (1, 1): "happy, excited",
    (-1, 1): "tense, angry",
    (-1, -1): "sad, depressed",
    (1, -1): "calm, relaxed",
}


def has_places(labels: tuple[str, ...]) -> bool:
    """Whether all labels have a place in the plane."""
    return set(labels) <= set(MOOD_QUADRANTS)


def path(timeline: Timeline) -> Array:
    """Mean of the moods' signs, weighted by probability: valence and arousal, [C, 2].

    0, 0 in silence (see `Timeline.audible`).
    """
    quadrants = [MOOD_QUADRANTS[label] for label in timeline.labels]
    signs = np.array([(place.valence, place.arousal) for place in quadrants], dtype=float)  # [K, 2]
    return np.asarray(timeline.probabilities @ signs)
