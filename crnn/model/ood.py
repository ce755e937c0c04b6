"""Out-of-distribution (OOD) detection: is a track unlike the data that the network was trained on?

Each window of five seconds is described by statistics that encode neither melody nor lyrics: the
level of each band group, how much it varies, how fast the spectrum's shape changes. A mixture of
Gaussians is fitted to the windows of music (training.ood.fit); the score of a track is the median
over its windows of the distance from that mixture: with one Gaussian, the Mahalanobis distance (as
Lee et al. 2018, arXiv 1807.03888, use it on a network's features). The threshold is calibrated on
validation data.
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
MAX_COMPONENTS = 16

_GROUPS, _FINE_GROUPS = 8, 16  # of neighbouring bands
# Lags (frames) of the spectral envelope's autocorrelation, up to 0.62 s with the genre
# network's hop and 0.37 s with the mood network's, and of the fine structure within groups, up to
# 0.31 s and 0.19 s.
_LAGS, _FINE_LAGS = (1, 2, 4, 8), (1, 2, 4)
_PERCENTILES = (5, 25, 50, 75)  # of loudness relative to its maximum; low in speech with pauses
# 8 groups × (level, deviation, skewness), common variation, 4 percentiles, 4 lags, 3 lags × 4
# quarters of the bands.
N_FEATURES = 3 * _GROUPS + 1 + len(_PERCENTILES) + len(_LAGS) + 4 * len(_FINE_LAGS)
_FLOOR_DB = -80.0
_TOLERANCE = 1e-3  # of the sum of stored weights
# Limit of every stored number, so that scores stay finite; those of the bundled detectors stay
# below 100.
_MAX_VALUE = 1e12


@dataclass(frozen=True)
class OODScore:
    """A track's score (1 is typical of training data), and the threshold above which it is OOD."""

    score: float
    threshold: float

    @property
    def is_ood(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True)
class Component:
    """A Gaussian of the mixture.

    Attributes:
        weight: its share; a mixture's sum to 1.
        centre: its mean, [D].
        whitening: lower triangular [D, D]; (x − centre) @ whitening has unit covariance.
    """

    weight: float
    centre: Array
    whitening: Array

    def __post_init__(self) -> None:
        if self.centre.shape != (N_FEATURES,) or self.whitening.shape != (N_FEATURES, N_FEATURES):
            raise ValueError(
                f"doubt (OOD): arrays of {self.centre.shape} and {self.whitening.shape}; "
                f"{N_FEATURES} numbers are needed"
            )
        largest = np.max([abs(self.centre).max(), abs(self.whitening).max()])
        if not (0 < self.weight <= 1 and largest <= _MAX_VALUE):  # false for NaN, too
            raise ValueError(
                f"doubt (OOD): weights up to 1 and numbers up to {_MAX_VALUE:g} needed"
            )
        if not (np.diagonal(self.whitening) > 0).all():
            raise ValueError("doubt (OOD): the whitening's diagonal has to be positive")

    @property
    def log_determinant(self) -> float:
        """Of the whitening."""
        return float(np.log(np.diagonal(self.whitening)).sum())

    def log_density(self, windows: Array) -> Array:
        """log(weight × density) of windows [n, D] -> [n], without the constant −D/2 · log 2π."""
        squares = np.square((windows - self.centre) @ self.whitening).sum(axis=1)
        return np.asarray(np.log(self.weight) + self.log_determinant - squares / 2)


@dataclass(frozen=True)
class OODDetector:
    """A mixture of Gaussians fitted to windows of music, and a threshold.

    Attributes:
        components: 1 to MAX_COMPONENTS.
        threshold: score above which a track is OOD.
        origin: a sentence on the data that the threshold was calibrated on.
    """

    components: tuple[Component, ...]
    threshold: float = 0.0
    origin: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= _MAX_VALUE:  # false for NaN, too
            raise ValueError(f"doubt (OOD): a threshold from 0 to {_MAX_VALUE:g} is needed")
        total = sum(component.weight for component in self.components)
        if len(self.components) > MAX_COMPONENTS or abs(total - 1) > _TOLERANCE:
            raise ValueError(
                f"doubt (OOD): {len(self.components)} components of weight {total:g} together; up "
                f"to {MAX_COMPONENTS} are accepted, and 1 is needed"
            )

    @classmethod
    def from_gaussians(cls, weights: Array, means: Array, covariances: Array) -> "OODDetector":
        """Shape: weights [C], means [C, D], covariances [C, D, D].

        The threshold stays 0, which flags nearly every track: replace it after calibration.
        """
        whitenings = np.linalg.cholesky(np.linalg.inv(covariances))
        parts = zip(weights, means, whitenings, strict=True)
        return cls(tuple(Component(float(weight), mean, w) for weight, mean, w in parts))

    def score(self, windows: Array) -> float:
        """Score of a track: median distance of its windows [n, D]; 1 is typical of music.

        The distance of a window x is √(2/D · (r − log p(x))), with p the mixture's density and r
        the weighted mean of the components' own log-densities at their centres; where p(x) is above
        that, the distance is 0. With one component it is the Mahalanobis distance / √D.
        """
        densities = np.logaddexp.reduce([c.log_density(windows) for c in self.components])
        reference = sum(c.weight * c.log_determinant for c in self.components)
        squares = np.maximum(0, 2 * (reference - densities) / N_FEATURES)
        return float(np.median(np.sqrt(squares)))

    def detect(self, windows: Array | None) -> OODScore | None:
        """Score and threshold; None where `features` has none."""
        return None if windows is None else OODScore(self.score(windows), self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """For config.json: numbers as text, one line for each row of the lower triangle."""
        return {
            "threshold": self.threshold,
            "origin": self.origin,
            "components": [
                {
                    "weight": component.weight,
                    "centre": _to_text(component.centre),
                    "whitening": [
                        _to_text(row[: i + 1]) for i, row in enumerate(component.whitening)
                    ],
                }
                for component in self.components
            ],
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "OODDetector":
        """Inverse of to_dict; raises ValueError, KeyError, TypeError or AttributeError.

        Also reads detectors of one Gaussian as they were stored before there were mixtures.
        """
        parts = stored["components"] if "components" in stored else [{"weight": 1} | stored]
        if len(parts) > MAX_COMPONENTS:
            raise ValueError(f"doubt (OOD): {len(parts)} components; at most {MAX_COMPONENTS}")
        components = tuple(_component(part) for part in parts)
        return cls(components, float(stored["threshold"]), text(stored, "origin"))


def _component(stored: dict[str, Any]) -> Component:
    rows = [_from_text(row) for row in stored["whitening"]]
    if [len(row) for row in rows] != list(range(1, N_FEATURES + 1)):
        raise ValueError(f"doubt (OOD): whitening needs {N_FEATURES} rows of 1, 2, 3, … values")
    whitening = np.array([row + [0.0] * (N_FEATURES - len(row)) for row in rows])
    return Component(float(stored["weight"]), np.array(_from_text(stored["centre"])), whitening)


def _to_text(values: Array) -> str:
    return " ".join(f"{value:.6g}" for value in values)


def _from_text(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def features(mel: Tensor, front_end: FrontEnd) -> Array | None:
    """Features of each window, relative to the track's maximum: [M, F] dB -> [n, D].

    Windows are WINDOW_SECONDS long and overlap by a third or more; a shorter track is one window.
    Silence is left out, unless less than MIN_SECONDS of sound remains.

    Returns:
        None for a track shorter than MIN_SECONDS or with fewer than 16 bands.
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
