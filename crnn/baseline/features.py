"""Waveform to the hand-made features of music research before networks: what an SVM hears (the paper's section IV-B).

    spectral centroid, bandwidth, rolloff (85 %), flux · zero crossings · RMS · chroma · 20 MFCCs

Each is measured by librosa in frames of 2048 samples, one every 512, and told as mean and variance over the frames, under
the names that the published GTZAN table (features_30_sec.csv) uses. Frames at both ends see the sound mirrored: that is
how the table was made (librosa's default before 0.9), and on the ten whole GTZAN clips that can be compared, and
jazz.00054, every column then agrees within 0.0005 %. With today's default, zeros, means near 0 (MFCC 14) differ by up to 6 %.
The table's harmony, perceptr and tempo are left out here. It has no flux; ours is Tzanetakis & Cook's (2002), see `_flux`.
"""

from typing import Any

import numpy as np

from crnn.audio.containers import Samples
from crnn.audio.decode import SILENCE_PEAK
from crnn.errors import AudioError

SAMPLE_RATE = 22_050  # Hz
FRAME, HOP = 2048, 512  # samples
MFCCS = 20
ROLLOFF = 0.85  # the share of the magnitude that lies below the rolloff frequency

# The published table's columns, and what each is measured in.
UNITS = {
    "chroma_stft": "share of the strongest pitch class",
    "rms": "full scale",
    "spectral_centroid": "Hz",
    "spectral_bandwidth": "Hz",
    "rolloff": "Hz",
    "zero_crossing_rate": "share of the samples",
    **{f"mfcc{number}": "dB" for number in range(1, MFCCS + 1)},
    "spectral_flux": "0 same spectrum, 2 nothing in common",
}
NAMES = tuple(f"{measure}_{statistic}" for measure in UNITS for statistic in ("mean", "var"))

Array = np.ndarray[Any, np.dtype[np.float64]]
Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

# Frames at once: 2 MB of STFT however long the track. What is kept of each frame is 40 times smaller.
_BLOCK_FRAMES = 256


def extract(samples: Samples) -> dict[str, float]:
    """Mean and variance over frames of every feature, by the names in NAMES.

    samples: mono [T] at 22 050 Hz in [-1, 1]. The variance has the unit of `UNITS`, squared.
    Raises AudioError for silence, ValueError for another shape or less than one frame (2048 samples).
    """
    if samples.ndim != 1 or len(samples) < FRAME:
        raise ValueError(
            f"samples have shape {samples.shape}; one axis [T] of at least {FRAME} is needed"
        )
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise AudioError(
            "The audio is silent (below −80 dBFS). Choose a passage where something sounds."
        )
    values = {}
    for name, series in _measure(samples).items():
        values[f"{name}_mean"] = float(series.mean(dtype=np.float64))
        values[f"{name}_var"] = float(series.var(dtype=np.float64))
    return {name: values[name] for name in NAMES}


def _measure(samples: Samples) -> dict[str, Floats]:
    """Every feature frame by frame: [F], chroma [12, F], F = T // 512 + 1; flux from the second frame on, [F − 1]."""
    import librosa  # here, not above: it takes seconds, and the app's first page does not need it

    n_frames = len(samples) // HOP + 1
    blocks = [
        (first, min(first + _BLOCK_FRAMES, n_frames)) for first in range(0, n_frames, _BLOCK_FRAMES)
    ]
    bank = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FRAME)
    found: dict[str, list[Floats]] = {}
    mel, pitches, strengths = [], [], []
    before = None  # the spectrum of the frame before the block
    for first, last in blocks:
        # Zero crossings are counted in a sound whose ends are held, not mirrored: librosa's default then and now.
        held = _stretch(samples, first, last, mirrored=False)
        sound = _stretch(samples, first, last)
        magnitude = np.abs(librosa.stft(sound, n_fft=FRAME, hop_length=HOP, center=False))
        centroid = librosa.feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE)
        here = {
            "rms": librosa.feature.rms(y=sound, frame_length=FRAME, hop_length=HOP, center=False)[
                0
            ],
            "spectral_centroid": centroid[0],
            "spectral_bandwidth": librosa.feature.spectral_bandwidth(
                S=magnitude, sr=SAMPLE_RATE, centroid=centroid
            )[0],
            "rolloff": librosa.feature.spectral_rolloff(
                S=magnitude, sr=SAMPLE_RATE, roll_percent=ROLLOFF
            )[0],
            "zero_crossing_rate": librosa.feature.zero_crossing_rate(
                held, frame_length=FRAME, hop_length=HOP, center=False
            )[0],
            "spectral_flux": _flux(magnitude, before),
        }
        for name, series in here.items():
            found.setdefault(name, []).append(series)
        before = magnitude[:, -1:].copy()
        power = magnitude**2
        mel.append(bank @ power)
        pitch, strength = librosa.piptrack(S=power, sr=SAMPLE_RATE, n_fft=FRAME)
        pitches.append(pitch[pitch > 0])
        strengths.append(strength[pitch > 0])
    measured = {name: np.concatenate(parts) for name, parts in found.items()}
    # Decibels are limited to 80 below the track's loudest band, so only the whole track can be turned into them.
    cepstrum = librosa.feature.mfcc(
        S=librosa.power_to_db(np.concatenate(mel, axis=1)), n_mfcc=MFCCS
    )
    measured |= {f"mfcc{number + 1}": cepstrum[number] for number in range(MFCCS)}
    measured["chroma_stft"] = _chroma(
        samples, blocks, _tuning(np.concatenate(pitches), np.concatenate(strengths))
    )
    return measured


def _stretch(samples: Samples, first: int, last: int, mirrored: bool = True) -> Samples:
    """What frames first … last − 1 see, [(last − first − 1) · 512 + 2048]; beyond the ends mirrored, or the end held."""
    place = np.arange(first * HOP - FRAME // 2, (last - 1) * HOP + FRAME // 2)
    end = len(samples) - 1
    place = end - np.abs(end - np.abs(place)) if mirrored else place.clip(0, end)
    return np.asarray(samples[place])


def _flux(magnitude: Floats, before: Floats | None) -> Floats:
    """Spectral flux (Tzanetakis & Cook 2002): squared distance of each frame's spectrum, scaled to unit energy, from the
    frame's before it. 0: the same spectrum at whatever level; 2: nothing in common; 1: between sound and digital silence.

    Shape: magnitude [1025, F], the spectrum before it [1025, 1] -> [F], or [F − 1] where there is none before.
    """
    spectra = magnitude if before is None else np.concatenate([before, magnitude], axis=1)
    size = np.sqrt((spectra**2).sum(axis=0, dtype=np.float64))
    scaled = spectra / np.where(size > 0, size, 1.0)
    return np.asarray((np.diff(scaled, axis=1) ** 2).sum(axis=0))


def _tuning(pitches: Floats, strengths: Floats) -> float:
    """How far the track is tuned from A = 440 Hz, in semitones, by the stronger half of its spectral peaks (Hz, power)."""
    import librosa

    if not len(pitches):
        return 0.0
    return float(librosa.pitch_tuning(pitches[strengths >= np.median(strengths)]))


def _chroma(samples: Samples, blocks: list[tuple[int, int]], tuning: float) -> Floats:
    """Power by pitch class, [12, F], the strongest of each frame 1. A second round of STFTs: the tuning is known only
    after the first, and keeping its spectra would take 100 MB for ten minutes."""
    import librosa

    parts = []
    for first, last in blocks:
        spectra = librosa.stft(
            _stretch(samples, first, last), n_fft=FRAME, hop_length=HOP, center=False
        )
        power = np.abs(spectra) ** 2
        parts.append(
            librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE, n_fft=FRAME, tuning=tuning)
        )
    return np.concatenate(parts, axis=1)
