"""Predictions in sentences: for listeners, for screen readers, for anyone who does not read charts."""

from typing import Any

import numpy as np

from crnn.audio.front_end import FrontEnd, band_frequencies
from crnn.baseline.svm import SVM
from crnn.format import percent
from crnn.inference.prediction import Prediction
from crnn.model.checkpoint import Checkpoint


def certainty(prediction: Prediction) -> str:
    """One short sentence (a line on a wide page) on how sure the network is of the whole track, from calibrated odds."""
    (first, p), (second, q), *_ = prediction.ranked()
    what = prediction.task
    if p >= 0.75:
        return f"Quite sure of the {what}: {first} ({percent(p)})."
    if p - q < 0.1 and p + q >= 0.5:
        return f"Torn between {first} ({percent(p)}) and {second} ({percent(q)})."
    if p >= 0.5:
        return f"Mostly {first} ({percent(p)}), with some {second} ({percent(q)})."
    if p >= 0.3:
        return f"Leaning towards {first} ({percent(p)}), then {second} ({percent(q)}), but far from sure."
    return f"Unsure: no {what} stands out. The likeliest is {first}, with only {percent(p)}."


def ood_warning(prediction: Prediction) -> str:
    """A warning where a track does not sound like what the network learned from, with the score beside its threshold; else
    empty."""
    found = prediction.ood
    if found is None or not found.is_ood:
        return ""
    return (
        f"This does not sound like the music this network learned from; take the {prediction.task} with a grain of salt. Its "
        f"sound lies {found.score:.2f} times as far from that music's average as that music itself usually does; above "
        f"{found.threshold:.2f} the network doubts."
    )


def accuracy(checkpoint: Checkpoint | SVM) -> str:
    """How often the network's first answer was right where it was measured; empty where nothing was."""
    sentences = {
        "N": "songs of a collection it never heard",
        "F": "GTZAN tracks by artists it never heard (same recipe)",
        "M": "clips by artists it never heard (same recipe)",
    }
    for protocol, words in sentences.items():
        figure = checkpoint.results.get(protocol, {}).get("track_accuracy")
        if figure is not None:
            return (
                f"Measured: on {words}, its first answer was right {100 * figure:.0f} times in 100."
            )
    return ""


def describe(prediction: Prediction, k: int | None = None) -> str:
    """A distribution as text: "genre: rock 45 %, metal 20 %, …"; with k, the k likeliest and Other."""
    parts = prediction.ranked() if k is None else prediction.top(k)
    return f"{prediction.task}: " + ", ".join(f"{label} {percent(p)}" for label, p in parts)


def describe_spectrogram(mel: "np.ndarray[Any, Any]", front_end: FrontEnd) -> str:
    """What a log-mel picture [M, F] shows, for those who don't see it: how long, where most of the sound lies."""
    energy = (10 ** (np.asarray(mel, dtype=np.float64) / 10)).mean(axis=1)
    reached = np.cumsum(energy) / energy.sum()
    hertz = band_frequencies(front_end)
    low, middle, high = (hertz[int(np.searchsorted(reached, share))] for share in (0.05, 0.5, 0.95))
    return (
        f"Mel spectrogram of {mel.shape[1] * front_end.hop_seconds:.0f} seconds, {front_end.n_mels} bands up to "
        f"{front_end.sample_rate / 2000:.0f} kHz. Nine tenths of the energy lie between {low:,.0f} and {high:,.0f} Hz, "
        f"half of it below {middle:,.0f} Hz."
    )
