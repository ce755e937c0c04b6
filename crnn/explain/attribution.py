"""Why a class: the regions of a spectrogram that carried it, found in two ways, and a test of what they found.

Occlusion  how much of the class is lost when a patch falls silent (Zeiler & Fergus 2014)
Grad-CAM   where a convolution's maps are high whose mean gradient speaks for the class (Selvaraju et al. 2017, eq. 1, 2)
Deletion   the test: a map's brightest share falls silent, then regions of the same size and form elsewhere (after Petsiuk et
           al. 2018); a map that says something loses the class sooner

Silence, not a blur, takes a region's place: it is what one hears when that region is taken out of the sound, and a value that
the network knows from pauses.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, interpolate, pad

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import silence_db
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model.hub import Progress
from crnn.model.segments import Segments, cut, plan

Turn = Callable[[], AbstractContextManager[None]]

# What is explained at once; longer tracks are looked at through a window, so that an answer never takes longer than this needs.
WINDOW_SECONDS = 30.0
# Of the picture: what "the brightest fifth" means on the page.
TOP_FRACTION = 0.2
# Random places whose effect is averaged.
N_RANDOM_MASKS = 3
# A patch of occlusion: an eighth of the bands (16 of 128) by a third of a segment (1 s).
_ROWS = 8
# The convolution, from 0, whose maps Grad-CAM reads, and how far its map is softened: standard deviations, in shares of all
# bands and in seconds. Chosen on six GTZAN tracks: with the brightest fifth silent, and with as much elsewhere, there is left of
# the class 72 and 76 % by the first convolution, 50 and 66 by the second, 56 and 76 by the third; the fourth has only two bands.
# Maps that are not softened are so fine that holes of their form spoil any picture (39 and 42 % by the second).
_LAYER = 2
_SOFT_BANDS, _SOFT_SECONDS = 0.04, 0.3


@dataclass(frozen=True)
class Attribution:
    """What a method found for a class, and how far that can be believed.

    values [M, F]: how much each place speaks for the class, below 0 against it; mask [M, F], bool: the brightest SHARE of them.
    before: the class's probability; without: with the mask silent; elsewhere: with as much silent elsewhere (mean of DRAWS).
    """

    method: str
    values: Tensor
    mask: Tensor
    before: float
    deleted: float
    control: float


def best_window(prediction: Prediction, label: str, seconds: float) -> float:
    """Start (s) of the window in which a class is likeliest on average, at the start of one of the segments."""
    latest = seconds - WINDOW_SECONDS
    if latest <= 0:
        return 0.0
    odds = prediction.probabilities[:, prediction.labels.index(label)]
    starts, ends = prediction.starts, prediction.starts + prediction.segment_seconds
    candidates = [start for start in starts if start <= latest]
    means = [
        odds[(starts >= start) & (ends <= start + WINDOW_SECONDS)].mean() for start in candidates
    ]
    return float(candidates[int(np.argmax(means))])


def window(mel: Tensor, start: float, front_end: FrontEnd) -> tuple[Tensor, int]:
    """The 30 s of a picture [M, F] that begin at a moment, or all of a shorter one; and the frame where they begin."""
    width = front_end.frames(WINDOW_SECONDS) + 1
    first = max(0, min(round(start / front_end.hop_seconds), mel.shape[1] - width))
    return mel[:, first : first + width], first


@torch.inference_mode()
def occlusion(
    classifier: Classifier, mel: Tensor, progress: Progress | None = None, turn: Turn = nullcontext
) -> Tensor:
    """What each class loses by a patch's silence, for all classes at once.

    Shape: mel [M, F] dB -> [K, 8, F], by rows of patches: the mean, over the readings that hear the patch, of the logit's fall,
    weighted by the class's probability there: a class can only lose in a moment what it has there.

    In each pass a comb of patches is silent, one to a segment, so that a pass over the track measures all of them. The segments
    lie end to end: read three times, as for an answer, they would take three times as long and tell little more. turn: held
    for each pass, so that others can have theirs in between.
    """
    n_bands, n_frames = mel.shape
    segments = plan(n_frames, classifier.network.config.frames)
    width = max(1, min(n_frames, segments.width) // 3)
    number = torch.arange(n_frames) // width  # of the patch that a frame belongs to
    combs = -(-min(n_frames, segments.width) // width)
    quiet = silence_db(mel, classifier.checkpoint.front_end)
    rows = _rows(n_bands)
    with turn():
        before = classifier.logits(mel, segments) / classifier.checkpoint.temperature
    odds = before.softmax(dim=-1)
    lost = torch.zeros(before.shape[1], _ROWS, n_frames)
    passes = [(row, comb) for row in range(_ROWS) for comb in range(combs)]
    for done, (row, comb) in enumerate(passes, start=1):
        columns = number % combs == comb
        silent = (rows == row)[:, None] & columns
        with turn():
            after = (
                classifier.logits(mel.masked_fill(silent, quiet), segments)
                / classifier.checkpoint.temperature
            )
        fall = odds * (before - after)  # [S, K]
        along = _along(
            fall.T[:, :, None].expand(-1, -1, segments.width), segments, n_frames
        )  # [K, F]
        lost[:, row, columns] = along[:, columns]
        if progress is not None:
            progress(done / len(passes))
    return lost


def _rows(n_bands: int) -> Tensor:
    """The row of patches that each band belongs to, [M]."""
    return torch.arange(n_bands) * _ROWS // n_bands


def expand_patches(lost: Tensor, n_bands: int) -> Tensor:
    """A class's losses over the whole picture. Shape: [8, F] -> [M, F]."""
    return lost[_rows(n_bands)]


def grad_cam(classifier: Classifier, mel: Tensor, label: str, layer: int = _LAYER) -> Tensor:
    """Grad-CAM before its ReLU, in the logit's unit: below 0 a place speaks against the class.

    Shape: mel [M, F] dB -> [M, F]. alpha, each map's weight, is the mean of the logit's gradient over that map (eq. 1); the maps'
    sum by these weights (eq. 2) is read before pooling. Overlapping readings are averaged, each weighted by the class's
    probability in it: without that, segments that have nothing of the class would count as much as those that are full of it.
    """
    network, front_end = classifier.network, classifier.checkpoint
    k, n_frames = front_end.labels.index(label), mel.shape[1]
    segments = classifier.plan(n_frames)
    layer = min(layer, len(network.convolutions) - 1)
    parts = []
    for first in range(0, len(segments.starts), classifier.batch_size):
        with torch.no_grad():
            x = network.normalise(cut(mel, segments, first, first + classifier.batch_size))
            x = x.contiguous(memory_format=torch.channels_last)
            for each in network.convolutions[:layer]:
                x = each(x)
            read = cast(nn.Sequential, network.convolutions[layer])
            maps = read[:3](x)  # convolution, activation, batch norm: [B, C, M', W']
        with torch.enable_grad():
            x = read[3:](maps.requires_grad_())
            for each in network.convolutions[layer + 1 :]:
                x = each(x)
            logits = network.linear(network.recur(x))
            (gradient,) = torch.autograd.grad(logits[:, k].sum(), maps)
        alpha = gradient.mean(dim=(2, 3), keepdim=True)
        cam = (alpha * maps.detach()).sum(dim=1, keepdim=True)  # [B, 1, M', W']
        odds = (logits.detach() / front_end.temperature).softmax(dim=-1)[:, k]
        parts.append(
            odds[:, None, None]
            * _enlarged(cam, network.config.pools[:layer], (mel.shape[0], segments.width))
        )
    return _along(torch.cat(parts).transpose(0, 1), segments, n_frames)


def smooth(values: Tensor, front_end: FrontEnd) -> Tensor:
    """A map blurred by a Gaussian. Shape: [M, F] -> [M, F]; beyond the edges lies what is at the edge."""
    blurred = values
    for deviation in (_SOFT_BANDS * front_end.n_mels, _SOFT_SECONDS / front_end.hop_seconds):
        reach = int(3 * deviation)
        weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / deviation) ** 2)
        columns = pad(
            blurred.T[:, None], (reach, reach), mode="replicate"
        )  # [F, 1, M + 2 · reach], then the other way round
        blurred = conv1d(columns, (weights / weights.sum())[None, None])[:, 0]
    return blurred


def _enlarged(maps: Tensor, pools: tuple[tuple[int, int], ...], size: tuple[int, int]) -> Tensor:
    """Maps behind some pools, as large as the picture before them. Shape: [B, 1, M', W'] -> [B, M, W].

    What a division left over at the high and late ends is filled with the value beside it.
    """
    bands, steps = (int(np.prod([pool[axis] for pool in pools])) for axis in (0, 1))
    whole = (maps.shape[2] * bands, maps.shape[3] * steps)
    large = interpolate(maps.contiguous(), size=whole, mode="bilinear", align_corners=False)
    return pad(large, (0, size[1] - whole[1], 0, size[0] - whole[0]), mode="replicate")[:, 0]


def _along(values: Tensor, segments: Segments, n_frames: int) -> Tensor:
    """Segments' values on the track's time axis, averaged where they overlap or a short track was repeated.

    Shape: [X, S, W] -> [X, F].
    """
    frames = (
        torch.tensor(segments.starts)[:, None] + torch.arange(segments.width)
    ) % n_frames  # [S, W]
    total = values.new_zeros(values.shape[0], n_frames).index_add_(
        1, frames.flatten(), values.reshape(len(values), -1)
    )
    return total / torch.bincount(frames.flatten(), minlength=n_frames)


def top_mask(values: Tensor, share: float = TOP_FRACTION) -> Tensor:
    """Shape: [M, F] -> [M, F], bool: exactly that share of the places; among equals the first."""
    order = values.flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(values.numel(), dtype=torch.bool)
    mask[order[: round(share * values.numel())]] = True
    return mask.view(values.shape)


def moved_masks(
    mask: Tensor, draws: int = N_RANDOM_MASKS, same_bands: bool = False
) -> list[Tensor]:
    """The mask moved to random places, round the picture's edges: the same size and form each time, and the same on each call.

    same_bands: moved in time only, which is the harder comparison: music keeps to its bands.
    """
    generator = torch.Generator().manual_seed(0)
    moves = [
        [int(torch.randint(size, (), generator=generator)) for size in mask.shape]
        for _ in range(draws)
    ]
    return [mask.roll((0 if same_bands else up, along), dims=(0, 1)) for up, along in moves]


def probability_without(classifier: Classifier, mel: Tensor, mask: Tensor, label: str) -> float:
    """A class's probability over the picture [M, F] when the mask is silent."""
    quiet = silence_db(mel, classifier.checkpoint.front_end)
    return classifier.predict(mel.masked_fill(mask, quiet)).to_dict()[label]


def deletion_test(
    classifier: Classifier,
    mel: Tensor,
    label: str,
    maps: Mapping[str, Tensor],
    turn: Turn = nullcontext,
) -> tuple[Attribution, ...]:
    """Maps [M, F] by method, each with its brightest share and what deletion says of it. turn: as for occlusion."""
    with turn():
        before = classifier.predict(mel).to_dict()[label]
    found = []
    for method, values in maps.items():
        mask = top_mask(values)
        left = []
        for silent in (mask, *moved_masks(mask)):
            with turn():
                left.append(probability_without(classifier, mel, silent, label))
        found.append(Attribution(method, values, mask, before, left[0], float(np.mean(left[1:]))))
    return tuple(found)
