"""Class profiles: average spectrum and temporal modulation of each genre and mood.

Spectrum of a track: mean power of each mel band over time, in dB, minus the mean over the bands, so
that loudness drops out. Modulation spectrum of a track: power density of each band's level in dB
over modulation frequency (how often a second the level rises and falls), by Welch's method (1967,
IEEE Trans. AU-15). Transforms of band envelopes over time are the modulation spectrogram of
Greenberg & Kingsbury (1997, ICASSP); Lee et al. (2009, IEEE TMM 11(4)) classify genres by them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import welch

from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd, band_frequencies
from training.data.collection import Collection, DataError, load

Array = np.ndarray[Any, np.dtype[np.float64]]

WINDOW = 64  # frames: 5 s at a hop of 77.5 ms, steps of 0.2 Hz
GROUP = 8  # neighbouring bands, averaged in the map of modulation over frequency
# dB² per Hz. Bands that lie at the spectrogram's lowest value all the time have a density of 0, and
# its logarithm would dominate the mean over tracks.
_FLOOR = 1e-2


@dataclass(frozen=True)
class Profile:
    """Statistics of one track.

    Attributes:
        spectrum: dB relative to the mean of the bands, [M].
        modulation: log10 of the bands' mean density, in dB² per Hz, by modulation frequency, [Q].
        map: the same of each group of eight bands, [M / 8, Q].
        swing: level variation: standard deviation over time of a band's level in dB, mean over the
            bands.
    """

    spectrum: Array
    modulation: Array
    map: Array
    swing: float


def modulation_frequencies(front_end: FrontEnd) -> Array:
    """Modulation frequencies in Hz, [Q]: from one per window up to half the frame rate."""
    return np.asarray(np.fft.rfftfreq(WINDOW, front_end.hop_seconds)[1:])


def track_profile(mel: Array, front_end: FrontEnd) -> Profile:
    """The profile of a log-mel spectrogram [M, F] in dB; ValueError for F < 64.

    M has to be a multiple of GROUP.
    """
    if mel.ndim != 2 or mel.shape[1] < WINDOW:
        raise ValueError(
            f"mel has shape {mel.shape}; [M, F] with at least {WINDOW} frames is needed"
        )
    levels = 10 * np.log10((10 ** (mel / 10)).mean(axis=1))
    _, density = welch(
        mel, fs=1 / front_end.hop_seconds, window="hann", nperseg=WINDOW, detrend="constant", axis=1
    )
    density = density[:, 1:]  # without 0 Hz
    grouped = density.reshape(-1, GROUP, density.shape[1]).mean(axis=1)
    return Profile(
        levels - levels.mean(),
        np.log10(density.mean(axis=0).clip(min=_FLOOR)),
        np.log10(grouped.clip(min=_FLOOR)),
        float(mel.std(axis=1).mean()),
    )


def class_profiles(collection: Collection, without_duplicates: bool) -> dict[str, Any]:
    """Mean and standard deviation over each class's tracks; classes with one track are left out."""
    tracks = np.arange(len(collection.names))
    if without_duplicates:
        tracks = np.unique(np.array(collection.groups), return_index=True)[1]
    classes: dict[str, Any] = {}
    for k, label in enumerate(collection.labels):
        own = [int(track) for track in tracks if collection.targets[track] == k]
        profiles = [
            track_profile(collection.features.mel(track).double().numpy(), collection.front_end)
            for track in own
            if collection.features.count(track) >= WINDOW
        ]
        if len(profiles) > 1:
            classes[label] = {
                "tracks": len(profiles),
                "spectrum": _mean_sd([profile.spectrum for profile in profiles], 1),
                "modulation": _mean_sd([profile.modulation for profile in profiles], 3),
                "map": np.mean([profile.map for profile in profiles], axis=0).round(2).tolist(),
                "swing": _mean_sd([profile.swing for profile in profiles], 2),
            }
    return classes


def _mean_sd(values: Any, digits: int) -> dict[str, Any]:
    return {
        "mean": np.mean(values, axis=0).round(digits).tolist(),
        "sd": np.std(values, axis=0, ddof=1).round(digits).tolist(),
    }


def table(data: Path, cache: Path, front_end: FrontEnd = GTZAN_FRONT_END) -> dict[str, Any]:
    """Profiles of every genre and mood whose collection is in the data folder (portraits.json)."""
    classes: dict[str, Any] = {}
    missing: list[DataError] = []
    for task in ("genre", "mood"):
        try:
            collection = load(task, data, cache, front_end)
        except DataError as error:
            missing.append(error)
        else:
            classes[task] = class_profiles(collection, without_duplicates=task == "genre")
    if not classes:
        raise missing[0]
    hop = front_end.hop_seconds
    return {
        "table": "portraits",
        "context": (
            f"Mean and standard deviation over tracks: {front_end.n_mels} {front_end.mel_scale} "
            f"mel bands, one frame every {1000 * hop:.1f} ms. Genres: GTZAN, duplicates counted "
            "once. Moods: the moods4q clips with one of the five moods. Modulation above "
            f"{0.5 / hop:.2f} Hz lies between the frames and is aliased below it."
        ),
        "front_end": front_end.to_dict(),
        "hertz": band_frequencies(front_end).round(1).tolist(),
        "modulation_hertz": modulation_frequencies(front_end).round(3).tolist(),
        "group": GROUP,
        "classes": classes,
    }
