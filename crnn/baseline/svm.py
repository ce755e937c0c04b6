"""A support vector machine over hand-made features, served without scikit-learn and without a pickle.

    features [D] ──> standardised [D] ──> RBF SVMs, one a pair of classes ──> votes [K] ──> sigmoids ──> distribution [K]

    config.json         labels, features, gamma, measured results, data and code revision
    model.safetensors   the arrays of `Svm`

What scikit-learn calls CalibratedClassifierCV(SVC(decision_function_shape="ovr"), method="sigmoid", ensemble=True) behind
a StandardScaler, given back in numpy: training/baseline/svm.py fits and exports it, tests/crnn/test_svm.py holds the two against
each other. The formulas are libsvm's (Chang & Lin 2011), Platt's sigmoid, and scikit-learn's way from pairs to classes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

from crnn.errors import CheckpointError
from crnn.model.metadata import BUNDLED

Array = np.ndarray[Any, np.dtype[np.float64]]
Index = np.ndarray[Any, np.dtype[np.int64]]

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"  # named as a network's
PERCENTILES = (5, 50, 95)
_KIND, _FORMAT = "svm", 1
_PART_ARRAYS = ("index", "counts", "dual", "intercepts", "slopes", "offsets")


@dataclass(frozen=True)
class Part:
    """One SVM of the ensemble, fitted on all folds but one, and the sigmoids fitted on that one.

    index [S]: its support vectors among `Svm.supports`, class after class; counts [K]: how many of each class;
    dual [K − 1, S] and intercepts [K (K − 1) / 2]: libsvm's coefficients; slopes, offsets [K] of the sigmoids
    1 / (1 + exp(slope · votes + offset)).
    """

    index: Index
    counts: Index
    dual: Array
    intercepts: Array
    slopes: Array
    offsets: Array

    def distributions(self, kernel: Array) -> Array:
        """Shape: kernel [N, U], against every support vector of the ensemble -> [N, K], rows sum to 1."""
        z = self.slopes * self.votes(kernel[:, self.index]) + self.offsets
        sigmoids = np.exp(-np.logaddexp(0.0, z))  # 1 / (1 + exp(z)) that can't overflow
        total = sigmoids.sum(axis=1, keepdims=True)
        # No class at all is as good as every class.
        evenly = np.full_like(sigmoids, 1 / len(self.counts))
        return np.asarray(np.divide(sigmoids, total, out=evenly, where=total > 0))

    def votes(self, kernel: Array) -> Array:
        """Pairs won by each class, plus less than 1/3 by how clearly: [N, S] -> [N, K], scikit-learn's "ovr" shape."""
        classes, ends = len(self.counts), np.cumsum([0, *self.counts])
        won, clearly = np.zeros((len(kernel), classes)), np.zeros((len(kernel), classes))
        pairs = ((i, j) for i in range(classes) for j in range(i + 1, classes))
        for (i, j), intercept in zip(pairs, self.intercepts, strict=True):
            of_i, of_j = slice(ends[i], ends[i + 1]), slice(ends[j], ends[j + 1])
            # Row j − 1 holds what class i's vectors weigh against class j: a class has no row against itself.
            margin = (
                kernel[:, of_i] @ self.dual[j - 1, of_i]
                + kernel[:, of_j] @ self.dual[i, of_j]
                + intercept
            )
            clearly[:, i] += margin
            clearly[:, j] -= margin
            won[:, i] += margin >= 0
            won[:, j] += margin < 0
        return np.asarray(won + clearly / (3 * (np.abs(clearly) + 1)))


@dataclass(frozen=True)
class SVM:
    """An ensemble of calibrated SVMs and what it needs to be served.

    features [D]: names in crnn.baseline.features; centre, scale [D]: their mean and standard deviation in training; supports [U, D]:
    support vectors of all parts, standardised; ranges [K, 3, D]: 5th, 50th and 95th percentile of each feature over the
    training tracks of each class, in the feature's own unit. results: measured figures by protocol.
    Raises CheckpointError where sizes do not fit together.
    """

    task: str
    labels: tuple[str, ...]
    features: tuple[str, ...]
    centre: Array
    scale: Array
    gamma: float
    supports: Array
    parts: tuple[Part, ...]
    ranges: Array
    results: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        k, d, u = len(self.labels), len(self.features), len(self.supports)
        if k < 3:
            raise CheckpointError(
                f"An SVM of {k} classes; 3 or more are needed (two have another decision rule)."
            )
        sizes = {
            "centre": (self.centre, (d,)),
            "scale": (self.scale, (d,)),
            "supports": (self.supports, (u, d)),
            "ranges": (self.ranges, (k, len(PERCENTILES), d)),
        }
        for number, part in enumerate(self.parts):
            vectors = len(part.index)
            shapes = ((vectors,), (k,), (k - 1, vectors), (k * (k - 1) // 2,), (k,), (k,))
            sizes |= {
                f"{name} {number}": (getattr(part, name), shape)
                for name, shape in zip(_PART_ARRAYS, shapes, strict=True)
            }
            if int(part.counts.sum()) != vectors or (
                vectors and not 0 <= part.index.min() <= part.index.max() < u
            ):
                raise CheckpointError(f"Part {number} names support vectors that are not there.")
        for name, (array, shape) in sizes.items():
            if array.shape != shape:
                raise CheckpointError(f"{name} has shape {array.shape}; {shape} is needed.")
        if not self.parts or not self.gamma > 0:
            raise CheckpointError(
                f"{len(self.parts)} SVMs with gamma {self.gamma}; at least one, above 0, is needed."
            )

    def probabilities(self, values: Array) -> Array:
        """Shape: values [N, D] in the features' own units -> [N, K], rows sum to 1. ValueError for other shapes or NaN."""
        values = np.asarray(values, dtype=np.float64)
        if (
            values.ndim != 2
            or values.shape[1] != len(self.features)
            or not np.isfinite(values).all()
        ):
            raise ValueError(
                f"values have shape {values.shape}; finite [N, {len(self.features)}] are needed"
            )
        distance = (values - self.centre) / self.scale
        square = (
            (distance**2).sum(1)[:, None]
            + (self.supports**2).sum(1)
            - 2 * distance @ self.supports.T
        )
        kernel = np.exp(-self.gamma * np.maximum(square, 0.0))
        return np.asarray(np.mean([part.distributions(kernel) for part in self.parts], axis=0))

    def predict(self, features: Mapping[str, float]) -> dict[str, float]:
        """Label → probability of one track, from what `crnn.baseline.features.extract` returns; ValueError if a feature is missing."""
        missing = [name for name in self.features if name not in features]
        if missing:
            raise ValueError(
                f"{len(missing)} of {len(self.features)} features are missing, the first: {missing[0]}"
            )
        row = self.probabilities(np.array([[features[name] for name in self.features]]))[0]
        return {label: float(p) for label, p in zip(self.labels, row, strict=True)}

    def percentiles(self, feature: str) -> dict[str, tuple[float, float, float]]:
        """Label → 5th, 50th, 95th percentile of a feature over that class's training tracks; ValueError if unknown."""
        if feature not in self.features:
            raise ValueError(f"feature {feature!r}: one of {', '.join(self.features)} is needed")
        column = self.ranges[:, :, self.features.index(feature)]
        return {
            label: (float(a), float(b), float(c))
            for label, (a, b, c) in zip(self.labels, column, strict=True)
        }

    @property
    def digest(self) -> str:
        """Twelve hex digits of the SHA-256 over the arrays and gamma: the same SVM, the same digest."""
        found = hashlib.sha256(repr(self.gamma).encode())
        for name, array in sorted(self._arrays().items()):
            found.update(name.encode())
            found.update(array.tobytes())
        return found.hexdigest()[:12]

    def _arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        arrays = {name: getattr(self, name) for name in ("centre", "scale", "supports", "ranges")}
        for number, part in enumerate(self.parts):
            arrays |= {f"part{number}.{name}": getattr(part, name) for name in _PART_ARRAYS}
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def save(self, folder: Path) -> None:
        """Write config and arrays."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self._arrays(), folder / WEIGHTS)
        config = {
            "kind": _KIND,
            "format": _FORMAT,
            "task": self.task,
            "labels": self.labels,
            "features": self.features,
            "gamma": self.gamma,
            "parts": len(self.parts),
            "percentiles": PERCENTILES,
            "results": self.results,
            "data": self.data,
            "revision": self.revision,
        }
        # Last: its presence says that the folder is complete.
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, source: str | Path) -> "SVM":
        """Read the bundled SVM by its task ("genre"), or a folder. Raises CheckpointError, saying what does not fit."""
        folder = BUNDLED / "svm-genre" if source == "genre" else Path(source)
        for name in (CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                raise CheckpointError(
                    f"{folder.name}: no {name} there. An SVM is a folder with {CONFIG} and {WEIGHTS}, such as "
                    "`python -m training svm` writes."
                )
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            if (config["kind"], config["format"]) != (_KIND, _FORMAT):
                raise CheckpointError(
                    f"{folder.name}: kind {config['kind']!r}, format {config['format']}; "
                    f"this version reads {_KIND!r}, format {_FORMAT}."
                )
            arrays = load_file(folder / WEIGHTS)
            parts = (
                Part(**{name: arrays[f"part{number}.{name}"] for name in _PART_ARRAYS})
                for number in range(config["parts"])
            )
            return cls(
                task=str(config["task"]),
                labels=tuple(config["labels"]),
                features=tuple(config["features"]),
                gamma=float(config["gamma"]),
                parts=tuple(parts),
                **{name: arrays[name] for name in ("centre", "scale", "supports", "ranges")},
                results=config.get("results", {}),
                data=config.get("data", ""),
                revision=config.get("revision", ""),
            )
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            safetensors.SafetensorError,
        ) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"{folder.name}: {CONFIG} or {WEIGHTS} is damaged or not an SVM of ours ({reason})."
            ) from error
