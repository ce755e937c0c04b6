"""Predictions over time: class probabilities per interval, and sections by most probable class."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from crnn.labels import MOOD_QUADRANTS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Timeline:
    """Class probabilities of consecutive intervals.

    Attributes:
        labels: [K].
        edges: of the intervals in seconds, [C + 1].
        probabilities: [C, K], mean of all segments that cover the interval; rows sum to 1, or to 0
            in silence.
    """

    labels: tuple[str, ...]
    edges: Array
    probabilities: Array

    @property
    def audible(self) -> NDArray[np.bool_]:
        """Which intervals are not silent, [C]."""
        return np.asarray(self.probabilities.any(axis=1))

    @property
    def has_valence_arousal(self) -> bool:
        """Whether all labels are moods with a place in Russell's plane (crnn.labels)."""
        return set(self.labels) <= set(MOOD_QUADRANTS)

    @property
    def valence_arousal(self) -> Array:
        """Mean of the moods' signs, weighted by probability: valence and arousal, [C, 2].

        0, 0 in silence. Russell 1980, "A circumplex model of affect"; the moods' signs are Table I
        of the paper.
        """
        quadrants = [MOOD_QUADRANTS[label] for label in self.labels]
        signs = np.array([(each.valence, each.arousal) for each in quadrants], dtype=float)
        return np.asarray(self.probabilities @ signs)

    def at(self, second: float) -> dict[str, float]:
        """Label → probability at a moment; the nearest interval's outside the track."""
        row = int(np.searchsorted(self.edges[1:-1], second, side="right"))
        return dict(zip(self.labels, self.probabilities[row].tolist(), strict=True))


@dataclass(frozen=True)
class Section:
    """Where one class is the most probable: start and end (s), its mean probability there."""

    label: str
    start: float
    end: float
    probability: float


def from_segments(
    labels: tuple[str, ...],
    probabilities: Array,
    starts: Array,
    length: float,
    seconds: float,
    silent: tuple[tuple[float, float], ...] = (),
) -> Timeline:
    """Average overlapping segments per interval.

    Intervals lie between all places where a segment begins or ends; a track shorter than a segment
    is one interval.

    Args:
        probabilities: of the segments, [S, K].
        starts, length: of the segments in seconds.
        seconds: length of the track.
        silent: start and end (s) of the intervals without segments.
    """
    ends = np.minimum(starts + length, seconds)
    for first, _ in silent:
        ends[(starts < first) & (ends > first)] = first
    # Edges that rounding keeps a few milliseconds apart are one.
    edges = np.unique(np.round(np.concatenate([starts, ends, [0.0, seconds], *silent]), 2))
    edges = edges[edges <= round(seconds, 2)]
    middles = (edges[:-1] + edges[1:]) / 2
    covers = (starts <= middles[:, None]) & (middles[:, None] < ends + 0.01)  # [C, S]
    # Frames are centred: the last few milliseconds may lie beyond the last segment, and are given
    # to it.
    quiet = np.zeros(len(middles), dtype=bool)
    for first, end in silent:
        quiet |= (first <= middles) & (middles < end)
    covers[quiet] = False
    covers[~covers.any(axis=1) & ~quiet, -1] = True
    weights = covers / np.maximum(1, covers.sum(axis=1, keepdims=True))
    return Timeline(labels, edges, weights @ probabilities)


def sections(timeline: Timeline) -> list[Section]:
    """Consecutive intervals with the same most probable class, joined; silence is left out."""
    best = np.where(timeline.audible, timeline.probabilities.argmax(axis=1), -1)
    borders = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    joined = []
    for first, last in pairwise(borders):
        edges, label = timeline.edges[first : last + 1], int(best[first])
        if label < 0:
            continue
        mean = np.average(timeline.probabilities[first:last, label], weights=np.diff(edges))
        joined.append(
            Section(timeline.labels[label], float(edges[0]), float(edges[-1]), float(mean))
        )
    return joined
