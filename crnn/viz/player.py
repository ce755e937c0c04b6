"""What the player draws, as small integers: a spectrogram's image and a waveform's peaks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb
from torch import Tensor

from crnn.viz.mel import averaged
from crnn.viz.theme import DIVERGING, MAGMA

PEAKS_PER_SECOND = 50
_MAX_COLUMNS = 8192  # what every browser accepts as the width of an image


def image(
    mel: NDArray[Any] | Tensor, limits: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint8], int]:
    """A log-mel spectrogram as levels of a palette, quietest 0, loudest 255.

    Args:
        mel: [M, F] in dB.
        limits: values in dB of levels 0 and 255; default: the lowest and the highest of mel.

    Returns:
        Levels [M, C], highest band first, and the number of frames in each column.
    """
    mel = np.asarray(mel)
    step = -(-mel.shape[1] // _MAX_COLUMNS)
    values = averaged(mel, step)[::-1]
    low, high = limits or (float(values.min()), float(values.max()))
    levels = np.clip((values - low) / max(high - low, 1e-6), 0, 1)
    return np.round(255 * levels).astype(np.uint8), step


def palette(diverging: bool = False) -> NDArray[np.uint8]:
    """Magma, or from blue to red, as red, green and blue, [256, 3]."""
    scale: list[Any] = DIVERGING if diverging else MAGMA
    colours = [(0, 0, 3) if colour.startswith("rgb") else hex_to_rgb(colour) for _, colour in scale]
    places = 255 * np.array([place for place, _ in scale], dtype=float)
    rgb = [np.interp(np.arange(256), places, channel) for channel in np.array(colours).T]
    return np.round(rgb).T.astype(np.uint8)


def cover(mel: NDArray[Any], colour: str) -> NDArray[np.uint8]:
    """A small picture of a spectrogram: its quietest parts dark, the loudest white, between them a
    colour.

    Shape: mel [M, F] in dB -> red, green and blue [M / 2, F / 2, 3].
    """
    levels = averaged(averaged(image(mel)[0], 2).T, 2).T
    levels -= np.percentile(levels, 2)
    stops = np.array([(24, 18, 30), hex_to_rgb(colour), (255, 255, 255)])
    places = np.percentile(levels, (10, 75, 100))
    return np.stack([np.round(np.interp(levels, places, c)) for c in stops.T], -1).astype(np.uint8)


def peaks(samples: NDArray[Any], sample_rate: int) -> NDArray[np.uint8]:
    """The largest absolute value of each fiftieth of a second, 255 for 1.0.

    Shape: samples [T] in [−1, 1] -> [⌈T / (sample_rate / 50)⌉].
    """
    starts = np.arange(0, len(samples), sample_rate / PEAKS_PER_SECOND).astype(int)
    # Not of np.abs(samples): ten minutes take 53 MB.
    largest = np.maximum(
        np.maximum.reduceat(samples, starts), -np.minimum.reduceat(samples, starts)
    )
    return np.round(255 * np.minimum(largest, 1)).astype(np.uint8)
