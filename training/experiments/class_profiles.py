"""What a genre and a mood look like on average (the paper's Figs 1 and 2): spectrum and temporal modulation of each class.

Spectrum of a track: the mean power of each mel band over time, in dB, less the mean over the bands; so loudness drops out and
the shape stays. Modulation spectrum of a track: the power density of each band's level in dB over modulation frequency (how often
a second the level rises and falls), by Welch's method (1967, IEEE Trans. AU-15): stretches of 64 frames, half overlapping, Hann.
The transform of band envelopes over time is what Greenberg & Kingsbury (1997, ICASSP) call the modulation spectrogram; Lee et al.
(2009, IEEE TMM 11(4)) tell genres apart by it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import welch

from crnn.audio.front_end import FrontEnd, band_frequencies
from training.data.collection import Collection, DataError, load

Array = np.ndarray[Any, np.dtype[np.float64]]

WINDOW = 64  # frames: 5 s on the 77.5 ms grid, steps of 0.2 Hz
GROUP = 8  # neighbouring bands are averaged in the map of modulation over frequency
# dB² per Hz. Below that a band does not fluctuate (it lies on the floor all the time), and its logarithm has no meaning.
_STILL = 1e-2


@dataclass(frozen=True)
class Profile:
    """One track's statistics.

    spectrum [M]: dB against the mean of the bands; modulation [K] and map [M / 8, K]: log10 of dB² per Hz, mean of all bands and of
    groups of eight; swing: standard deviation over time of a band's level in dB, mean of the bands.
    """

    spectrum: Array
    modulation: Array
    map: Array
    swing: float


def modulation_frequencies(front_end: FrontEnd) -> Array:
    """Modulation frequencies in Hz, [K]: from one a window up to half the frame rate."""
    return np.asarray(np.fft.rfftfreq(WINDOW, front_end.hop_seconds)[1:])


def track_profile(mel: Array, front_end: FrontEnd) -> Profile:
    """Statistics of one track's log-mel spectrogram [M, F] in dB, F ≥ 64. ValueError for less."""
    if mel.ndim != 2 or mel.shape[1] < WINDOW:
        raise ValueError(
            f"mel has shape {mel.shape}; [M, F] with at least {WINDOW} frames is needed"
        )
    levels = 10 * np.log10((10 ** (mel / 10)).mean(axis=1))
    _, density = welch(
        mel, fs=1 / front_end.hop_seconds, window="hann", nperseg=WINDOW, detrend="constant", axis=1
    )
    density = density[:, 1:]  # at 0 Hz nothing fluctuates
    grouped = density.reshape(-1, GROUP, density.shape[1]).mean(axis=1)
    return Profile(
        levels - levels.mean(),
        np.log10(density.mean(axis=0).clip(min=_STILL)),
        np.log10(grouped.clip(min=_STILL)),
        float(mel.std(axis=1).mean()),
    )


def class_profiles(collection: Collection, once_a_recording: bool) -> dict[str, Any]:
    """Mean and standard deviation (n − 1) over the tracks of each class; of copies only the first counts where asked."""
    tracks = np.arange(len(collection.names))
    if once_a_recording:
        tracks = np.unique(np.array(collection.groups), return_index=True)[1]
    found: dict[str, Any] = {}
    for k, label in enumerate(collection.labels):
        own = [
            int(t)
            for t in tracks
            if collection.targets[t] == k and collection.features.count(int(t)) >= WINDOW
        ]
        if len(own) < 2:
            continue  # one track is no class
        drawn = [
            track_profile(collection.features.mel(t).double().numpy(), collection.front_end)
            for t in own
        ]
        found[label] = {
            "tracks": len(own),
            "spectrum": _spread(np.array([p.spectrum for p in drawn]), 1),
            "modulation": _spread(np.array([p.modulation for p in drawn]), 3),
            "map": np.array([p.map for p in drawn]).mean(axis=0).round(2).tolist(),
            "swing": _spread(np.array([p.swing for p in drawn]), 2),
        }
    return found


def _spread(values: Array, digits: int) -> dict[str, Any]:
    return {
        "mean": values.mean(axis=0).round(digits).tolist(),
        "sd": values.std(axis=0, ddof=1).round(digits).tolist(),
    }


def table(data: Path, cache: Path) -> dict[str, Any]:
    """Portraits of every genre and mood whose collection is in the data folder, as assets/results/portraits.json holds them."""
    found: dict[str, Any] = {}
    front_end, missing = None, []
    for task in ("genre", "mood"):
        try:
            collection = load(task, data, cache)
        except DataError as error:
            missing.append(error)
            continue
        front_end = collection.front_end
        found[task] = class_profiles(collection, once_a_recording=task == "genre")
    if front_end is None:
        raise missing[0]
    hop, top = 1000 * front_end.hop_seconds, 0.5 / front_end.hop_seconds
    return {
        "table": "portraits",
        "context": (
            f"Mean and standard deviation over tracks: {front_end.n_mels} {front_end.mel_scale} mel bands, one frame every "
            f"{hop:.1f} ms. Genres: GTZAN, copies of a recording counted once. Moods: moods4q, the clips with one of the five. "
            f"Fluctuations faster than {top:.2f} Hz lie between the frames: what is left of them folds back below it."
        ),
        "front_end": front_end.to_dict(),
        "hertz": band_frequencies(front_end).round(1).tolist(),
        "modulation_hertz": modulation_frequencies(front_end).round(3).tolist(),
        "group": GROUP,
        "classes": found,
    }
