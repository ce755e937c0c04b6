"""What a classifier predicts of a track: probabilities of each segment and of the whole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn.labels import OTHER
from crnn.model.ood import OODScore

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """What a network says of a track.

    labels [K]; probabilities [S, K], rows sum to 1; starts [S] in seconds, each segment segment_seconds long;
    overall [K]: the segments' mean, weighted by the time each adds. repeated: the track was shorter than one segment
    and was heard more than once. doubt: whether this sounds like what the network learned from; None where nobody asked or
    its checkpoint cannot tell.
    """

    task: str
    labels: tuple[str, ...]
    probabilities: Array
    starts: Array
    segment_seconds: float
    overall: Array
    repeated: bool = False
    ood: OODScore | None = None

    def ranked(self) -> list[tuple[str, float]]:
        """All classes, likeliest first; equals keep the labels' order."""
        order = np.argsort(-self.overall, kind="stable")
        return [(self.labels[i], float(self.overall[i])) for i in order]

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """The k likeliest classes, then "Other" with the rest; sums to 1."""
        ranked = self.ranked()
        rest = sum(probability for _, probability in ranked[k:])
        return ranked[:k] + ([(OTHER, rest)] if len(ranked) > k else [])

    def to_dict(self) -> dict[str, float]:
        """Label → probability of the whole track."""
        return {label: float(p) for label, p in zip(self.labels, self.overall, strict=True)}
