"""Scores of one trained network on some tracks, through the classifier that serves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from crnn.inference.classifier import Classifier
from crnn.model.segments import Segments, average
from training.data.collection import Collection
from training.data.splits import Indices

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class TrackLogits:
    """What a network said of tracks whose class is known: logits [S_i, K] of each track, where its segments lie, target."""

    logits: tuple[Array, ...]
    segments: tuple[Segments, ...]
    targets: Indices
    tracks: Indices

    def divided(self, temperature: float) -> "TrackLogits":
        """The same with every logit divided by a temperature."""
        return replace(self, logits=tuple(logits / temperature for logits in self.logits))

    def probabilities(self, temperature: float = 1.0) -> Array:
        """Track distributions [N, K]: the mean of the segments' softmax, as served."""
        pairs = zip(self.logits, self.segments, strict=True)
        return np.array(
            [average(softmax(logits / temperature, axis=1), segments) for logits, segments in pairs]
        )


def track_logits(classifier: Classifier, collection: Collection, tracks: Indices) -> TrackLogits:
    """Run the classifier over tracks of a collection."""
    logits, segments = [], []
    for track in tracks:
        mel = collection.features.mel(int(track))
        segments.append(classifier.plan(mel.shape[1]))
        logits.append(classifier.logits(mel, segments[-1]).double().numpy())
    return TrackLogits(tuple(logits), tuple(segments), collection.targets[tracks], tracks)


def scores(given: TrackLogits, temperature: float, labels: tuple[str, ...]) -> dict[str, Any]:
    """Accuracies by segment and by track, macro F1, mean recall of the classes present, confusion, and the calibration error with
    that temperature and before it, at 1.
    """
    distributions = given.probabilities(temperature)
    said = distributions.argmax(axis=1)
    segment_said = np.concatenate([logits.argmax(axis=1) for logits in given.logits])
    segment_true = np.repeat(given.targets, [len(logits) for logits in given.logits])
    present = np.unique(given.targets)
    return {
        "tracks": len(said),
        "track_accuracy": float(accuracy_score(given.targets, said)),
        "track_macro_f1": float(f1_score(given.targets, said, labels=present, average="macro")),
        "track_mean_recall": float(
            recall_score(given.targets, said, labels=present, average="macro")
        ),
        "segment_accuracy": float(accuracy_score(segment_true, segment_said)),
        "segment_macro_f1": float(
            f1_score(segment_true, segment_said, labels=present, average="macro")
        ),
        "calibration_error": calibration_error(distributions, given.targets),
        "calibration_error_before": calibration_error(given.probabilities(), given.targets),
        "reliability": reliability(distributions, given.targets),
        "confusion": confusion_matrix(given.targets, said, labels=range(len(labels))).tolist(),
    }


def calibration_error(distributions: Array, targets: Indices, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017, eq. 3): mean gap of confidence and accuracy over equal-width bins."""
    confidence, right = distributions.max(axis=1), distributions.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == b].sum() - right[place == b].sum()) for b in range(bins)]
    return float(sum(gaps) / len(targets))


def reliability(distributions: Array, targets: Indices, bins: int = 10) -> list[dict[str, float]]:
    """What calibration_error sums up: mean confidence, share right and number of tracks of each bin that has any."""
    confidence, right = distributions.max(axis=1), distributions.argmax(axis=1) == targets
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    points = []
    for b in np.unique(place):
        inside = place == b
        means = {
            "confidence": float(confidence[inside].mean()),
            "right": float(right[inside].mean()),
        }
        points.append(means | {"tracks": int(inside.sum())})
    return points


def fit_temperature(given: TrackLogits) -> float:
    """The temperature under which the tracks' true classes are likeliest (mean negative log-likelihood by track)."""

    def loss(log_temperature: float) -> float:
        likelihood = given.probabilities(float(np.exp(log_temperature)))[
            np.arange(len(given.targets)), given.targets
        ]
        return float(-np.log(np.maximum(likelihood, 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def mean_sd(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, and standard deviation (n − 1; None of one value)."""
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
    }


def bootstrap_by_group(
    right: Array, groups: tuple[str, ...], rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of an accuracy when whole groups (artists) are drawn with replacement (percentile bootstrap)."""
    _, index = np.unique(np.array(groups), return_inverse=True)
    hits, sizes = np.bincount(index, weights=right), np.bincount(index)
    draws = np.random.default_rng(seed).integers(len(sizes), size=(rounds, len(sizes)))
    means = hits[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
