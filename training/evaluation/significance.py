"""How certain an accuracy, or a difference between two networks on the same tracks, is."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

Correct = np.ndarray[Any, np.dtype[np.bool_]]
Values = np.ndarray[Any, np.dtype[np.float64]]


def mcnemar(ours: Correct, reference: Correct) -> dict[str, float]:
    """Exact McNemar test (1947) of two networks on the same tracks, in the same order.

    Args:
        ours, reference: which tracks are classified correctly, [N].

    Returns:
        tracks_won, tracks_lost: tracks that only we, or only the reference, classify correctly.
        p_value: two-sided; 1 where the two never differ.

    Raises:
        ValueError: for different lengths.
    """
    if ours.shape != reference.shape:
        raise ValueError(f"{len(ours)} and {len(reference)} tracks cannot be compared one by one")
    won, lost = int((ours & ~reference).sum()), int((~ours & reference).sum())
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return {"tracks_won": won, "tracks_lost": lost, "p_value": p}


def standard_error(correct: Correct) -> float:
    """Standard error of an accuracy (binomial)."""
    accuracy = correct.mean()
    return float(np.sqrt(accuracy * (1 - accuracy) / len(correct)))


def bootstrap_by_group(
    values: Correct | Values, groups: tuple[str, ...], rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the mean of values [N], such as an accuracy; percentile bootstrap.

    Whole groups (artists) are resampled.
    """
    _, index = np.unique(np.array(groups), return_inverse=True)
    hits, sizes = np.bincount(index, weights=values), np.bincount(index)
    samples = np.random.default_rng(seed).integers(len(sizes), size=(rounds, len(sizes)))
    means = hits[samples].sum(axis=1) / sizes[samples].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
