"""Tracks beside each other: a summary of each, and how similar they are to the networks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crnn.audio.decode import decode
from crnn.inference.analysis import Analysis, Decoder, decode_and_predict, log_mel_for
from crnn.inference.classifier import Classifier
from crnn.inference.export import to_csv, to_record
from crnn.inference.prediction import Array, Prediction
from crnn.model.hub import Progress
from crnn.untrusted import one_line

_MAX_NAME = 80


@dataclass(frozen=True)
class TrackSummary:
    """What is stored of a track to compare it: a few kilobytes, no audio.

    Attributes:
        digest: of the file's content, equal for equal files.
        predictions: one of each network, of the whole track alone (see `track_level`).
        embeddings: one [H] of each network.
        networks: identities of those networks; only tracks analysed by the same ones are compared.
        example: its name in addresses; empty for a visitor's own track.
    """

    name: str
    digest: str
    seconds: float
    predictions: tuple[Prediction, ...]
    embeddings: tuple[Array, ...]
    notices: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    example: str = ""


def digest(data: bytes) -> str:
    """Digest of a file's content."""
    return hashlib.sha256(data).hexdigest()


def display_name(name: str) -> str:
    """A file's name in one printable line, without folders, shortened in the middle."""
    base = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    text = one_line(base) or "track"
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 16]}…{text[-15:]}"


def unique_name(name: str, taken: Sequence[str]) -> str:
    """The name, with a number after it where another track has it already."""
    number, unique = 1, name
    while unique in taken:
        number += 1
        unique = f"{name} ({number})"
    return unique


def track_level(prediction: Prediction, seconds: float) -> Prediction:
    """A prediction without its segments: one row as long as the track."""
    return replace(
        prediction,
        probabilities=prediction.overall[None],
        starts=np.zeros(1),
        segment_seconds=max(seconds, 1e-3),
        silent=(),
    )


def summarise(
    name: str,
    data: bytes,
    seconds: float,
    analysis: Analysis,
    classifiers: Sequence[Classifier],
    decoder: Decoder = decode,
    **fields: Any,
) -> TrackSummary:
    """Summary of an analysed track; fields: notices, networks, example."""
    embeddings = tuple(c.embedding(log_mel_for(c, analysis, data, decoder)) for c in classifiers)
    predictions = tuple(track_level(prediction, seconds) for prediction in analysis.predictions)
    return TrackSummary(
        display_name(name), digest(data), seconds, predictions, embeddings, **fields
    )


def summarise_file(
    name: str,
    data: bytes,
    classifiers: Sequence[Classifier],
    progress: Progress | None = None,
    decoder: Decoder = decode,
    **fields: Any,
) -> TrackSummary:
    """Analyse and summarise an audio file; raises AudioError as `decode_and_predict`."""
    waveform, analysis = decode_and_predict(data, classifiers, progress, decoder)
    fields |= {"notices": waveform.notices}
    return summarise(name, data, waveform.seconds, analysis, classifiers, decoder, **fields)


def cosine(tracks: Sequence[TrackSummary], network: int | None = None) -> Array:
    """Cosine similarity of the tracks' embeddings.

    Args:
        network: number of the network whose embeddings are compared; None for the mean over all
            networks.

    Returns:
        [N, N], symmetric, 1 for equals.
    """
    total = np.zeros((len(tracks), len(tracks)))
    networks = range(len(tracks[0].embeddings)) if network is None else (network,)
    for i in networks:
        rows = np.array([track.embeddings[i] for track in tracks], dtype=np.float64)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        total += rows @ rows.T / len(networks)
    similarities = np.clip((total + total.T) / 2, -1, 1)
    np.fill_diagonal(similarities, 1)
    return similarities


def plane(similarities: Array) -> Array:
    """Places in a plane whose distances follow the similarities (principal components).

    Classical multidimensional scaling of the cosines: the principal component analysis of
    embeddings of unit length, [N, N] -> [N, 2].
    """
    centred = similarities - similarities.mean(axis=0)
    values, vectors = np.linalg.eigh(centred - centred.mean(axis=1, keepdims=True))
    count = min(2, len(values))
    points = np.zeros((len(values), 2))
    points[:, :count] = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :count]
    # An eigenvector's sign is arbitrary: the farthest track lies on the positive side.
    farthest = np.take_along_axis(points, np.abs(points).argmax(axis=0)[None], axis=0)
    return np.asarray(points * np.where(farthest < 0, -1, 1))


def nearest(similarities: Array) -> list[tuple[int, float]]:
    """Most similar other track of each, and its similarity: [N, N] -> N pairs, none for N = 1."""
    if len(similarities) < 2:
        return []
    others = np.where(np.eye(len(similarities), dtype=bool), -np.inf, similarities)
    return [(int(row.argmax()), float(row.max())) for row in others]


def csv(
    tracks: Sequence[TrackSummary],
    similarities: Array,
    failures: Sequence[tuple[str, str]] = (),
) -> str:
    """`to_csv` of all tracks, with the most similar of each; failed files with a reason."""
    rows = []
    neighbours = nearest(similarities)
    for number, track in enumerate(tracks):
        row = to_record(track.name, track.seconds, track.predictions) | {"segments": []}
        if neighbours:
            other, value = neighbours[number]
            row |= {"sounds_most_like": tracks[other].name, "similarity": round(value, 4)}
        rows.append(row)
    rows += [{"file": name, "error": reason} for name, reason in failures]
    return to_csv(rows, extra=("sounds_most_like", "similarity"))
