"""Out-of-distribution (OOD) detection: is a track unlike the data that the network was trained on?

Each window of five seconds is described by statistics that encode neither melody nor lyrics: the
level of each band group, how much it varies, how fast the spectrum's shape changes. A Gaussian is
fitted to the windows of the training tracks; the score of a track is the Mahalanobis distance of
its windows from that Gaussian's mean (as Lee et al. 2018, arXiv 1807.03888, use it on a network's
features), the median over windows. The threshold is calibrated on validation data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.silence import audible_mask
from crnn.untrusted import text

Array = NDArray[np.float64]
_Floats = NDArray[np.float32]

# Chosen on validation tracks and on synthetic sounds (training/ood/synthetic.py); windows
# half as long flag short clips more often.
WINDOW_SECONDS = 5.0
MIN_SECONDS = 1.0  # shorter tracks get no score
FALSE_ALARM_RATE = 0.05  # fraction of validation tracks above the threshold

_GROUPS, _FINE_GROUPS = 8, 16  # of neighbouring bands
# Lags (frames) of the spectral envelope's autocorrelation, up to 0.6 s on the bundled front end,
# and of the fine structure within groups, up to 0.3 s.
_LAGS, _FINE_LAGS = (1, 2, 4, 8), (1, 2, 4)
_PERCENTILES = (5, 25, 50, 75)  # of loudness relative to its maximum; low in speech with pauses
# 8 groups × (level, deviation, skewness), common variation, 4 percentiles, 4 lags, 3 lags × 4
# quarters of the bands.
N_FEATURES = 3 * _GROUPS + 1 + len(_PERCENTILES) + len(_LAGS) + 4 * len(_FINE_LAGS)
_FLOOR_DB = -80.0
_MAX_VALUE = 1e12  # of the statistics; the bundled ones stay below 100, and scores stay finite


@dataclass(frozen=True)
class OODScore:
    """A track's score (1 is typical of training data), and the threshold above which it is OOD."""

    score: float
    threshold: float

    @property
    def is_ood(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True)
class OODDetector:
    """A Gaussian fitted to the windows of the training tracks.

    Attributes:
        centre: its mean, [D].
        whitening: lower triangular [D, D]; (x − centre) @ whitening has unit covariance.
        threshold: score above which a track is OOD.
        origin: a sentence on the data that the threshold was calibrated on.
    """

    centre: Array
    whitening: Array
    threshold: float = 0.0
    origin: str = ""

    def __post_init__(self) -> None:
        if self.centre.shape != (N_FEATURES,) or self.whitening.shape != (N_FEATURES, N_FEATURES):
            raise ValueError(
                f"doubt (OOD): arrays of {self.centre.shape} and {self.whitening.shape}; "
                f"{N_FEATURES} numbers are needed"
            )
        largest = np.max([abs(self.centre).max(), abs(self.whitening).max(), self.threshold])
        if not (self.threshold >= 0 and largest <= _MAX_VALUE):  # false for NaN, too
            raise ValueError(
                f"doubt (OOD): numbers up to {_MAX_VALUE:g} and a threshold ≥ 0 needed"
            )

    def score(self, windows: Array) -> float:
        """Score of a track: median over its windows [n, D] of Mahalanobis distance / √D."""
        distances = np.sqrt(np.square((windows - self.centre) @ self.whitening).mean(axis=1))
        return float(np.median(distances))

    def detect(self, windows: Array | None) -> OODScore | None:
        """Score and threshold; None for a track too short to have features."""
        return None if windows is None else OODScore(self.score(windows), self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """For config.json: numbers as text, one line for each row of the lower triangle."""
        return {
            "threshold": self.threshold,
            "origin": self.origin,
            "centre": _to_text(self.centre),
            "whitening": [_to_text(row[: i + 1]) for i, row in enumerate(self.whitening)],
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "OODDetector":
        """Inverse of to_dict; raises ValueError, KeyError, TypeError or AttributeError."""
        rows = [_from_text(row) for row in stored["whitening"]]
        if [len(row) for row in rows] != list(range(1, N_FEATURES + 1)):
            raise ValueError(f"doubt (OOD): whitening needs {N_FEATURES} rows of 1, 2, 3, … values")
        whitening = np.array([row + [0.0] * (N_FEATURES - len(row)) for row in rows])
        centre = np.array(_from_text(stored["centre"]))
        return cls(centre, whitening, float(stored["threshold"]), text(stored, "origin"))


def _to_text(values: Array) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def _from_text(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def fit(windows: Array) -> OODDetector:
    """Fit the Gaussian to training windows [n, D], its covariance shrunk by 5 %.

    Equals sklearn.covariance.ShrunkCovariance(shrinkage=0.05), without making the app import
    scikit-learn.
    """
    centre, deviation = windows.mean(axis=0), windows.std(axis=0) + 1e-9
    covariance = np.cov((windows - centre) / deviation, rowvar=False, bias=True)
    covariance = 0.95 * covariance + 0.05 * np.trace(covariance) / N_FEATURES * np.eye(N_FEATURES)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return OODDetector(centre, whitening / deviation[:, None])


def threshold(scores: Array, rate: float = FALSE_ALARM_RATE) -> float:
    """The smallest score that at most a fraction `rate` of the scores exceed."""
    ordered = np.sort(scores)
    return float(ordered[len(ordered) - 1 - int(rate * len(ordered))])


def features(mel: Tensor, front_end: FrontEnd) -> Array | None:
    """Features of each window, independent of level: [M, F] dB -> [n, D]; None below MIN_SECONDS.

    Windows are WINDOW_SECONDS long and overlap by a third; a shorter track is one window. Silence
    is left out, unless hardly anything else is there.
    """
    shortest = max(front_end.frames(MIN_SECONDS), max(_LAGS) + 1)
    sounding = audible_mask(mel, front_end)
    mel = mel[:, sounding] if sounding.sum() >= shortest else mel
    n_bands, n_frames = mel.shape
    if n_frames < shortest or n_bands < _FINE_GROUPS:
        return None
    width = min(n_frames, front_end.frames(WINDOW_SECONDS))
    count = 1 if width == n_frames else max(2, round(1.5 * n_frames / width))
    starts = np.linspace(0, n_frames - width, count).round().astype(int)
    values = mel.numpy().astype(np.float32)
    values = np.maximum(values - values.max(), np.float32(_FLOOR_DB))
    return np.stack([_window_features(values[:, start : start + width]) for start in starts])


def _window_features(x: _Floats) -> Array:
    """One window [M, W] -> [D]; small constants keep logarithms finite in silence."""
    groups = _group_means(x, _GROUPS)  # [8, W]
    level, deviation = groups.mean(axis=1), groups.std(axis=1)
    z = (groups - level[:, None]) / np.sqrt(deviation**2 + 0.05)[:, None]
    common = np.log(z.mean(axis=0).var() + 0.02)
    loudness = 10 * np.log10((10 ** (x / 10)).sum(axis=0))
    below = np.log(1 + loudness.max() - np.percentile(loudness, _PERCENTILES))
    bands = x[: len(x) // _FINE_GROUPS * _FINE_GROUPS]
    coarse = _group_means(bands, _FINE_GROUPS)
    fine = bands - np.repeat(coarse, len(bands) // _FINE_GROUPS, axis=0)
    envelope = (coarse - coarse.mean(axis=0))[None]
    shape = autocorrelation(envelope, _LAGS)
    fine_shape = autocorrelation(fine.reshape(4, -1, x.shape[1]), _FINE_LAGS)
    stats = (level, np.log(deviation + 0.3), (z**3).mean(axis=1), [common], below)
    return np.concatenate([np.asarray(v, np.float64) for v in (*stats, *shape, *fine_shape)])


def _group_means(x: _Floats, groups: int) -> _Floats:
    """Mean of each group of neighbouring bands, [M, W] -> [groups, W]; drops excess top bands."""
    size = len(x) // groups
    return np.asarray(x[: size * groups].reshape(groups, size, -1).mean(axis=1))


def autocorrelation(shapes: _Floats, lags: Sequence[int]) -> list[Array]:
    """Mean correlation of a shape with itself `lag` frames later: [P, m, W] -> [P] each."""
    size = shapes.shape[1]
    power = np.einsum("pmw,pmw->pw", shapes, shapes) / size + 0.25
    means = []
    for lag in lags:
        product = np.einsum("pmw,pmw->pw", shapes[..., lag:], shapes[..., :-lag]) / size
        correlation = product / np.sqrt(power[:, lag:] * power[:, :-lag])
        means.append(np.asarray(correlation.mean(axis=1)))
    return means
