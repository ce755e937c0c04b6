"""How sure a difference between two networks is that were tested on the same tracks."""

from typing import Any

import numpy as np
from scipy.stats import binomtest

Correct = np.ndarray[Any, np.dtype[np.bool_]]


def mcnemar(ours: Correct, reference: Correct) -> dict[str, float]:
    """Tracks that only we name right, tracks that only the reference does, and the exact McNemar test of both.

    Shapes: [N] each, the same tracks in the same order. p_value: two-sided chance of a difference at least as large if each
    track that they disagree on were as likely to fall to either (McNemar 1947; 1 where they never disagree).

    Raises ValueError where the two are not of the same length.
    """
    if ours.shape != reference.shape:
        raise ValueError(f"{len(ours)} and {len(reference)} tracks can't be compared one by one")
    won, lost = int((ours & ~reference).sum()), int((~ours & reference).sum())
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return {"tracks_won": won, "tracks_lost": lost, "p_value": p}


def standard_error(right: Correct) -> float:
    """Of the share right, were the tracks drawn at random (binomial)."""
    share = right.mean()
    return float(np.sqrt(share * (1 - share) / len(right)))
