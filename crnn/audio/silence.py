"""Silence in a track: stretches below the threshold, which hold nothing to classify.

A stretch is silent where all its samples are below −80 dBFS and 60 dB below the track's peak (so
that a recording at a low level is not silence), for a second or more: shorter ones are pauses.
"""

from typing import Any

import numpy as np
from torch import Tensor

from crnn.audio.containers import Samples
from crnn.audio.decode import SILENCE_PEAK
from crnn.audio.front_end import FrontEnd

SECONDS = 1.0
_BELOW_PEAK = 1e-3
_BLOCK_SECONDS = 0.01
_TOLERANCE_DB = 0.1  # spectrograms are stored with three digits

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First index of each run of true values, and the index after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def stretches(samples: Samples, sample_rate: int) -> list[tuple[int, int]]:
    """Silent stretches of a waveform [T]: first sample, and the sample after the last."""
    size = max(1, round(_BLOCK_SECONDS * sample_rate))
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    peaks = np.maximum(blocks.max(axis=1, initial=0), -blocks.min(axis=1, initial=0))
    threshold = min(SILENCE_PEAK, _BELOW_PEAK * peaks.max(initial=0))
    silent = []
    for first, end in runs(peaks < threshold):
        if (end - first) * size >= SECONDS * sample_rate:
            loud = np.abs(samples[end * size : (end + 1) * size]) >= threshold
            sounds = end * size + int(loud.argmax()) if loud.any() else len(samples)
            silent.append((first * size, sounds))
    return silent


def aligned(samples: Samples, front_end: FrontEnd) -> Samples:
    """The waveform [T] with zeros in its silent stretches, and what follows each on a frame.

    It moves to the last frame before it (by 78 ms at most with the bundled networks), so that
    silence before a song does not change its spectrogram: with frames half a hop later, the bundled
    networks' probabilities move by 4 % (total variation).
    """
    silent, hop = stretches(samples, front_end.sample_rate), front_end.hop_length
    if not silent:
        return samples
    moved, begin, free = np.zeros_like(samples), 0, 0
    for first, end in [*silent, (len(samples), len(samples))]:
        place = max(begin - begin % hop, free)
        free = place + first - begin
        moved[place:free] = samples[begin:first]
        begin = end
    return moved


def without(samples: Samples, sample_rate: int) -> Samples:
    """The parts of a waveform [T] that are not silent, joined."""
    mask = np.ones(len(samples), dtype=bool)
    for first, end in stretches(samples, sample_rate):
        mask[first:end] = False
    return samples[mask]


def audible(mel: Tensor, front_end: FrontEnd) -> Mask:
    """Which frames of a track's log-mel spectrogram [M, F] belong to no silent stretch, [F].

    In a silent frame every band has the lowest value of the track (`log_mel` puts zeros in place of
    silent stretches); frames that overlap a little sound beside it count as silent, too. Where
    nothing else is left, all frames are audible.

    The second that silence must last is counted in frames whose whole window is silent: a stretch
    that is longer by less than a window and a hop may stay audible.
    """
    half, hop = front_end.n_fft // 2, front_end.hop_length
    before, after = -(-half // hop), (half - 1) // hop
    silent = (mel.amax(dim=0) <= mel.min() + _TOLERANCE_DB).numpy()
    mask = np.ones(len(silent), dtype=bool)
    for first, end in runs(silent):
        if end - first >= front_end.frames(SECONDS):
            mask[max(0, first - before) : end + after] = False
    return mask if mask.any() else ~mask
