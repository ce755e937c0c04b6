"""Hand-crafted features (librosa) for the SVM baseline (the paper's section IV-B).

    spectral centroid, bandwidth, rolloff (85 %), flux · zero crossings · RMS · chroma · 20 MFCCs

Each is measured in frames of 2048 samples, one every 512, and summed up as mean and variance over
the frames, under the names of the published GTZAN table (features_30_sec.csv). Frames at both ends
are padded by reflection, as the table was made (librosa's default before 0.9): every column of the
eleven GTZAN clips that can be compared then agrees within 0.0005 %; with today's default, zeros,
means near 0 (MFCC 14) differ by up to 6 %. The table's harmony, perceptr and tempo are left out; it
has no flux, ours is Tzanetakis & Cook's (2002), see `_flux`.
"""

from functools import cache
from typing import Any

import numpy as np

from crnn.audio.containers import Samples
from crnn.audio.decode import SILENCE_PEAK
from crnn.audio.silence import remove_silence
from crnn.baseline.librosa_cache import librosa
from crnn.errors import AudioError

SAMPLE_RATE = 22_050  # Hz
FRAME, HOP = 2048, 512  # samples
MFCCS = 20
ROLLOFF = 0.85  # fraction of the magnitude that lies below the rolloff frequency

# The published table's columns: chroma as a fraction of the strongest pitch class, RMS of full
# scale, Hz, zero crossings as a fraction of the samples, MFCCs in dB; flux from 0 to 2.
_HERTZ = ("spectral_centroid", "spectral_bandwidth", "rolloff")
_MFCCS = tuple(f"mfcc{number}" for number in range(1, MFCCS + 1))
_SERIES = ("chroma_stft", "rms", *_HERTZ, "zero_crossing_rate", *_MFCCS, "spectral_flux")
NAMES = tuple(f"{measure}_{statistic}" for measure in _SERIES for statistic in ("mean", "var"))

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

# Frames at once: 2 MB of STFT however long the track.
_BLOCK_FRAMES = 256


@cache
def prepare() -> None:
    """Compile what librosa needs, as the first `extract` does: half a minute, once on a machine."""
    extract(np.random.default_rng(0).random(FRAME, np.float32))


def extract(samples: Samples) -> dict[str, float]:
    """Mean and variance over frames of every feature, by the names in NAMES; silence left out.

    Args:
        samples: mono [T] at 22 050 Hz in [-1, 1].

    Raises:
        AudioError: for silence.
        ValueError: for another shape or less than one frame (2048 samples).
    """
    if samples.ndim != 1 or len(samples) < FRAME:
        raise ValueError(
            f"samples have shape {samples.shape}; one axis [T] of at least {FRAME} is needed"
        )
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise AudioError(
            "The audio is silent (below −80 dBFS). Choose a passage where something sounds."
        )
    audible = remove_silence(samples, SAMPLE_RATE)
    samples = audible if len(audible) >= FRAME else samples
    values = {}
    for name, series in _measure(samples).items():
        values[f"{name}_mean"] = float(series.mean(dtype=np.float64))
        values[f"{name}_var"] = float(series.var(dtype=np.float64))
    return {name: values[name] for name in NAMES}


def _measure(samples: Samples) -> dict[str, Floats]:
    """Every feature by frame: [F], chroma [12, F], F = T // 512 + 1; flux from the second on."""
    n_frames = len(samples) // HOP + 1
    blocks = [
        (first, min(first + _BLOCK_FRAMES, n_frames)) for first in range(0, n_frames, _BLOCK_FRAMES)
    ]
    feature = librosa.feature
    framing: dict[str, Any] = {"frame_length": FRAME, "hop_length": HOP, "center": False}
    bank = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FRAME)
    series: dict[str, list[Floats]] = {}
    mel, pitches, strengths = [], [], []
    before = None  # the spectrum of the frame before the block
    for first, last in blocks:
        # Zero crossings: of a sound whose ends are held, librosa's default then and now.
        held = _excerpt(samples, first, last, mode="edge")
        sound = _excerpt(samples, first, last)
        magnitude = np.abs(librosa.stft(sound, n_fft=FRAME, hop_length=HOP, center=False))
        spectrum: dict[str, Any] = {"S": magnitude, "sr": SAMPLE_RATE}
        centroid = feature.spectral_centroid(**spectrum)
        block = {
            "rms": feature.rms(y=sound, **framing)[0],
            "spectral_centroid": centroid[0],
            "spectral_bandwidth": feature.spectral_bandwidth(**spectrum, centroid=centroid)[0],
            "rolloff": feature.spectral_rolloff(**spectrum, roll_percent=ROLLOFF)[0],
            "zero_crossing_rate": feature.zero_crossing_rate(held, **framing)[0],
            "spectral_flux": _flux(magnitude, before),
        }
        for name, values in block.items():
            series.setdefault(name, []).append(values)
        before = magnitude[:, -1:].copy()
        power = magnitude**2
        mel.append(bank @ power)
        pitch, strength = librosa.piptrack(S=power, sr=SAMPLE_RATE, n_fft=FRAME)
        pitches.append(pitch[pitch > 0])
        strengths.append(strength[pitch > 0])
    joined = {name: np.concatenate(parts) for name, parts in series.items()}
    # Decibels are limited to 80 below the loudest band of the whole track.
    decibels = librosa.power_to_db(np.concatenate(mel, axis=1))
    cepstrum = feature.mfcc(S=decibels, n_mfcc=MFCCS)
    joined |= dict(zip(_MFCCS, cepstrum, strict=True))
    tuning = _tuning(np.concatenate(pitches), np.concatenate(strengths))
    return joined | {"chroma_stft": _chroma(samples, blocks, tuning)}


def _excerpt(samples: Samples, first: int, last: int, mode: str = "reflect") -> Samples:
    """Samples under the frames first … last − 1, padded beyond the track's ends."""
    index = np.arange(first * HOP - FRAME // 2, (last - 1) * HOP + FRAME // 2)
    end = len(samples) - 1
    index = end - np.abs(end - np.abs(index)) if mode == "reflect" else index.clip(0, end)
    return np.asarray(samples[index])


def _flux(magnitude: Floats, before: Floats | None) -> Floats:
    """Spectral flux (Tzanetakis & Cook 2002): squared distance of each frame's spectrum, scaled to
    unit energy, from the frame's before it. 0: the same spectrum at whatever level; 2: nothing in
    common; 1: between sound and digital silence.

    Shape: magnitude [1025, F], the spectrum before it [1025, 1] -> [F], or [F − 1] where there is
    none before.
    """
    spectra = magnitude if before is None else np.concatenate([before, magnitude], axis=1)
    norm = np.sqrt((spectra**2).sum(axis=0, dtype=np.float64))
    scaled = spectra / np.where(norm > 0, norm, 1.0)
    return np.asarray((np.diff(scaled, axis=1) ** 2).sum(axis=0))


def _tuning(pitches: Floats, strengths: Floats) -> float:
    """Semitones from A = 440 Hz, by the stronger half of the spectral peaks (Hz, power)."""
    if not len(pitches):
        return 0.0
    return float(librosa.pitch_tuning(pitches[strengths >= np.median(strengths)]))


def _chroma(samples: Samples, blocks: list[tuple[int, int]], tuning: float) -> Floats:
    """Power by pitch class, [12, F], the strongest of each frame 1.

    A second round of STFTs: the tuning is known only after the first, whose spectra are too large
    to keep (100 MB for ten minutes).
    """
    chroma = []
    for first, last in blocks:
        sound = _excerpt(samples, first, last)
        power = np.abs(librosa.stft(sound, n_fft=FRAME, hop_length=HOP, center=False)) ** 2
        chroma.append(
            librosa.feature.chroma_stft(S=power, sr=SAMPLE_RATE, n_fft=FRAME, tuning=tuning)
        )
    return np.concatenate(chroma, axis=1)
