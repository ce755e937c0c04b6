"""Split a spectrogram into fixed-length segments, and pool segment predictions to track level."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crnn.audio.silence import Mask, runs


@dataclass(frozen=True)
class Segments:
    """Positions and weights of one track's segments.

    Attributes:
        starts: first frame of each segment, [S].
        ends: the frame after its last, [S]. Where that makes fewer than `width` frames,
            `cut_segments` repeats them.
        weights: new frames of each segment (those that its predecessor does not cover) divided by
            all audible frames, [S]; they sum to 1.
        width: frames per segment.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    weights: tuple[float, ...]
    width: int

    @property
    def repeated(self) -> bool:
        """Whether every audible run is shorter than a segment, and so is repeated to fill it."""
        lengths = np.subtract(self.ends, self.starts)
        return bool((lengths < self.width).all())


def plan_segments(
    n_frames: int, width: int, hop: int | None = None, audible: Mask | None = None
) -> Segments:
    """Segments of `width` frames every `hop` frames (default: width) over n_frames.

    Every frame is covered: the last segment ends where the track does, and so may overlap its
    predecessor by more than the others do. A track shorter than a segment has one, as long as the
    track (see `Segments.ends`).

    Args:
        n_frames, width, hop: frames; 1 ≤ hop ≤ width.
        audible: mask of the frames to cover, [n_frames]; each run of them is segmented as if it
            were a track. Default: all.

    Raises:
        ValueError: n_frames, width or hop is out of range, or `audible` does not fit or is nowhere
            true.
    """
    hop = width if hop is None else hop
    if n_frames < 1 or width < 1 or not 1 <= hop <= width:
        raise ValueError(
            f"n_frames={n_frames}, width={width}, hop={hop}; required: n_frames ≥ 1 and 1 ≤ hop ≤ "
            "width"
        )
    if audible is not None and (len(audible) != n_frames or not audible.any()):
        raise ValueError(
            f"audible has {len(audible)} frames, {audible.sum()} of them true; required: "
            f"{n_frames} frames, at least one of them true"
        )
    starts: list[int] = []
    ends: list[int] = []
    new_frames: list[int] = []
    for first, end in runs(audible) if audible is not None else [(0, n_frames)]:
        last = max(first, end - width)
        run_starts = [*range(first, last, hop), last]
        run_ends = [min(start + width, end) for start in run_starts]
        new_frames += np.diff([first, *run_ends]).tolist()
        starts, ends = starts + run_starts, ends + run_ends
    weights = np.array(new_frames) / sum(new_frames)
    return Segments(tuple(starts), tuple(ends), tuple(weights.tolist()), width)


def cut_segments(
    mel: Tensor, segments: Segments, first: int = 0, last: int | None = None
) -> Tensor:
    """Segments first … last − 1 of a spectrogram. Shape: mel [M, F] -> [S', 1, M, W]."""
    width = segments.width
    places = zip(segments.starts[first:last], segments.ends[first:last], strict=True)
    pieces = [
        piece
        if (piece := mel[:, start:end]).shape[1] == width
        else piece.repeat(1, math.ceil(width / piece.shape[1]))[:, :width]
        for start, end in places
    ]
    return torch.stack(pieces).unsqueeze(1)


def pool_segments(values: NDArray[np.float64], segments: Segments) -> NDArray[np.float64]:
    """Mean over segments, weighted by `Segments.weights`. Shape: [S, K] -> [K]."""
    return np.asarray(segments.weights) @ values
