"""Which regions of a spectrogram a class depends on, by two methods.

Occlusion  how far a class's logit falls when a patch is silenced (Zeiler & Fergus 2014)
Grad-CAM   feature maps weighted by the class's mean gradient (Selvaraju et al. 2017, eq. 1, 2)

Silence, not a blur, replaces a region: it is what remains when that region is filtered out of the
sound, and a value that also occurs in training data, in pauses.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import silence_db
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model.hub import Progress
from crnn.model.segments import Segments, cut_segments, plan_segments

Turn = Callable[[], AbstractContextManager[None]]

# Only a window of a longer track is explained, to bound the computing time.
WINDOW_SECONDS = 30.0
# Rows of occlusion patches. A patch is an eighth of the bands (16 of 128) by a third of a segment.
_ROWS = 8
# Index of the convolution whose maps Grad-CAM uses, and the blur's standard deviations (fraction of
# all bands, seconds). Chosen with the deletion test on six GTZAN tracks: with a map's top fifth
# silenced or as much elsewhere, the class keeps 72 or 76 % (first convolution), 50 or 66 (second),
# 56 or 76 (third); the fourth has only two bands. Without blur, masks are so fine-grained that they
# do as much harm elsewhere (39 or 42 %, second).
_LAYER = 2
_BLUR_BANDS, _BLUR_SECONDS = 0.04, 0.3


def best_window(prediction: Prediction, label: str, seconds: float) -> float:
    """Start (s) of the window, at a segment, with the highest mean probability of a class."""
    latest = seconds - WINDOW_SECONDS
    if latest <= 0:
        return 0.0
    probs = prediction.probabilities[:, prediction.labels.index(label)]
    starts, ends = prediction.starts, prediction.starts + prediction.segment_seconds

    def mean_probability(start: float) -> float:
        return float(probs[(starts >= start) & (ends <= start + WINDOW_SECONDS)].mean())

    possible = starts[starts <= latest]
    return float(max(possible, key=mean_probability)) if len(possible) else latest


def window(mel: Tensor, start: float, front_end: FrontEnd) -> tuple[Tensor, int]:
    """The 30 s window of a spectrogram [M, F] at `start` (s), or all of it; and its first frame."""
    width = front_end.frames(WINDOW_SECONDS) + 1
    first = max(0, min(round(start / front_end.hop_seconds), mel.shape[1] - width))
    return mel[:, first : first + width], first


@torch.inference_mode()
def occlusion(
    classifier: Classifier, mel: Tensor, progress: Progress | None = None, turn: Turn = nullcontext
) -> Tensor:
    """How far each class's logit falls when a patch is silenced, for all classes at once.

    Each pass silences a comb of patches, one per segment, and so measures all of them in one run
    over the track. The segments do not overlap: overlap as in prediction would take three times as
    long and add little.

    Args:
        mel: [M, F] in dB.
        turn: context manager entered for each pass, so that other users' work can run in between.

    Returns:
        [K, 8, F], by row of patches: the drop in the logit, weighted by the class's probability in
        the segment (where it is improbable, a drop means little), averaged over the segments that
        contain the patch.
    """
    n_bands, n_frames = mel.shape
    segments = plan_segments(n_frames, classifier.network.config.frames)
    width = max(1, min(n_frames, segments.width) // 3)
    patch = torch.arange(n_frames) // width
    n_combs = -(-min(n_frames, segments.width) // width)
    silence = silence_db(mel, classifier.checkpoint.front_end)
    rows = _rows(n_bands)

    def logits(values: Tensor) -> Tensor:
        with turn():
            return classifier.checkpoint.scaled(classifier.logits(values, segments))

    before = logits(mel)
    probs = before.softmax(dim=-1)
    drops = torch.zeros(before.shape[1], _ROWS, n_frames)
    for row in range(_ROWS):
        for comb in range(n_combs):
            columns = patch % n_combs == comb
            silenced = mel.masked_fill((rows == row)[:, None] & columns, silence)
            drop = probs * (before - logits(silenced))  # [S, K]
            over_time = _overlap_mean(
                drop.T[:, :, None].expand(-1, -1, segments.width), segments, n_frames
            )
            drops[:, row, columns] = over_time[:, columns]
            if progress is not None:
                progress((row * n_combs + comb + 1) / (_ROWS * n_combs))
    return drops


def _rows(n_bands: int) -> Tensor:
    """The row of patches that each band belongs to, [M]."""
    return torch.arange(n_bands) * _ROWS // n_bands


def expand_patches(lost: Tensor, n_bands: int) -> Tensor:
    """A class's logit drops by mel band. Shape: [8, F] -> [M, F]."""
    return lost[_rows(n_bands)]


def grad_cam(classifier: Classifier, mel: Tensor, label: str, layer: int = _LAYER) -> Tensor:
    """Grad-CAM before its ReLU, in the logit's unit; negative: evidence against the class.

    alpha, each map's weight, is the mean of the logit's gradient over that map (eq. 1); the
    weighted sum of maps (eq. 2) is taken before pooling. Overlapping segments are averaged,
    weighted by the class's probability: otherwise segments where it is improbable would count as
    much as those where it is certain.

    Shape: mel [M, F] dB -> [M, F].
    """
    network, checkpoint = classifier.network, classifier.checkpoint
    k, n_frames = checkpoint.labels.index(label), mel.shape[1]
    segments = classifier.plan(n_frames)
    layer = min(layer, len(network.convolutions) - 1)
    cams = []
    for first in range(0, len(segments.starts), classifier.batch_size):
        with torch.no_grad():
            x = network.normalise(cut_segments(mel, segments, first, first + classifier.batch_size))
            x = x.contiguous(memory_format=torch.channels_last)
            for convolution in network.convolutions[:layer]:
                x = convolution(x)
            block = cast(nn.Sequential, network.convolutions[layer])
            maps = block[:-2](x)  # all but pooling and dropout: [B, C, M', W']
        with torch.enable_grad():
            x = block[-2:](maps.requires_grad_())
            for convolution in network.convolutions[layer + 1 :]:
                x = convolution(x)
            logits = network.linear(network.recur(x))
            (gradient,) = torch.autograd.grad(logits[:, k].sum(), maps)
        alpha = gradient.mean(dim=(2, 3), keepdim=True)
        cam = (alpha * maps.detach()).sum(dim=1, keepdim=True)  # [B, 1, M', W']
        probs = checkpoint.scaled(logits.detach()).softmax(dim=-1)[:, k]
        size = (mel.shape[0], segments.width)
        cams.append(probs[:, None, None] * _enlarge(cam, network.config.pools[:layer], size))
    return _overlap_mean(torch.cat(cams).transpose(0, 1), segments, n_frames)


def smooth(values: Tensor, front_end: FrontEnd) -> Tensor:
    """Gaussian blur of an attribution map, constant beyond the edges. Shape: [M, F] -> [M, F]."""
    sigma = (_BLUR_BANDS * front_end.n_mels, _BLUR_SECONDS / front_end.hop_seconds)
    blurred = gaussian_filter(
        values.numpy(), sigma, mode="nearest", radius=[int(3 * deviation) for deviation in sigma]
    )
    return torch.from_numpy(blurred)


def _enlarge(maps: Tensor, pools: tuple[tuple[int, int], ...], size: tuple[int, int]) -> Tensor:
    """Upsample feature maps to the segment's size. Shape: [B, 1, M', W'] -> [B, M, W].

    Bands and frames that pooling dropped, at the top and at the end, repeat the nearest value.
    """
    bands, steps = (math.prod(pool[axis] for pool in pools) for axis in (0, 1))
    covered = (maps.shape[2] * bands, maps.shape[3] * steps)
    maps = interpolate(maps.contiguous(), size=covered, mode="bilinear", align_corners=False)
    return pad(maps, (0, size[1] - covered[1], 0, size[0] - covered[0]), mode="replicate")[:, 0]


def _overlap_mean(values: Tensor, segments: Segments, n_frames: int) -> Tensor:
    """Segments' values on the track's time axis, averaged where they overlap or repeat.

    Shape: [X, S, W] -> [X, F].
    """
    frames = torch.tensor(segments.starts)[:, None] + torch.arange(segments.width)  # [S, W]
    frames = (frames % n_frames).flatten()
    total = values.new_zeros(values.shape[0], n_frames)
    total.index_add_(1, frames, values.reshape(len(values), -1))
    return total / torch.bincount(frames, minlength=n_frames)
