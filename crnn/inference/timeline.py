"""How a prediction goes along its track: one distribution a moment, and the sections in which one class leads."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crnn.inference.prediction import Array, Prediction


@dataclass(frozen=True)
class Timeline:
    """Distributions of the stretches between segment borders.

    edges [C + 1] in seconds; probabilities [C, K]: mean of all segments that cover the stretch, rows sum to 1.
    """

    labels: tuple[str, ...]
    edges: Array
    probabilities: Array

    def at(self, second: float) -> dict[str, float]:
        """Label → probability at a moment; before the start the first, after the end the last."""
        row = int(
            np.clip(
                np.searchsorted(self.edges, second, side="right") - 1,
                0,
                len(self.probabilities) - 1,
            )
        )
        return dict(zip(self.labels, self.probabilities[row].tolist(), strict=True))


@dataclass(frozen=True)
class Section:
    """A stretch in which one class leads: from start to end (s), with its mean probability there."""

    label: str
    start: float
    end: float
    probability: float


def from_prediction(prediction: Prediction, seconds: float) -> Timeline:
    """The borders are all places where a segment begins or ends; a track shorter than a segment is one moment."""
    ends = np.minimum(prediction.starts + prediction.segment_seconds, seconds)
    # Borders that rounding keeps a few milliseconds apart are one.
    edges = np.unique(np.round(np.concatenate([prediction.starts, ends, [0.0, seconds]]), 2))
    edges = edges[edges <= round(seconds, 2)]
    middles = (edges[:-1] + edges[1:]) / 2
    covers = (prediction.starts <= middles[:, None]) & (middles[:, None] < ends + 0.01)  # [C, S]
    heard = covers.any(axis=1)
    # Frames are centred: the last few milliseconds may lie beyond the last segment, and are given to it.
    covers[~heard, -1] = True
    weights = covers / covers.sum(axis=1, keepdims=True)
    return Timeline(prediction.labels, edges, weights @ prediction.probabilities)


def sections(along: Timeline) -> list[Section]:
    """Neighbouring moments with the same leading class, joined; one after the other without gaps."""
    leads = along.probabilities.argmax(axis=1)
    borders = [0, *(np.flatnonzero(np.diff(leads)) + 1).tolist(), len(leads)]
    found = []
    for first, last in pairwise(borders):
        lengths = np.diff(along.edges[first : last + 1])
        share = float(np.average(along.probabilities[first:last, leads[first]], weights=lengths))
        found.append(
            Section(
                along.labels[int(leads[first])],
                float(along.edges[first]),
                float(along.edges[last]),
                share,
            )
        )
    return found


def describe(parts: list[Section], limit: int = 6) -> str:
    """Sections in words: "rock from 0:00 to 0:12, then metal to 0:30"; the longest where there are many."""
    if len(parts) == 1:
        return f"{parts[0].label} leads from beginning to end."
    shown = sorted(
        sorted(parts, key=lambda part: part.start - part.end)[:limit], key=lambda part: part.start
    )
    said = ", ".join(f"{part.label} {_clock(part.start)}–{_clock(part.end)}" for part in shown)
    more = (
        f" The leading class changes {len(parts) - 1} times; these are the longest stretches."
        if len(parts) > limit
        else ""
    )
    return f"Who leads when: {said}.{more}"


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
