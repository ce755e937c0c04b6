"""Which regions of a spectrogram a class depends on, by two methods.

Occlusion  how much of the class is lost when a patch is silenced (Zeiler & Fergus 2014)
Grad-CAM   where maps are high whose gradient favours the class (Selvaraju et al. 2017, eq. 1, 2)

Silence, not a blur, replaces a region: it is what remains audible when that region is taken out of
the sound, and a value that the network knows from pauses.
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
from crnn.model.segments import Segments, cut, plan

Turn = Callable[[], AbstractContextManager[None]]

# Of longer tracks a window is explained, so that the time it takes is bounded.
WINDOW_SECONDS = 30.0
# A patch of occlusion: an eighth of the bands (16 of 128) by a third of a segment (1 s).
_ROWS = 8
# The convolution, from 0, whose maps Grad-CAM uses, and the standard deviations of the blur, as a
# fraction of all bands and in seconds. Chosen on six GTZAN tracks: with the top fifth silent, and
# with as much elsewhere, the class keeps 72 and 76 % by the first convolution, 50 and 66 by the
# second, 56 and 76 by the third; the fourth has only two bands. Maps without blur are so fine that
# holes of their form harm any spectrogram (39 and 42 % by the second).
_LAYER = 2
_BLUR_BANDS, _BLUR_SECONDS = 0.04, 0.3


def best_window(prediction: Prediction, label: str, seconds: float) -> float:
    """Start (s) of the window with the highest mean probability of a class: that of a segment."""
    latest = seconds - WINDOW_SECONDS
    if latest <= 0:
        return 0.0
    probs = prediction.probabilities[:, prediction.labels.index(label)]
    starts, ends = prediction.starts, prediction.starts + prediction.segment_seconds

    def mean(start: float) -> float:
        return float(probs[(starts >= start) & (ends <= start + WINDOW_SECONDS)].mean())

    return float(max(starts[starts <= latest], key=mean))


def window(mel: Tensor, start: float, front_end: FrontEnd) -> tuple[Tensor, int]:
    """The 30 s of a spectrogram [M, F] from `start` (s), or all of it; and their first frame."""
    width = front_end.frames(WINDOW_SECONDS) + 1
    first = max(0, min(round(start / front_end.hop_seconds), mel.shape[1] - width))
    return mel[:, first : first + width], first


@torch.inference_mode()
def occlusion(
    classifier: Classifier, mel: Tensor, progress: Progress | None = None, turn: Turn = nullcontext
) -> Tensor:
    """How much each class loses when a patch is silenced, for all classes at once.

    In each pass a comb of patches is silent, one per segment, so that a pass over the track
    measures all of them. The segments do not overlap: with the overlap of a prediction they would
    take three times as long and tell little more.

    Args:
        mel: [M, F] in dB.
        turn: entered for each pass, so that other users can run in between.

    Returns:
        [K, 8, F], by rows of patches: the fall of the logit, weighted by the class's probability in
        the segment (a class can only lose where it has something), averaged over the segments that
        contain the patch.
    """
    n_bands, n_frames = mel.shape
    segments = plan(n_frames, classifier.network.config.frames)
    width = max(1, min(n_frames, segments.width) // 3)
    patch = torch.arange(n_frames) // width
    combs = -(-min(n_frames, segments.width) // width)
    quiet = silence_db(mel, classifier.checkpoint.front_end)
    rows = _rows(n_bands)

    def logits(values: Tensor) -> Tensor:
        with turn():
            return classifier.logits(values, segments) / classifier.checkpoint.temperature

    before = logits(mel)
    probs = before.softmax(dim=-1)
    lost = torch.zeros(before.shape[1], _ROWS, n_frames)
    for row in range(_ROWS):
        for comb in range(combs):
            columns = patch % combs == comb
            silenced = mel.masked_fill((rows == row)[:, None] & columns, quiet)
            fall = probs * (before - logits(silenced))  # [S, K]
            over_time = _overlap_mean(
                fall.T[:, :, None].expand(-1, -1, segments.width), segments, n_frames
            )
            lost[:, row, columns] = over_time[:, columns]
            if progress is not None:
                progress((row * combs + comb + 1) / (_ROWS * combs))
    return lost


def _rows(n_bands: int) -> Tensor:
    """The row of patches that each band belongs to, [M]."""
    return torch.arange(n_bands) * _ROWS // n_bands


def expand_patches(lost: Tensor, n_bands: int) -> Tensor:
    """A class's losses by mel band. Shape: [8, F] -> [M, F]."""
    return lost[_rows(n_bands)]


def grad_cam(classifier: Classifier, mel: Tensor, label: str, layer: int = _LAYER) -> Tensor:
    """Grad-CAM before its ReLU, in the logit's unit; negative: evidence against the class.

    alpha, each map's weight, is the mean of the logit's gradient over that map (eq. 1); the maps'
    sum by these weights (eq. 2) is taken before pooling. Overlapping segments are averaged, each
    weighted by the class's probability in it: without that, segments without the class would count
    as much as those that are full of it.

    Shape: mel [M, F] dB -> [M, F].
    """
    network, checkpoint = classifier.network, classifier.checkpoint
    k, n_frames = checkpoint.labels.index(label), mel.shape[1]
    segments = classifier.plan(n_frames)
    layer = min(layer, len(network.convolutions) - 1)
    cams = []
    for first in range(0, len(segments.starts), classifier.batch_size):
        with torch.no_grad():
            x = network.normalise(cut(mel, segments, first, first + classifier.batch_size))
            x = x.contiguous(memory_format=torch.channels_last)
            for each in network.convolutions[:layer]:
                x = each(x)
            stage = cast(nn.Sequential, network.convolutions[layer])
            maps = stage[:3](x)  # convolution, activation, batch norm: [B, C, M', W']
        with torch.enable_grad():
            x = stage[3:](maps.requires_grad_())
            for each in network.convolutions[layer + 1 :]:
                x = each(x)
            logits = network.linear(network.recur(x))
            (gradient,) = torch.autograd.grad(logits[:, k].sum(), maps)
        alpha = gradient.mean(dim=(2, 3), keepdim=True)
        cam = (alpha * maps.detach()).sum(dim=1, keepdim=True)  # [B, 1, M', W']
        probs = (logits.detach() / checkpoint.temperature).softmax(dim=-1)[:, k]
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
    """Maps behind some pools, upsampled. Shape: [B, 1, M', W'] -> [B, M, W].

    What a division left over at the high and late ends is filled with the value beside it.
    """
    bands, steps = (math.prod(pool[axis] for pool in pools) for axis in (0, 1))
    whole = (maps.shape[2] * bands, maps.shape[3] * steps)
    large = interpolate(maps.contiguous(), size=whole, mode="bilinear", align_corners=False)
    return pad(large, (0, size[1] - whole[1], 0, size[0] - whole[0]), mode="replicate")[:, 0]


def _overlap_mean(values: Tensor, segments: Segments, n_frames: int) -> Tensor:
    """Segments' values on the track's time axis, averaged where they overlap or repeat.

    Shape: [X, S, W] -> [X, F].
    """
    frames = torch.tensor(segments.starts)[:, None] + torch.arange(segments.width)  # [S, W]
    frames = (frames % n_frames).flatten()
    total = values.new_zeros(values.shape[0], n_frames)
    total.index_add_(1, frames, values.reshape(len(values), -1))
    return total / torch.bincount(frames, minlength=n_frames)
