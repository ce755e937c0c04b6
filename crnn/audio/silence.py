"""Silence in a track: intervals that hold nothing to classify.

An interval is silent where, for a second or more, every sample is below −80 dBFS and more than
60 dB below the track's peak. The second condition keeps quiet recordings; shorter intervals are
pauses in the music.
"""

from typing import Any

import numpy as np
from torch import Tensor

from crnn.audio.containers import Samples
from crnn.audio.decode import SILENCE_PEAK
from crnn.audio.front_end import FrontEnd

MIN_SILENCE_SECONDS = 1.0
_BELOW_PEAK = 1e-3  # −60 dB
# An interval begins at the first block of this length that is silent, so up to 0.01 s late; its end
# is found to the sample.
_BLOCK_SECONDS = 0.01
_TOLERANCE_DB = 0.1  # stored spectrograms are rounded to three significant digits (float16)

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First index of each run of true values, and the index after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def silent_intervals(samples: Samples, sample_rate: int) -> list[tuple[int, int]]:
    """Silent intervals of a waveform [T]: first sample, and the sample after the last."""
    size = max(1, round(_BLOCK_SECONDS * sample_rate))
    blocks = samples[: len(samples) // size * size].reshape(-1, size)
    peaks = np.maximum(blocks.max(axis=1, initial=0), -blocks.min(axis=1, initial=0))
    threshold = min(SILENCE_PEAK, _BELOW_PEAK * peaks.max(initial=0))
    silent = []
    for first, end in runs(peaks < threshold):
        if (end - first) * size >= MIN_SILENCE_SECONDS * sample_rate:
            loud = np.abs(samples[end * size : (end + 1) * size]) >= threshold
            sounds = end * size + int(loud.argmax()) if loud.any() else len(samples)
            silent.append((first * size, sounds))
    return silent


def zero_silence_and_align(samples: Samples, front_end: FrontEnd) -> Samples:
    """The waveform [T] with silence zeroed, and the sound after it moved onto the frame grid.

    Sound that follows a silent interval moves back to the nearest earlier multiple of the hop (by
    less than one hop, which is 78 ms with the bundled genre network), so that silence before a song
    does not change its spectrogram: frames half a hop later change the bundled networks'
    probabilities by 4 % (total variation distance).
    """
    silent, hop = silent_intervals(samples, front_end.sample_rate), front_end.hop_length
    if not silent:
        return samples
    result = np.zeros_like(samples)
    begin = written = 0  # of the sound in the waveform; end of what the result holds
    for first, end in [*silent, (len(samples), len(samples))]:
        place = max(begin - begin % hop, written)
        written = place + first - begin
        result[place:written] = samples[begin:first]
        begin = end
    return result


def remove_silence(samples: Samples, sample_rate: int) -> Samples:
    """The parts of a waveform [T] that are not silent, joined."""
    mask = np.ones(len(samples), dtype=bool)
    for first, end in silent_intervals(samples, sample_rate):
        mask[first:end] = False
    return samples[mask]


def audible_mask(mel: Tensor, front_end: FrontEnd) -> Mask:
    """Mask of the frames of a track's log-mel spectrogram [M, F] that are not silent, [F].

    In a silent frame every band has the lowest value of the track (`log_mel` puts zeros in place of
    silence). Frames centred in silence whose window still reaches sound count as silent, too. Where
    no frame is left, all count as audible.

    Silence is timed by the frames whose whole window is silent. Silence of a second may therefore
    count as audible; a second plus a window and a hop never does.
    """
    half, hop = front_end.n_fft // 2, front_end.hop_length
    # Frames beside such a run that are centred in silence but reach sound: before it, as many as
    # there can be (sound ends anywhere); after it, exactly as many as there are (sound begins on a
    # frame, see `zero_silence_and_align`).
    before, after = -(-half // hop), (half - 1) // hop
    silent = (mel.amax(dim=0) <= mel.min() + _TOLERANCE_DB).numpy()
    mask = np.ones(len(silent), dtype=bool)
    for first, end in runs(silent):
        if end - first >= front_end.frames(MIN_SILENCE_SECONDS):
            mask[max(0, first - before) : end + after] = False
    return mask if mask.any() else ~mask
