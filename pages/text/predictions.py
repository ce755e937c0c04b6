"""Predictions in sentences: for listeners, and for screen readers instead of the figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from crnn import audio, baseline, inference, model
from crnn.format import clock, percent
from crnn.labels import display

# Protocols, the one nearest to a visitor's use first: what was measured, and a note.
_MEASURED_ON = {
    "N": ("unseen songs", ""),
    "F": ("GTZAN tracks by unseen artists", " (same training setup)"),
    "M": ("clips by unseen artists", " (same training setup)"),
}

# Valence and arousal nearer to 0 are called neutral.
_NEUTRAL = 0.15

# Below, two embeddings are more than 70 degrees apart; unrelated ones are 90 degrees apart.
_SIMILAR = 0.3


def certainty(prediction: inference.Prediction) -> str:
    """The most likely class or two, in words that say how certain the network is."""
    (first, p), (second, q), *_ = prediction.ranked()
    a, b = f"{display(first)} ({percent(p)})", f"{display(second)} ({percent(q)})"
    if p >= 0.75:
        return f"**{display(first)}**, {percent(p)}"
    if p - q < 0.1 and p + q >= 0.5:
        return f"Either {a} or {b}"
    if p >= 0.5:
        return f"Mostly {a}, with some {b}"
    if p >= 0.3:
        return f"Probably {a}, maybe {b}"
    return f"No clear {prediction.task}; closest is {a}"


def ood_warning(prediction: inference.Prediction) -> str:
    """A warning where a track is out of distribution, with score and threshold; else empty."""
    ood = prediction.ood
    if ood is None or not ood.is_ood:
        return ""
    return (
        f"**Unusual sound**: this track is unlike the training music, so the {prediction.task} "
        f"may be wrong (out-of-distribution score {ood.score:.2f}, threshold {ood.threshold:.2f})."
    )


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
    path = inference.valence_arousal.path(over_time)[over_time.audible]
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
