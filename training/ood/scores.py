"""Scores of doubt that were compared: of the sound alone (crnn.model.ood), of a network's answers, and of its embedding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import logsumexp, softmax
from torch import Tensor

from crnn.inference.classifier import Classifier
from crnn.model import ood
from crnn.model.segments import average, cut, plan

Array = np.ndarray[Any, np.dtype[np.float64]]

SOUND = "sound: Gaussian of sound statistics"
BOTH = "sound + nearest"
_NEAREST = 10
_BATCH = 16


@dataclass(frozen=True)
class TrackFeatures:
    """Of one track: its stretches described [n, D]; where there is a network, logits [S, K] and embedding [H], else None."""

    described: Array
    logits: Array | None = None
    embedding: Array | None = None
    weights: Array | None = None


@torch.inference_mode()
def track_features(mel: Tensor, classifier: Classifier | None, front_end: Any) -> TrackFeatures:
    """Everything that the scores need of a track, from segments laid end to end."""
    described = ood.features(mel, front_end)
    if described is None:
        raise ValueError(f"a track of {mel.shape[1]} frames is too short to be doubted")
    if classifier is None:
        return TrackFeatures(described)
    network = classifier.network
    segments = plan(mel.shape[1], network.config.frames)
    states = torch.cat(
        [
            network.embed(cut(mel, segments, first, first + _BATCH))
            for first in range(0, len(segments.starts), _BATCH)
        ]
    )
    logits = network.linear(states)
    embedding = average(states.double().numpy(), segments)
    return TrackFeatures(
        described, logits.double().numpy(), embedding, np.asarray(segments.weights)
    )


@dataclass(frozen=True)
class OODScores:
    """Every score, fitted on training tracks; larger is stranger. Without a network only that of the sound."""

    usual: ood.OODDetector
    neighbours: Array | None = None
    means: Array | None = None
    precision: Array | None = None
    scales: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def fit(
        cls,
        heard: Sequence[TrackFeatures],
        targets: "np.ndarray[Any, Any]",
        valid: Sequence[TrackFeatures],
    ) -> "OODScores":
        """heard: the training tracks; valid: their medians put the two parts of BOTH on one scale."""
        usual = ood.fit(np.concatenate([track.described for track in heard]))
        if heard[0].embedding is None:
            return cls(usual)
        embeddings = np.array([track.embedding for track in heard])
        means = np.array([embeddings[targets == k].mean(axis=0) for k in np.unique(targets)])
        centred = embeddings - means[np.searchsorted(np.unique(targets), targets)]
        covariance = centred.T @ centred / len(centred)
        size = len(covariance)
        covariance = 0.95 * covariance + 0.05 * np.trace(covariance) / size * np.eye(size)
        fitted = cls(usual, _unit(embeddings), means, np.linalg.inv(covariance))
        parts = [fitted.of(track) for track in valid]
        medians = (
            float(np.median([part[SOUND] for part in parts])),
            float(np.median([part["embedding, nearest"] for part in parts])),
        )
        return cls(usual, fitted.neighbours, means, fitted.precision, medians)

    def of(self, track: TrackFeatures) -> dict[str, float]:
        """Each score of a track by its name."""
        found = {SOUND: self.usual.score(track.described)}
        if track.logits is None or track.embedding is None or track.weights is None:
            return found
        assert self.neighbours is not None
        assert self.means is not None
        assert self.precision is not None
        away = track.embedding - self.means
        nearest = np.sort(np.linalg.norm(self.neighbours - _unit(track.embedding[None]), axis=1))[
            _NEAREST - 1
        ]
        found |= {
            # Hendrycks & Gimpel 2017
            "likeliest class": float(1 - (track.weights @ softmax(track.logits, axis=1)).max()),
            "largest logit": float(-(track.weights @ track.logits.max(axis=1))),
            # Liu et al. 2020
            "energy": float(-(track.weights @ logsumexp(track.logits, axis=1))),
            # Lee et al. 2018: distance to the nearest class, one covariance for all
            "embedding, Gaussian": float(
                np.sqrt(np.einsum("ki,ij,kj->k", away, self.precision, away).min())
            ),
            # Sun et al. 2022
            "embedding, nearest": float(nearest),
        }
        return found | {
            BOTH: found[SOUND] / self.scales[0] + found["embedding, nearest"] / self.scales[1]
        }


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
