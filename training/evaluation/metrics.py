"""Logits of a network on labelled tracks, and the scores computed from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import softmax
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score
from torch import Tensor

from crnn.audio.silence import audible_mask
from crnn.inference.classifier import Classifier
from crnn.model.segments import Segments, pool_segments
from training.data.collection import Collection
from training.data.partial_labels import PartiallyLabelled
from training.data.splits import Indices

Array = np.ndarray[Any, np.dtype[np.float64]]

N_BINS = 10  # equal-width bins of confidence, for calibration


@dataclass(frozen=True)
class TrackLogits:
    """A network's logits on N tracks of a collection.

    logits: [S_i, K] of each track; segments: where its S_i segments lie; targets [N]: the true
    classes, or candidates [N, K] of partially labelled tracks; tracks [N]: indices in the
    collection.
    """

    logits: tuple[Array, ...]
    segments: tuple[Segments, ...]
    targets: Indices
    tracks: Indices

    @classmethod
    def join(cls, parts: Sequence["TrackLogits"]) -> "TrackLogits":
        """Concatenate, such as the test parts of folds."""
        return cls(
            tuple(logits for part in parts for logits in part.logits),
            tuple(segments for part in parts for segments in part.segments),
            np.concatenate([part.targets for part in parts]),
            np.concatenate([part.tracks for part in parts]),
        )

    def scaled(self, temperature: float, log_bias: Sequence[float] = ()) -> "TrackLogits":
        """The same with logits as `Checkpoint.scaled` makes them."""
        bias = np.array(log_bias or 0.0)
        return replace(self, logits=tuple(logits / temperature + bias for logits in self.logits))

    def probabilities(self, temperature: float = 1.0) -> Array:
        """Track probabilities [N, K]: the mean of the segments' softmax, as at inference."""
        pairs = zip(self.logits, self.segments, strict=True)
        return np.array(
            [
                pool_segments(softmax(logits / temperature, axis=1), segments)
                for logits, segments in pairs
            ]
        )

    def correct(self, temperature: float = 1.0) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Which tracks are classified correctly, [N]."""
        return np.asarray(self.probabilities(temperature).argmax(axis=1) == self.targets)

    def loss(self, temperature: float = 1.0) -> float:
        """Mean negative log-likelihood of the true classes, by track."""
        return negative_log_likelihood(self.probabilities(temperature), self.targets)


def track_logits(
    classifier: Classifier,
    collection: Collection | PartiallyLabelled,
    tracks: Indices,
    augment: Callable[[Tensor, int], Tensor] | None = None,
) -> TrackLogits:
    """Logits on tracks of a collection, without silence; `augment` changes a log-mel [M, F]."""
    known: np.ndarray[Any, Any] = (
        collection.targets if isinstance(collection, Collection) else collection.candidates
    )
    logits, segments = [], []
    for track in tracks:
        mel = collection.features.mel(int(track))
        audible = audible_mask(mel, collection.front_end)
        if augment is not None:
            mel = augment(mel, int(track))
        segments.append(classifier.plan(mel.shape[1], audible=audible))
        logits.append(classifier.logits(mel, segments[-1]).double().numpy())
    return TrackLogits(tuple(logits), tuple(segments), known[tracks], tracks)


def scores(given: TrackLogits, temperature: float, labels: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, macro F1, recall, confusion matrix and calibration.

    Classes without a track count in none of the means. calibration_error_before: at temperature 1.
    """
    probabilities = given.probabilities(temperature)
    predicted, targets = probabilities.argmax(axis=1), given.targets
    segments_predicted = np.concatenate([logits.argmax(axis=1) for logits in given.logits])
    segment_targets = np.repeat(targets, [len(logits) for logits in given.logits])
    means: dict[str, Any] = {"labels": np.unique(targets), "average": "macro"}
    return {
        "tracks": len(predicted),
        "track_accuracy": float(accuracy_score(targets, predicted)),
        "track_macro_f1": float(f1_score(targets, predicted, **means)),
        "track_mean_recall": float(recall_score(targets, predicted, **means)),
        "segment_accuracy": float(accuracy_score(segment_targets, segments_predicted)),
        "segment_macro_f1": float(f1_score(segment_targets, segments_predicted, **means)),
        "calibration_error": calibration_error(probabilities, targets),
        "calibration_error_before": calibration_error(given.probabilities(), targets),
        "reliability": reliability(probabilities, targets),
        "confusion": confusion_matrix(targets, predicted, labels=range(len(labels))).tolist(),
    }


def reliability(probabilities: Array, targets: Indices) -> list[dict[str, float]]:
    """Reliability diagram: mean confidence, accuracy ("right") and tracks by bin."""
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return [
        {
            "confidence": float(confidence[bins == k].mean()),
            "right": float(correct[bins == k].mean()),
            "tracks": int((bins == k).sum()),
        }
        for k in np.unique(bins)
    ]


def calibration_error(probabilities: Array, targets: Indices) -> float:
    """Expected calibration error (Guo et al. 2017, eq. 3)."""
    points = reliability(probabilities, targets)
    gaps = [point["tracks"] * abs(point["confidence"] - point["right"]) for point in points]
    return float(sum(gaps) / len(targets))


def track_losses(probabilities: Array, targets: Indices) -> Array:
    """Negative log-likelihood of each track's true class, or of its candidates: [N, K] -> [N]."""
    if targets.ndim == 1:
        likelihood = probabilities[np.arange(len(targets)), targets]
    else:
        likelihood = (targets * probabilities).sum(axis=1)
    return np.asarray(-np.log(np.maximum(likelihood, 1e-12)))


def negative_log_likelihood(probabilities: Array, targets: Indices) -> float:
    """Mean over tracks; probabilities [N, K]."""
    return float(track_losses(probabilities, targets).mean())


def total_variation(p: Array, q: Array) -> float:
    """Total variation distance of two distributions, 0 to 1."""
    return float(0.5 * np.abs(p - q).sum())


# Limits of a temperature's logarithm: at chance there would be none.
_LOG_T = (-2.5, 2.5)


def fit_temperature(*given: TrackLogits) -> float:
    """The temperature that minimises the tracks' negative log-likelihood.

    Several sets of tracks count alike, however many tracks each has.
    """

    def loss(log_t: float) -> float:
        return sum(tracks.loss(float(np.exp(log_t))) for tracks in given)

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_T, method="bounded").x))


def fit_decision(given: TrackLogits, power: float) -> tuple[float, tuple[float, ...]]:
    """Temperature and log-bias of each class (their sum is 0) that minimise the weighted NLL.

    power: a track of a class with n tracks weighs n^-power; 1 gives all classes the same weight.
    """
    counts = np.bincount(given.targets, minlength=given.logits[0].shape[1])
    weights = counts[given.targets] ** -float(power)
    logits, sizes = np.concatenate(given.logits), [len(each) for each in given.logits]
    shares = np.concatenate([segments.weights for segments in given.segments])
    rows, classes = np.arange(len(logits)), np.repeat(given.targets, sizes)
    firsts = np.cumsum([0, *sizes[:-1]])

    def loss(values: Array) -> float:
        decided = softmax(logits / np.exp(values[0]) + values[1:], axis=1)
        likelihood = np.add.reduceat(shares * decided[rows, classes], firsts)
        return float(-(weights * np.log(np.maximum(likelihood, 1e-12))).sum() / weights.sum())

    bounds = [_LOG_T, *((None, None) for _ in counts)]
    best = minimize(loss, np.zeros(1 + len(counts)), method="L-BFGS-B", bounds=bounds)
    bias = best.x[1:] - best.x[1:].mean()
    return float(np.exp(best.x[0])), tuple(float(value) for value in bias)


def mean_sd(values: Sequence[float]) -> dict[str, float | None]:
    """Mean, and standard deviation (n − 1; None for one value)."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": sd}
