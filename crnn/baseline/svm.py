"""A support vector machine (SVM) over hand-crafted features, stored as plain arrays: no pickle.

    features [D] ─> standardised [D] ─> RBF SVMs, one a pair of classes ─> votes [K]
    ─> sigmoids ─> probabilities [K]

    config.json         labels, features, gamma, measured results, data and code revision
    model.safetensors   the arrays of `SVM`

What scikit-learn calls CalibratedClassifierCV(SVC(decision_function_shape="ovr"), method="sigmoid",
ensemble=True) behind a StandardScaler: training/baseline/svm.py fits and exports it,
tests/crnn/baseline/test_svm.py compares the two. The formulas are libsvm's (Chang & Lin 2011),
Platt's sigmoid, and scikit-learn's way from pairs to classes.
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
from scipy.spatial.distance import cdist
from scipy.special import expit

from crnn.errors import CheckpointError
from crnn.model.metadata import BUNDLED, read_config
from crnn.untrusted import MALFORMED

Array = np.ndarray[Any, np.dtype[np.float64]]
Index = np.ndarray[Any, np.dtype[np.int64]]

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"  # named as a network's
PERCENTILES = (5, 50, 95)
_KIND, _FORMAT = "svm", 1
_ARRAYS = ("centre", "scale", "supports", "ranges")
_MEMBER_ARRAYS = ("index", "counts", "dual", "intercepts", "slopes", "offsets")


@dataclass(frozen=True)
class Member:
    """One SVM of the ensemble, fitted on all folds but one, and the sigmoids fitted on that one.

    index [S]: its support vectors among `SVM.supports`, class after class; counts [K]: how many of
    each class; dual [K − 1, S] and intercepts [K (K − 1) / 2]: libsvm's coefficients; slopes,
    offsets [K] of the sigmoids 1 / (1 + exp(slope · votes + offset)).
    """

    index: Index
    counts: Index
    dual: Array
    intercepts: Array
    slopes: Array
    offsets: Array

    def probabilities(self, kernel: Array) -> Array:
        """Shape: kernel [N, U] with all support vectors -> [N, K], rows sum to 1."""
        sigmoids = expit(-(self.slopes * self.votes(kernel[:, self.index]) + self.offsets))
        total = sigmoids.sum(axis=1, keepdims=True)
        # No class at all is as good as every class.
        uniform = np.full_like(sigmoids, 1 / len(self.counts))
        return np.asarray(np.divide(sigmoids, total, out=uniform, where=total > 0))

    def votes(self, kernel: Array) -> Array:
        """Pairs won by each class plus up to 1/3 for the margins ("ovr"): [N, S] -> [N, K]."""
        i, j = np.triu_indices(len(self.counts), 1)  # the two classes of each pair
        owner = np.repeat(np.arange(len(self.counts)), self.counts)[:, None]  # class of each vector
        # Row j − 1 has the weights of class i's vectors against class j: no row against itself.
        weights = np.where(owner == i, self.dual[j - 1].T, (owner == j) * self.dual[i].T)  # [S, P]
        margins = kernel @ weights + self.intercepts
        first, second = np.eye(len(self.counts))[i], np.eye(len(self.counts))[j]  # [P, K]
        won = (margins >= 0) @ first + (margins < 0) @ second
        clearly = margins @ (first - second)
        return np.asarray(won + clearly / (3 * (np.abs(clearly) + 1)))


@dataclass(frozen=True)
class SVM:
    """An ensemble of calibrated SVMs.

    features [D]: names in crnn.baseline.features; centre, scale [D]: their mean and standard
    deviation in training; supports [U, D]: support vectors of all members, standardised; ranges
    [K, 3, D]: 5th, 50th and 95th percentile of each feature over the training tracks of each class,
    in the feature's own unit; results: measured figures by protocol.

    Raises:
        CheckpointError: where sizes do not fit together.
    """

    task: str
    labels: tuple[str, ...]
    features: tuple[str, ...]
    centre: Array
    scale: Array
    gamma: float
    supports: Array
    members: tuple[Member, ...]
    ranges: Array
    results: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        k, d = len(self.labels), len(self.features)
        if k < 3:
            raise CheckpointError(
                f"An SVM of {k} classes; 3 or more are needed (two have another decision rule)."
            )
        try:
            probabilities = self.probabilities(self.centre[None])
        except (ValueError, IndexError) as error:
            raise CheckpointError(
                f"The SVM's arrays have shapes that do not fit: {error}."
            ) from error
        shapes = (probabilities.shape, self.ranges.shape)
        if shapes != ((1, k), (k, len(PERCENTILES), d)):
            raise CheckpointError(
                f"Arrays of {k} classes and {d} features have other shapes: {shapes}."
            )
        if not self.gamma > 0:
            raise CheckpointError(f"gamma is {self.gamma}; above 0 is needed.")

    def probabilities(self, values: Array) -> Array:
        """Shape: values [N, D] in the features' own units -> [N, K], rows sum to 1.

        Raises:
            ValueError: for other shapes or NaN.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.shape[1:] != (len(self.features),) or not np.isfinite(values).all():
            raise ValueError(
                f"values have shape {values.shape}; finite [N, {len(self.features)}] are needed"
            )
        standardised = (values - self.centre) / self.scale
        kernel = np.exp(-self.gamma * cdist(standardised, self.supports, "sqeuclidean"))
        return np.asarray(np.mean([m.probabilities(kernel) for m in self.members], axis=0))

    def predict(self, features: Mapping[str, float]) -> dict[str, float]:
        """Label → probability of one track.

        Args:
            features: what `crnn.baseline.features.extract` returns.

        Raises:
            ValueError: where a feature is missing.
        """
        missing = [name for name in self.features if name not in features]
        if missing:
            count = f"{len(missing)} of {len(self.features)}"
            raise ValueError(f"{count} features are missing, the first: {missing[0]}")
        row = self.probabilities(np.array([[features[name] for name in self.features]]))[0]
        return dict(zip(self.labels, row.tolist(), strict=True))

    def percentiles(self, feature: str) -> dict[str, tuple[float, ...]]:
        """Label → 5th, 50th, 95th percentile of a feature over that class's training tracks."""
        if feature not in self.features:
            raise ValueError(f"feature {feature!r}: one of {', '.join(self.features)} is needed")
        column = self.ranges[:, :, self.features.index(feature)].tolist()
        return {label: tuple(row) for label, row in zip(self.labels, column, strict=True)}

    @property
    def digest(self) -> str:
        """Twelve hex digits of the SHA-256 over the arrays and gamma."""
        digest = hashlib.sha256(repr(self.gamma).encode())
        for name, array in sorted(self._arrays().items()):
            digest.update(name.encode())
            digest.update(array.tobytes())
        return digest.hexdigest()[:12]

    def _arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        for number, member in enumerate(self.members):
            arrays |= {f"part{number}.{name}": getattr(member, name) for name in _MEMBER_ARRAYS}
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def save(self, folder: Path) -> None:
        """Write config and arrays."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self._arrays(), folder / WEIGHTS)
        names = ("task", "labels", "features", "gamma", "results", "data", "revision")
        config: dict[str, Any] = {"kind": _KIND, "format": _FORMAT, "parts": len(self.members)}
        config |= {"percentiles": PERCENTILES} | {name: getattr(self, name) for name in names}
        # Last: its presence shows that the folder is complete.
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, source: str | Path) -> "SVM":
        """Read the bundled SVM by its task ("genre"), or a folder.

        Raises:
            CheckpointError: what is missing or does not fit.
        """
        folder = BUNDLED / "svm-genre" if source == "genre" else Path(source)
        for name in (CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                raise CheckpointError(
                    f"{folder.name}: no {name} there. An SVM is a folder with {CONFIG} and "
                    f"{WEIGHTS}, such as `python -m training svm` writes."
                )
        try:
            config = read_config(folder / CONFIG)
            if (config["kind"], config["format"]) != (_KIND, _FORMAT):
                raise CheckpointError(
                    f"{folder.name}: kind {config['kind']!r}, format {config['format']}; "
                    f"this version reads {_KIND!r}, format {_FORMAT}."
                )
            arrays = load_file(folder / WEIGHTS)
            members = (
                Member(**{name: arrays[f"part{number}.{name}"] for name in _MEMBER_ARRAYS})
                for number in range(config["parts"])
            )
            return cls(
                task=str(config["task"]),
                labels=tuple(config["labels"]),
                features=tuple(config["features"]),
                gamma=float(config["gamma"]),
                members=tuple(members),
                **{name: arrays[name] for name in _ARRAYS},
                results=config.get("results", {}),
                data=config.get("data", ""),
                revision=config.get("revision", ""),
            )
        except (*MALFORMED, safetensors.SafetensorError) as error:
            reason = str(error).partition("\n")[0]
            raise CheckpointError(
                f"{folder.name}: {CONFIG} or {WEIGHTS} is damaged or no SVM of ours ({reason})."
            ) from error
