"""Predictions in sentences: for listeners, and for screen readers instead of the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from crnn import audio, baseline, inference, model, results
from crnn.format import clock, percent
from crnn.labels import display

# Protocols, the one nearest to a visitor's use first: what was measured, and a note.
_MEASURED_ON = {
    "N": ("unseen songs", ""),
    "F": ("GTZAN tracks by unseen artists", " (same training setup)"),
    "M": ("clips by unseen artists", " (same training setup)"),
}

# A top class below this probability is shown as one of three.
SURE = 0.7

# Tracks that a figure needs for being told to visitors.
_ENOUGH = 10

# Valence and arousal nearer to 0 are called neutral.
_NEUTRAL = 0.15

# Below, two embeddings are more than 70 degrees apart; unrelated ones are 90 degrees apart.
_SIMILAR = 0.3


def repeated(prediction: inference.Prediction) -> str:
    """Why segments hold their music more than once; of a prediction with `repeated`."""
    length = f"{prediction.segment_seconds:g} s"
    if prediction.silent:
        return (
            f"No part of this track sounds for {length}, the length of the model's segments, "
            "without a pause, so each part was repeated to fill one."
        )
    return (
        f"The track is shorter than the model's {length} segments, so it was repeated to fill one."
    )


def headline(prediction: inference.Prediction) -> tuple[str, list[tuple[str, str]]]:
    """What a prediction leads with: a remark, and classes with their probabilities in percent.

    One class where the network is sure of it, else the top three. "None of …" is what an
    out-of-distribution score says; it does not warn of errors.
    """
    ranked = [(label, percent(p)) for label, p in prediction.ranked()[:3]]
    if prediction.ood is not None and prediction.ood.is_ood:
        kinds = f"{len(prediction.labels)} {prediction.task}s"
        return f"probably none of the {kinds}; closest:", ranked[:1]
    return ("", ranked[:1]) if prediction.overall.max() >= SURE else ("unsure, top 3:", ranked)


def reliability(
    prediction: inference.Prediction,
    measured: Mapping[str, results.Result],
    checkpoint: model.Checkpoint,
) -> str:
    """How often the network is right where it predicts this class, or where it is as unsure.

    Args:
        measured: results by protocol, the one nearest to a visitor's use first; those of other
            weights or classes are passed over.
        checkpoint: the network's, whose overall accuracy is given where nothing else is known.
    """
    (label, probability), *_ = prediction.ranked()
    for protocol, result in measured.items():
        known = result.get("weights", checkpoint.digest), tuple(result["labels"])
        if known != (checkpoint.digest, prediction.labels):
            continue
        where, note = _MEASURED_ON[protocol]
        if probability < SURE:
            bins = [point for point in results.reliability(result) if point["confidence"] < SURE]
            n = sum(point["tracks"] for point in bins)
            right = sum(point["right"] * point["tracks"] for point in bins)
            if n >= _ENOUGH:
                return (
                    f"Of {n:.0f} {where} on which no {prediction.task} reached {percent(SURE)}, "
                    f"{percent(right / n)} were predicted correctly{note}."
                )
            continue
        found = results.class_accuracy(result, label)
        if min(found.tracks, found.predictions) >= _ENOUGH:
            return (
                f"Of {found.predictions} {where} predicted as {display(label)}, "
                f"{percent(found.precision)} were correct{note}."
            )
    return accuracy(checkpoint)


def accuracy(checkpoint: model.Checkpoint | baseline.svm.SVM) -> str:
    """The measured top-1 accuracy; empty where there is none."""
    for protocol, (tracks, note) in _MEASURED_ON.items():
        figure = checkpoint.results.get(protocol, {}).get("track_accuracy")
        if figure is not None:
            return f"Top-1 accuracy on {tracks}: {percent(float(figure))}{note}."
    return ""


def describe(prediction: inference.Prediction, k: int | None = None) -> str:
    """Probabilities as "Genre: Rock 45%, Metal 20%, …"; with k, the top k classes and Other."""
    classes = prediction.ranked() if k is None else prediction.top(k)
    values = ", ".join(f"{display(label)} {percent(p)}" for label, p in classes)
    return f"{display(prediction.task)}: {values}"


def describe_spectrogram(mel: np.ndarray[Any, Any], front_end: audio.front_end.FrontEnd) -> str:
    """Length of a log-mel spectrogram [M, F] in dB, and where most of its energy lies."""
    energy = (10 ** (np.asarray(mel, dtype=np.float64) / 10)).mean(axis=1)
    cumulative = np.cumsum(energy) / energy.sum()
    hertz = audio.front_end.band_frequencies(front_end)
    low, middle, high = (
        hertz[int(np.searchsorted(cumulative, fraction))] for fraction in (0.05, 0.5, 0.95)
    )
    return (
        f"Mel spectrogram of {mel.shape[1] * front_end.hop_seconds:.0f} seconds, "
        f"{front_end.n_mels} bands up to {front_end.sample_rate / 2000:.0f} kHz. Nine tenths of "
        f"the energy lie between {low:,.0f} and {high:,.0f} Hz, half of it below {middle:,.0f} Hz."
    )


def timeline(sections: list[inference.Section], task: str, limit: int = 6) -> str:
    """The most likely class over time; the longest sections where there are more than `limit`."""
    if len(sections) == 1:
        return f"{display(task)}: {display(sections[0].label)} throughout."
    longest = sorted(sections, key=lambda section: section.start - section.end)[:limit]
    times = ", ".join(
        f"{display(section.label)} {clock(section.start)}–{clock(section.end)}"
        for section in sorted(longest, key=lambda section: section.start)
    )
    cut = f" ({len(sections) - 1} changes; longest sections shown)" if len(sections) > limit else ""
    return f"Most likely {task} over time: {times}{cut}."


def moment(timelines: Iterable[inference.Timeline], second: float, k: int = 3) -> str:
    """The top k classes of several timelines at a moment; "silence" where there are none."""
    tops = (sorted(t.at(second).items(), key=lambda item: -item[1])[:k] for t in timelines)
    lines = (", ".join(f"{display(label)} {percent(p)}" for label, p in top if p) for top in tops)
    return " · ".join(line or "silence" for line in lines)


def valence_arousal(over_time: inference.Timeline) -> str:
    """A track's path in the valence–arousal plane: its mean, beginning and end."""
    path = over_time.valence_arousal[over_time.audible]
    lengths = np.diff(over_time.edges)[over_time.audible]
    valence, arousal = np.average(path, axis=0, weights=lengths)
    start, end = _mood(*path[0]), _mood(*path[-1])
    course = f"Starts and ends {start}." if start == end else f"Starts {start}, ends {end}."
    values = f"valence {valence:+.2f}, arousal {arousal:+.2f}".replace("-", "−")
    return f"Overall {_mood(valence, arousal)} ({values}). {course}"


def _mood(valence: float, arousal: float) -> str:
    feeling, energy = (
        "neutral" if abs(value) < _NEUTRAL else high if value > 0 else low
        for value, low, high in ((valence, "negative", "positive"), (arousal, "low", "high"))
    )
    return f"{feeling} with {energy} energy"


def similarities(
    tracks: Sequence[inference.TrackSummary], matrix: inference.prediction.Array
) -> str:
    """The most similar other track of each; matrix: cosines [N, N]."""
    pairs = zip(tracks, inference.similarity.nearest(matrix), strict=True)
    return " ".join(nearest(track.name, tracks[i].name, value) for track, (i, value) in pairs)


def nearest(name: str, other: str, cosine: float) -> str:
    """One track's most similar other track, which may not be similar."""
    value = f"{cosine:.2f}".replace("-", "−")
    if cosine < _SIMILAR:
        return f"{name} has no close match; nearest: {other} ({value})."
    return f"{name} sounds most like {other} ({value})."
