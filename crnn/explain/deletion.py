"""Deletion test of attribution maps (after Petsiuk et al. 2018).

A map's top bins are silenced, then regions of the same size and form elsewhere: without the bins of
a map that is right, the class loses more.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from crnn.audio.mel import silence_db
from crnn.audio.silence import audible_mask
from crnn.explain.attribution import Turn
from crnn.inference.classifier import Classifier

TOP_FRACTION = 0.2  # of all bins
N_RANDOM_MASKS = 3  # whose effect is averaged


@dataclass(frozen=True)
class Attribution:
    """A method's map for a class, and its deletion test.

    values [M, F]: evidence for the class, negative against it; mask [M, F], bool: its top
    TOP_FRACTION of bins. before: the class's probability; deleted: with the mask silenced; control:
    with as much silenced elsewhere (mean).
    """

    method: str
    values: Tensor
    mask: Tensor
    before: float
    deleted: float
    control: float


def deletion_test(
    classifier: Classifier,
    mel: Tensor,
    label: str,
    maps: Mapping[str, Tensor],
    turn: Turn = nullcontext,
) -> tuple[Attribution, ...]:
    """Test maps [M, F] by method on a spectrogram [M, F]; turn: entered for each prediction."""
    quiet = silence_db(mel, classifier.front_end)
    audible = audible_mask(mel, classifier.front_end)  # before masks: what they silence counts

    def probability(values: Tensor) -> float:
        with turn():
            return classifier.predict(values, audible=audible).to_dict()[label]

    before = probability(mel)
    tested = []
    for method, values in maps.items():
        mask = top_mask(values)
        deleted, *moved = (
            probability(mel.masked_fill(each, quiet)) for each in (mask, *moved_masks(mask))
        )
        tested.append(Attribution(method, values, mask, before, deleted, float(np.mean(moved))))
    return tuple(tested)


def top_mask(values: Tensor, fraction: float = TOP_FRACTION) -> Tensor:
    """Shape: [M, F] -> [M, F], bool: exactly that fraction of the bins; among equals the first."""
    order = values.flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(values.numel(), dtype=torch.bool)
    mask[order[: round(fraction * values.numel())]] = True
    return mask.view(values.shape)


def moved_masks(mask: Tensor) -> list[Tensor]:
    """The mask rolled to random places in time and frequency, the same on each call."""
    generator = torch.Generator().manual_seed(0)
    shifts = [
        [int(torch.randint(size, (), generator=generator)) for size in mask.shape]
        for _ in range(N_RANDOM_MASKS)
    ]
    return [mask.roll(shift, dims=(0, 1)) for shift in shifts]
