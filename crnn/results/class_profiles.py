"""How a class's mean spectrum and modulation differ from the other classes'."""

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class ClassDifference:
    """A feature of a class beside the other classes.

    Attributes:
        mean, sd: mean and standard deviation over the class's tracks.
        others: mean over the other classes' means, so that each class counts once.

    Each has the shape of the feature that `class_difference` was asked for.
    """

    mean: Array
    sd: Array
    others: Array

    @property
    def effect_size(self) -> Array:
        """Difference from the others in standard deviations of the class's tracks."""
        # 1e-9: no division by zero.
        return np.asarray((self.mean - self.others) / np.maximum(self.sd, 1e-9))


def class_difference(classes: dict[str, Any], label: str, key: str) -> ClassDifference:
    """Compare a class's profile (portraits.json) with the other classes'.

    Args:
        classes: profiles by class.
        key: "spectrum" (dB relative to the mean of the bands, [M]), "modulation" (log10 of dB²/Hz
            by modulation frequency, [Q]) or "swing" (level variation: standard deviation of a
            band's level over time in dB, mean over the bands, [1]).
    """
    others = [profile[key]["mean"] for name, profile in classes.items() if name != label]
    own = classes[label][key]
    return ClassDifference(
        np.atleast_1d(np.asarray(own["mean"], float)),
        np.atleast_1d(np.asarray(own["sd"], float)),
        np.atleast_1d(np.mean(np.asarray(others, float), axis=0)),
    )


def log2_modulation_ratio(classes: dict[str, Any], label: str) -> Array:
    """log2 of a class's modulation over the geometric mean of the other classes'.

    Read from the profiles' `map` (training.experiments.class_profiles): modulation of groups of
    eight neighbouring mel bands. Shape: [M / 8, Q], Q modulation frequencies.
    """
    maps = [profile["map"] for name, profile in classes.items() if name != label]  # log10
    others = np.mean(maps, axis=0)
    return np.asarray((np.asarray(classes[label]["map"]) - others) / np.log10(2))
