"""How a class's mean spectrum and modulation differ from the other classes'."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ClassDifference:
    """A class's mean and standard deviation over tracks, and the other classes' mean; [M] each."""

    mean: Array
    sd: Array
    others: Array

    @property
    def effect(self) -> Array:
        """Difference from the others in standard deviations between the class's tracks, [M]."""
        return np.asarray((self.mean - self.others) / np.maximum(self.sd, 1e-9))


def class_difference(classes: dict[str, Any], label: str, key: str) -> ClassDifference:
    """Compare a class's profile (portraits.json) with the other classes'.

    key: "spectrum" (dB by band), "modulation" (log10 of dB²/Hz by frequency) or "swing" (dB).
    """
    others = [profile[key]["mean"] for name, profile in classes.items() if name != label]
    own = classes[label][key]
    return ClassDifference(
        np.atleast_1d(np.asarray(own["mean"], float)),
        np.atleast_1d(np.asarray(own["sd"], float)),
        np.atleast_1d(np.mean(np.asarray(others, float), axis=0)),
    )


def modulation_ratio(classes: dict[str, Any], label: str) -> Array:
    """log2 of a class's modulation over the other classes' mean, [M / group, K]."""
    others = np.mean([x["map"] for name, x in classes.items() if name != label], axis=0)
    return np.asarray((np.asarray(classes[label]["map"]) - others) / np.log10(2))
