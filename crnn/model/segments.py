"""Split a spectrogram into fixed-length segments, and pool segment predictions to track level."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """Positions and weights of one track's segments.

    Attributes:
        starts: first frame of each, [S].
        weights: fraction of the track's frames that each adds to those before it, [S]; they sum to
            1. A segment that overlaps its predecessor counts only for its new frames.
        width: frames per segment.
        repeated: the track is shorter than one segment and is repeated to fill it.
    """

    starts: tuple[int, ...]
    weights: tuple[float, ...]
    width: int
    repeated: bool


def plan(n_frames: int, width: int, hop: int | None = None) -> Segments:
    """Segments of `width` frames every `hop` frames (default: width) over n_frames.

    The last segment ends where the track does, so that every frame is covered; it overlaps its
    predecessor by more where the hop doesn't divide the rest.
    """
    hop = width if hop is None else hop
    if n_frames < 1 or width < 1 or not 1 <= hop <= width:
        raise ValueError(
            f"n_frames={n_frames}, width={width}, hop={hop}; required: n_frames ≥ 1 and 1 ≤ hop ≤ "
            "width"
        )
    if n_frames <= width:
        return Segments((0,), (1.0,), width, repeated=n_frames < width)
    last = n_frames - width
    starts = [*range(0, last, hop), last]
    new_frames = np.diff([0, *(start + width for start in starts)])
    return Segments(tuple(starts), tuple((new_frames / n_frames).tolist()), width, repeated=False)


def cut(mel: Tensor, segments: Segments, first: int = 0, last: int | None = None) -> Tensor:
    """Segments first … last − 1 of a spectrogram. Shape: mel [M, F] -> [S', 1, M, W]."""
    width = segments.width
    if segments.repeated:
        mel = mel.repeat(1, math.ceil(width / mel.shape[1]))
    return torch.stack([mel[:, s : s + width] for s in segments.starts[first:last]]).unsqueeze(1)


def average(values: NDArray[np.float64], segments: Segments) -> NDArray[np.float64]:
    """Mean over segments, weighted by the fraction of the track each adds: [S, K] -> [K]."""
    return np.asarray(segments.weights) @ values
