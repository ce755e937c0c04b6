"""Measured results (assets/results/*.json), and what is read from them.

A protocol's result has `protocol`, `context`, `task` and `labels`, and its figures either at the
top level (one measurement) or as `summary` (mean and sd) with `runs` (one entry a seed or fold)
and, where the folds' test predictions were pooled, `pooled`. A table has `table`, `title`,
`context`, `note` and `rows`: {"name", "paper", "runs", figure: {"mean", "sd", "each"} or a
number}.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Result = dict[str, Any]

FOLDER = Path(__file__).parents[2] / "assets" / "results"

# Protocol → what it measures, and the paper's track accuracy if it has one (Tables V and VIII).
PROTOCOLS: dict[str, tuple[str, float | None]] = {
    "F": ("Genre, artist-disjoint (fault-filtered GTZAN)", None),
    "P": ("Genre, random split (as in the paper)", 0.92),
    "N": ("Genre, new songs (another collection)", None),
    "M": ("Mood, artist-disjoint (five moods)", 0.74),
    "M-quadrants": ("Mood quadrants, artist-disjoint", None),
    "M-mixed": ("Mood, artist overlap (five moods)", None),
    "M-quadrants-mixed": ("Mood quadrants, artist overlap", None),
}
# Tables that repeat the paper's, and those that go beyond it, in the order in which they are shown.
PAPER = ("V", "VII-trained", "VII", "choices", "mood-grid", "curves")
BEYOND = ("leakage", "ablation", "ablation-mood", "noise", "codecs", "live", "scale")

# Where a row of a table may have its name.
NAMES = ("name", "augmentation")


def load(name: str, folder: Path | None = None) -> Result | None:
    """One result by its name ("F", "VII", …); None where it has not been measured."""
    file = (folder or FOLDER) / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def names(folder: Path | None = None) -> list[str]:
    """The names of all results in the folder."""
    return sorted(file.stem for file in (folder or FOLDER).glob("*.json"))


def protocols(folder: Path | None = None) -> dict[str, Result]:
    """Results of protocols in PROTOCOLS' order, then those of other recipes ("F-genre-alone")."""
    known = [*PROTOCOLS, *(name for name in names(folder) if name not in PROTOCOLS)]
    results = {name: result for name in known if (result := load(name, folder)) is not None}
    return {name: result for name, result in results.items() if "protocol" in result}


def question(name: str, result: Result) -> str:
    """What a protocol measures, with the recipe where it is not the bundled one."""
    recipe = str(result.get("recipe", name))
    if name in PROTOCOLS:
        return PROTOCOLS[name][0]
    known = (name.removesuffix(f"-{recipe}"), result["protocol"])
    title = next((PROTOCOLS[key][0] for key in known if key in PROTOCOLS), name)
    return f"{title}, recipe {recipe}"


def value_and_spread(result: Result, key: str) -> tuple[float, float | None]:
    """A protocol's figure and its standard deviation: pooled over folds, or mean over runs."""
    spread = result.get("summary", {}).get(key)
    if spread is None:
        return float(result[key]), None
    return float(result.get("pooled", {}).get(key, spread["mean"])), spread["sd"]


def has_figure(result: Result, key: str) -> bool:
    """Whether a protocol's result has a figure; older ones lack some."""
    return key in result or key in result.get("summary", {})


def confusion(result: Result) -> list[list[int]]:
    """Confusion matrix [K, K] (rows: true class, columns: predicted), summed over runs."""
    parts = (
        [result.get("pooled", result)]
        if "pooled" in result or "confusion" in result
        else result["runs"]
    )
    total: list[list[int]] = np.sum([part["confusion"] for part in parts], axis=0).tolist()
    return total


def per_class_recall(result: Result) -> dict[str, float]:
    """Recall of every class that was tested, from the confusion matrix."""
    matrix = np.array(confusion(result))
    tested = matrix.sum(axis=1)
    return {
        label: float(matrix[k, k] / tested[k])
        for k, label in enumerate(result["labels"])
        if tested[k]
    }


def reliability(result: Result) -> list[dict[str, float]]:
    """Reliability diagram, pooled over runs: confidence, accuracy ("right"), tracks by bin."""
    parts = [result["pooled"]] if "pooled" in result else result.get("runs", [result])
    points = [point for part in parts for point in part.get("reliability", [])]
    columns = [[point[name] for point in points] for name in ("confidence", "right", "tracks")]
    confidence, right, tracks = np.array(columns, dtype=float)
    bins = np.minimum((10 * confidence).astype(int), 9)
    sums = [np.bincount(bins, values) for values in (confidence * tracks, right * tracks, tracks)]
    return [
        {"confidence": float(x / n), "right": float(y / n), "tracks": float(n)}
        for x, y, n in zip(*sums, strict=True)
        if n
    ]


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927).

    As SciPy's `binomtest` has it; to import scipy.stats takes 60 MB and a second of the first page.
    """
    z2 = 1.959963984540054**2
    centre, half = right + z2 / 2, (z2 * (right * (count - right) / count + z2 / 4)) ** 0.5
    return (max(0.0, (centre - half) / (count + z2)), min(1.0, (centre + half) / (count + z2)))


def new_song_recalls(result: Result) -> list[dict[str, Any]]:
    """Recalls on new songs, best first: label, tracks, recall, 95 % interval (Wilson 1927)."""
    rows = []
    for label, entry in result.get("recall", {}).items():
        tracks, recall = entry["tracks"], entry["recall"]
        low, high = wilson_interval(round(recall * tracks), tracks)
        rows.append({"label": label, "tracks": tracks, "recall": recall, "low": low, "high": high})
    return sorted(rows, key=lambda row: -row["recall"])


def title(result: Result) -> str:
    """A table's title."""
    name = str(result.get("table", ""))
    return str(result.get("title") or name.replace("-", " ").capitalize())


def paper_comparison(
    result: Result, key: str = "track_accuracy"
) -> list[tuple[str, float, float, float]]:
    """(name, ours, its standard deviation or 0, the paper's) of each row that has both."""
    pairs = [(row_name(row), value(row.get(key)), paper(row).get(key)) for row in result["rows"]]
    return [
        (name, ours[0], ours[1] or 0.0, theirs)
        for name, ours, theirs in pairs
        if ours is not None and theirs is not None
    ]


def source(result: Result) -> str:
    """Where a table's figures come from: protocol, spectrogram, score, threshold."""
    threshold = result.get("threshold")
    if isinstance(threshold, dict):
        threshold = ", ".join(f"{name} {limit:.3g}" for name, limit in threshold.items())
    elif threshold is not None:
        threshold = f"{threshold:.3g}"
    heads = (("Spectrogram", result.get("grid")), ("Score", result.get("score")))
    parts = [result.get("context"), *(f"{head}: {x}" for head, x in heads if x)]
    parts += [f"Threshold: {threshold}"] if threshold else []
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in parts if part)


def row_name(row: dict[str, Any]) -> str:
    """The name of a table's row; "" where it has none."""
    return str(next((row[key] for key in NAMES if key in row), ""))


def value(entry: Any) -> tuple[float, float | None] | None:
    """(mean, sd) of a figure, however it is written; None for what is not a number."""
    if isinstance(entry, dict) and isinstance(entry.get("mean"), (int, float)):
        return float(entry["mean"]), entry.get("sd")
    if isinstance(entry, (int, float)) and not isinstance(entry, bool):
        return float(entry), None
    return None


def paper(row: dict[str, Any]) -> dict[str, float]:
    """The paper's figures of a row; a bare number is its track accuracy."""
    entry = row.get("paper")
    if entry is None:
        return {}
    return dict(entry) if isinstance(entry, dict) else {"track_accuracy": float(entry)}


@dataclass(frozen=True)
class ClassAccuracy:
    """How well one class is recognised, in tracks of one run.

    Attributes:
        tracks: of the class; recall: the fraction of them that is predicted as the class.
        predictions: of the class; precision: the fraction of them that is correct.
        confused: the class that its tracks are most often predicted as instead, and how often, as
            a fraction of them.
    """

    tracks: int
    recall: float
    predictions: int
    precision: float
    confused: tuple[str, float] | None


def class_accuracy(result: Result, label: str) -> ClassAccuracy:
    """Recall, precision and the most frequent confusion of a class, from the confusion matrix."""
    runs = 1 if "pooled" in result else len(result.get("runs", [result]))
    matrix, k = np.array(confusion(result)), result["labels"].index(label)
    tracks, predictions = int(matrix[k].sum()), int(matrix[:, k].sum())
    others = np.where(np.arange(len(matrix)) == k, 0, matrix[k])
    most = int(others.argmax())
    confused = (result["labels"][most], float(others[most] / tracks)) if others[most] else None
    recall, precision = (float(matrix[k, k] / n) if n else 0.0 for n in (tracks, predictions))
    return ClassAccuracy(
        round(tracks / runs), recall, round(predictions / runs), precision, confused
    )
