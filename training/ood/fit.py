"""Fit the mixture of an out-of-distribution detector, and calibrate its threshold."""

from collections.abc import Sequence

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from crnn.model.ood import Array, OODDetector

# Chosen on validation tracks and the selection set of synthetic sounds, at the threshold below:
# one Gaussian finds 88 % of the speech (genre) and 83 % (mood), four find 99 %, six and eight no
# more. The regularisation is added to the variances of standardised features.
COMPONENTS, REGULARISATION = 4, 0.05
FALSE_ALARM_RATE = 0.05  # of validation tracks


def fit(windows: Array) -> OODDetector:
    """A mixture of Gaussians with full covariances, without a threshold. windows: [n, D]."""
    scaler = StandardScaler().fit(windows)
    mixture = GaussianMixture(
        COMPONENTS, reg_covar=REGULARISATION, max_iter=300, random_state=0
    ).fit(scaler.transform(windows))
    return OODDetector.from_gaussians(
        mixture.weights_,
        scaler.inverse_transform(mixture.means_),
        mixture.covariances_ * np.outer(scaler.scale_, scaler.scale_),
    )


def threshold(groups: Sequence[Array], rate: float = FALSE_ALARM_RATE) -> float:
    """The smallest of all scores that at most `rate` exceed: a fraction, averaged over the groups.

    Every group counts alike, however many tracks it has.
    """
    candidates = np.sort(np.concatenate(groups))
    above = np.mean([(group > candidates[:, None]).mean(axis=1) for group in groups], axis=0)
    return float(candidates[np.argmax(above <= rate + 1e-9)])
