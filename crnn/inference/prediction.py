"""What a classifier predicts of a track: class probabilities of each segment and of the whole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn.inference import timeline
from crnn.labels import OTHER
from crnn.model.ood import OODScore

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """Class probabilities of one track.

    Attributes:
        task: what the classes are ("genre", "mood").
        labels: [K].
        probabilities: of each segment, [S, K]; rows sum to 1.
        starts: of the segments in seconds, [S]; each is segment_seconds long, and they may overlap.
        overall: of the track, [K]: the segments' mean, weighted by the time each adds.
        repeated: every audible run of the track was shorter than one segment, and was repeated to
            fill it.
        silent: start and end (s) of the silent intervals, which no segment covers.
        ood: out-of-distribution score; None where it was not computed or the checkpoint has no
            detector.
        seconds: length of the track, where known.
    """

    task: str
    labels: tuple[str, ...]
    probabilities: Array
    starts: Array
    segment_seconds: float
    overall: Array
    repeated: bool = False
    ood: OODScore | None = None
    seconds: float | None = None
    silent: tuple[tuple[float, float], ...] = ()

    def ranked(self) -> list[tuple[str, float]]:
        """Classes with their probabilities, highest first; equals keep the labels' order."""
        order = np.argsort(-self.overall, kind="stable")
        return [(self.labels[i], float(self.overall[i])) for i in order]

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """The k most probable classes, then "Other" with the rest; sums to 1."""
        ranked = self.ranked()
        rest = sum(probability for _, probability in ranked[k:])
        return ranked[:k] + ([(OTHER, rest)] if len(ranked) > k else [])

    def timeline(self, seconds: float | None = None) -> timeline.Timeline:
        """Probabilities over time.

        Args:
            seconds: length of the track, if not the prediction's own.

        Returns:
            edges [C + 1] in seconds, and probabilities [C, K] between them (0 in silence).
        """
        if seconds is None:
            seconds = self.seconds or float(self.starts[-1]) + self.segment_seconds
        return timeline.from_segments(
            self.labels,
            self.probabilities,
            self.starts,
            self.segment_seconds,
            seconds,
            self.silent,
        )

    def to_dict(self) -> dict[str, float]:
        """Label → probability of the whole track."""
        return {label: float(p) for label, p in zip(self.labels, self.overall, strict=True)}
