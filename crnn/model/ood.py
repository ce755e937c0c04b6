"""Does this sound like anything the network was trained on? A score for any log-mel, and a threshold that was fixed beforehand.

Each stretch of five seconds is described by a few numbers that say nothing of notes or words: how loud each range of pitch is, how
much it moves, how long the spectrum keeps its shape. One Gaussian holds what training tracks are like; the score of a track is how
far its stretches lie from the middle of it (Mahalanobis distance, as Lee et al. 2018, arXiv 1807.03888, use it on a network's
features), the median over stretches. Noise moves too little, speech too much, silence lies nowhere near.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from crnn.audio.front_end import FrontEnd

Array = np.ndarray[Any, np.dtype[np.float64]]

# Chosen on validation tracks and on sounds made for choosing (training/ood/synthetic.py); half as long doubts short clips more often.
WINDOW_SECONDS = 5.0
# A shorter sound says too little about itself.
MIN_SECONDS = 1.0
FALSE_ALARM_RATE = 0.05

_RANGES, _FINE_RANGES = 8, 16  # of neighbouring bands
# Frames over which a spectrum may keep its shape, up to 0.6 s on the bundled grid; within ranges up to 0.3 s.
_LAGS, _FINE_LAGS = (1, 2, 4, 8), (1, 2, 4)
# Percentiles of loudness below the loudest moment, as speech's pauses show in them.
_LEVELS = (5, 25, 50, 75)
# Numbers a stretch: 8 ranges × (level, movement, skewness), how together they move, 4 levels, 4 lags, 3 lags × 4 quarters.
N_FEATURES = 3 * _RANGES + 1 + len(_LEVELS) + len(_LAGS) + 4 * len(_FINE_LAGS)
_DEEPEST_DB = 80.0


@dataclass(frozen=True)
class OODScore:
    """A track's score and the threshold above which the network doubts; both in multiples of what is usual in training."""

    score: float
    threshold: float

    @property
    def is_ood(self) -> bool:
        return self.score > self.threshold


@dataclass(frozen=True)
class OODDetector:
    """What a network's training tracks sound like: centre [D], whitening [D, D], so that (x − centre) @ whitening has
    spread 1 in every direction; threshold for `Doubt`; origin: where the threshold comes from, in a sentence."""

    centre: Array
    whitening: Array
    threshold: float = 0.0
    origin: str = ""

    def __post_init__(self) -> None:
        if self.centre.shape != (N_FEATURES,) or self.whitening.shape != (N_FEATURES, N_FEATURES):
            raise ValueError(
                f"doubt: arrays of {self.centre.shape} and {self.whitening.shape}; {N_FEATURES} numbers are needed"
            )
        if not (
            np.isfinite(self.centre).all()
            and np.isfinite(self.whitening).all()
            and 0 <= self.threshold < np.inf
        ):
            raise ValueError("doubt: numbers that are none, or a threshold below 0")

    def score(self, described: Array) -> float:
        """Statistics of a track's stretches [n, D] → its distance: the root mean square over dimensions, 1 where typical."""
        distances = np.sqrt(np.square((described - self.centre) @ self.whitening).mean(axis=1))
        return float(np.median(distances))

    def detect(self, described: Array | None) -> OODScore | None:
        """The verdict; None for a sound that is too short for one."""
        return None if described is None else OODScore(self.score(described), self.threshold)

    def to_dict(self) -> dict[str, Any]:
        """For config.json: numbers as words in lines, a row of the (lower triangular) whitening each."""
        rows = [
            " ".join(f"{value:.6g}" for value in row[: i + 1])
            for i, row in enumerate(self.whitening)
        ]
        centre = " ".join(f"{value:.6g}" for value in self.centre)
        return {
            "threshold": self.threshold,
            "origin": self.origin,
            "centre": centre,
            "whitening": rows,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "OODDetector":
        """What to_dict made. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
        rows = [[float(word) for word in row.split()] for row in stored["whitening"]]
        if [len(row) for row in rows] != list(range(1, N_FEATURES + 1)):
            raise ValueError(f"doubt: whitening is no lower triangle of {N_FEATURES} rows")
        whitening = np.array([row + [0.0] * (N_FEATURES - len(row)) for row in rows])
        centre = np.array([float(word) for word in stored["centre"].split()])
        return cls(
            centre, whitening, float(stored["threshold"]), str(stored.get("origin", ""))[:400]
        )


def fit(described: Array) -> OODDetector:
    """The Gaussian of training stretches [n, D]; 5 % of the covariance is shrunk towards equal spreads, which steadies it."""
    centre, spread = described.mean(axis=0), described.std(axis=0) + 1e-9
    covariance = np.cov((described - centre) / spread, rowvar=False, bias=True)
    covariance = 0.95 * covariance + 0.05 * np.trace(covariance) / N_FEATURES * np.eye(N_FEATURES)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return OODDetector(centre, whitening / spread[:, None])


def threshold(scores: Array, share: float = FALSE_ALARM_RATE) -> float:
    """The smallest of the scores that at most this share of them lie above."""
    ordered = np.sort(scores)
    return float(ordered[len(ordered) - 1 - int(share * len(ordered))])


def features(mel: Tensor, front_end: FrontEnd) -> Array | None:
    """Statistics of each stretch, whatever the level of the whole: [M, F] dB -> [n, D]; None below MIN_SECONDS.

    Stretches are WINDOW_SECONDS long and overlap by a third; a shorter sound is one stretch.
    """
    n_frames = mel.shape[1]
    if (
        n_frames < front_end.frames(MIN_SECONDS)
        or mel.shape[0] < _FINE_RANGES
        or n_frames <= max(_LAGS)
    ):
        return None
    width = min(n_frames, front_end.frames(WINDOW_SECONDS))
    count = 1 if width == n_frames else max(2, round(1.5 * n_frames / width))
    starts = np.linspace(0, n_frames - width, count).round().astype(int)
    values = mel.numpy().astype(np.float32)
    values = np.maximum(values - values.max(), np.float32(-_DEEPEST_DB))
    return np.concatenate([_described(values[:, start : start + width]) for start in starts])


def _described(x: "np.ndarray[Any, np.dtype[np.float32]]") -> Array:
    """One stretch [M, W] -> [1, D]. Logarithms where a quantity is a ratio; small constants keep them finite in silence."""
    ranges = _means(x, _RANGES)  # [8, W]
    level, moved = ranges.mean(axis=1), ranges.std(axis=1)
    z = (ranges - level[:, None]) / np.sqrt(moved**2 + 0.05)[:, None]
    together = np.log(z.mean(axis=0).var() + 0.02)
    loudness = 10 * np.log10((10 ** (x / 10)).sum(axis=0))
    below = np.log(1 + loudness.max() - np.percentile(loudness, _LEVELS))
    quarters = x[: len(x) // _FINE_RANGES * _FINE_RANGES]
    coarse = _means(quarters, _FINE_RANGES)
    fine = quarters - np.repeat(coarse, len(quarters) // _FINE_RANGES, axis=0)
    envelope = (coarse - coarse.mean(axis=0))[None]
    kept = [_kept(envelope, lag) for lag in _LAGS]
    held = [_kept(fine.reshape(4, -1, x.shape[1]), lag) for lag in _FINE_LAGS]
    parts = (level, np.log(moved + 0.3), (z**3).mean(axis=1), [together], below, *kept, *held)
    return np.concatenate([np.asarray(part, dtype=np.float64) for part in parts])[None]


def _means(
    x: "np.ndarray[Any, np.dtype[np.float32]]", parts: int
) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Mean of so many ranges of neighbouring bands: [M, W] -> [parts, W]; bands left over at the top join no range."""
    size = len(x) // parts
    return np.asarray(x[: size * parts].reshape(parts, size, -1).mean(axis=1))


def _kept(shapes: "np.ndarray[Any, np.dtype[np.float32]]", lag: int) -> Array:
    """How alike a shape is to itself some frames later, mean over time: [P, m, W] -> [P], 1 for what stands still."""
    power = np.square(shapes).mean(axis=1) + 0.25
    product = (shapes[..., lag:] * shapes[..., :-lag]).mean(axis=1)
    return np.asarray((product / np.sqrt(power[:, lag:] * power[:, :-lag])).mean(axis=1))
