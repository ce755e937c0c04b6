"""Out-of-distribution scores that were compared.

Of the audio alone (crnn.model.ood), of a network's logits, and of its embedding; larger is
stranger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import cdist
from scipy.special import logsumexp, softmax
from sklearn.covariance import ShrunkCovariance
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.silence import audible_mask
from crnn.inference.classifier import Classifier
from crnn.model import ood
from crnn.model.segments import cut_segments, plan_segments, pool_segments
from training.data.splits import Indices

Array = np.ndarray[Any, np.dtype[np.float64]]

AUDIO = "audio statistics, mixture of Gaussians"
NEAREST = "embedding, nearest neighbours"
BOTH = "audio statistics + nearest neighbours"
_NEIGHBOURS = 10
_BATCH = 16


@dataclass(frozen=True)
class TrackFeatures:
    """What the scores need of a track.

    statistics [n, D]: of its excerpts. With a network also logits [S, K], the segments' weights [S]
    and the embedding [H], else None.
    """

    statistics: Array
    logits: Array | None = None
    embedding: Array | None = None
    weights: Array | None = None


@torch.inference_mode()
def track_features(
    mel: Tensor, classifier: Classifier | None, front_end: FrontEnd
) -> TrackFeatures:
    """Features of a track's log-mel [M, F], from non-overlapping segments."""
    statistics = ood.features(mel, front_end)
    if statistics is None:
        raise ValueError(f"a track of {mel.shape[1]} frames is too short for an OOD score")
    if classifier is None:
        return TrackFeatures(statistics)
    network = classifier.network
    sounding = audible_mask(mel, front_end)
    segments = plan_segments(mel.shape[1], network.config.frames, audible=sounding)
    states = torch.cat(
        [
            network.embed(cut_segments(mel, segments, first, first + _BATCH))
            for first in range(0, len(segments.starts), _BATCH)
        ]
    )
    logits = network.linear(states).double().numpy()
    embedding = pool_segments(states.double().numpy(), segments)
    return TrackFeatures(statistics, logits, embedding, np.asarray(segments.weights))


@dataclass(frozen=True)
class OODScores:
    """Every score, fitted on training tracks; without a network only that of the audio.

    neighbours [N, H]: unit embeddings of the training tracks. means [K, H], precision [H, H]: of
    the classes' Gaussians with a common covariance. scales: medians that put the parts of BOTH on
    one scale.
    """

    detector: ood.OODDetector
    neighbours: Array | None = None
    means: Array | None = None
    precision: Array | None = None
    scales: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def fit(
        cls,
        train: Sequence[TrackFeatures],
        targets: Indices,
        valid: Sequence[TrackFeatures],
        detector: ood.OODDetector,
    ) -> "OODScores":
        """targets [N]: classes of the training tracks; valid: tracks for the scales."""
        if train[0].embedding is None:
            return cls(detector)
        embeddings = np.array([track.embedding for track in train])
        classes, index = np.unique(targets, return_inverse=True)
        means = np.array([embeddings[targets == k].mean(axis=0) for k in classes])
        covariance = ShrunkCovariance(shrinkage=0.05, assume_centered=True)
        covariance.fit(embeddings - means[index])
        fitted = cls(detector, _unit(embeddings), means, covariance.precision_)
        scores = [fitted.score(track) for track in valid]
        audio, nearest = (float(np.median([s[name] for s in scores])) for name in (AUDIO, NEAREST))
        return replace(fitted, scales=(audio, nearest))

    def score(self, track: TrackFeatures) -> dict[str, float]:
        """Each score of a track by its name."""
        audio = self.detector.score(track.statistics)
        if track.logits is None or track.embedding is None or track.weights is None:
            return {AUDIO: audio}
        embedding = track.embedding[None]
        gaussian = cdist(embedding, self.means, "mahalanobis", VI=self.precision).min()
        distances = np.sort(cdist(_unit(embedding), self.neighbours)[0])
        nearest = float(distances[_NEIGHBOURS - 1])
        return {
            AUDIO: audio,
            # Hendrycks & Gimpel 2017
            "maximum softmax probability": float(
                1 - (track.weights @ softmax(track.logits, axis=1)).max()
            ),
            "maximum logit": float(-(track.weights @ track.logits.max(axis=1))),
            # Liu et al. 2020
            "energy": float(-(track.weights @ logsumexp(track.logits, axis=1))),
            # Lee et al. 2018: distance to the nearest class, one covariance for all
            "embedding, Gaussian": float(gaussian),
            # Sun et al. 2022
            NEAREST: nearest,
            BOTH: audio / self.scales[0] + nearest / self.scales[1],
        }


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
