"""Measured results (assets/results/*.json) and their tables as pandas data frames of text.

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
import pandas as pd

Result = dict[str, Any]
Array = np.ndarray[Any, np.dtype[np.float64]]

FOLDER = Path(__file__).parent.parent / "assets" / "results"
MISSING = "–"

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

# Figure → column heading, factor, decimals; in the order of their columns. Other figures follow.
METRICS: dict[str, tuple[str, int, int]] = {
    "track_accuracy": ("Track accuracy (%)", 100, 1),
    "standard_error": ("SE (points)", 100, 1),
    "tracks_won": ("Only this correct", 1, 0),
    "tracks_lost": ("Only baseline correct", 1, 0),
    "p_value": ("p", 1, 3),
    "track_macro_f1": ("Macro F1 (%)", 100, 1),
    "track_mean_recall": ("Mean recall (%)", 100, 1),
    "segment_accuracy": ("Segment accuracy (%)", 100, 1),
    "training_accuracy": ("Training accuracy (%)", 100, 1),
    "segment_macro_f1": ("Segment macro F1 (%)", 100, 1),
    "calibration_error": ("Calibration error (points)", 100, 1),
    "validation_loss": ("Validation loss (nats)", 1, 3),
    "loss_difference": ("Difference in loss", 1, 3),
    "interval_low": ("95% from", 1, 3),
    "interval_high": ("95% to", 1, 3),
    "total_variation": ("Total variation distance (%)", 100, 1),
    "total_variation_max": ("Largest total variation distance (%)", 100, 1),
    "total_variation_redrawn": ("Total variation distance, noise resampled (%)", 100, 1),
    "difference_db": ("Difference (dB)", 1, 2),
    "difference_db_redrawn": ("Difference, noise resampled (dB)", 1, 2),
    "same_top_class": ("Same top class (%)", 100, 1),
    "track_accuracy_spoilt_alike": ("Track accuracy, augmented test tracks (%)", 100, 1),
    "share_doubted": ("Flagged (%)", 100, 1),
    "tracks": ("Tracks", 1, 0),
}
_NAMES = ("name", "augmentation")


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


def protocol_table(folder: Path | None = None) -> pd.DataFrame:
    """One row a protocol: network, SVM baseline and the paper, in percent."""
    svm = (load("svm", folder) or {}).get("protocols", {})
    rows = []
    for name, result in protocols(folder).items():
        paper = PROTOCOLS.get(name, ("", None))[1]
        keys = ("track_accuracy", "track_macro_f1", "segment_accuracy")
        rows.append(
            {"Protocol": name, "Description": question(name, result)}
            | {METRICS[key][0]: cell(key, *value_and_spread(result, key)) for key in keys}
            | {
                "SVM: track accuracy (%)": cell(
                    "track_accuracy", *value_and_spread(svm[name], "track_accuracy")
                )
                if name in svm
                else MISSING,
                "Paper: track accuracy (%)": MISSING if paper is None else f"{100 * paper:.0f}",
            }
        )
    return pd.DataFrame(rows)


def run_table(results: dict[str, Result]) -> pd.DataFrame:
    """The runs behind protocols: one row a run with its seed, code revision and accuracy."""
    rows = [
        {
            "Protocol": name,
            "Run": str(run.get("run", f"bundled weights {run.get('weights', '')}")),
            "Seed": str(run.get("seed", MISSING)),
            "Code": str(run.get("revision", MISSING)),
            METRICS["track_accuracy"][0]: cell("track_accuracy", run["track_accuracy"]),
        }
        for name, result in results.items()
        for run in result.get("runs", [result])
    ]
    return pd.DataFrame(rows)


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


def table(result: Result) -> pd.DataFrame:
    """A table as text: the row's name under "", each of our figures with the paper's beside it."""
    rows = result["rows"]
    keys = dict.fromkeys(key for row in rows for key, entry in row.items() if _shown(key, entry))
    columns = {"": [row_name(row) for row in rows]}
    for key in sorted(keys, key=lambda key: [*METRICS, key].index(key)):
        head = heading(key)
        columns[head] = [_entry(key, row.get(key), row.get("unit")) for row in rows]
        if any(key in paper(row) for row in rows):
            theirs = [paper(row).get(key) for row in rows]
            columns[f"Paper: {head[0].lower()}{head[1:]}"] = [_entry(key, x) for x in theirs]
    return pd.DataFrame(columns)


def source_runs(result: Result) -> pd.DataFrame:
    """The runs behind a table's rows, and what each of them measured."""
    lines = []
    for row in result["rows"]:
        runs = row.get("runs") or []
        entries = {key: row[key].get("each") for key in METRICS if isinstance(row.get(key), dict)}
        key, each = next(((key, each) for key, each in entries.items() if each), ("", []))
        for i, run in enumerate(runs):
            measured = {heading(key): _entry(key, each[i])} if len(each) == len(runs) else {}
            lines.append({"": row_name(row), "Run": str(run)} | measured)
    return pd.DataFrame(lines)


def further_tables(result: Result) -> dict[str, pd.DataFrame]:
    """Further lists of rows that a result holds, by their name."""
    lists = {key: rows for key, rows in result.items() if key != "rows" and isinstance(rows, list)}
    return {
        key.capitalize(): table({"rows": rows})
        for key, rows in lists.items()
        if rows and all(isinstance(row, dict) and row_name(row) for row in rows)
    }


def flatten(result: Result) -> pd.DataFrame:
    """Any measurement as rows of name and value; nested names are joined by ": "."""

    def text(entry: Any) -> str:
        number = value(entry)
        return str(entry) if number is None else _number(number[0], None)

    flat = pd.json_normalize(result, sep=": ").iloc[0].items()
    return pd.DataFrame(
        [
            {
                "": str(name).replace("_", " "),
                "Value": ", ".join(map(text, entry)) if isinstance(entry, list) else text(entry),
            }
            for name, entry in flat
        ]
    )


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


def curve(run: dict[str, Any], key: str) -> "pd.Series[float]":
    """A column of a run's history by epoch, without the epochs in which it was not measured."""
    return pd.Series(run.get(key) or [], run["epoch"] if run.get(key) else [], float).dropna()


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
    return str(next((row[key] for key in _NAMES if key in row), ""))


def heading(key: str) -> str:
    """A figure's column heading."""
    return METRICS[key][0] if key in METRICS else key.replace("_", " ").capitalize()


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


def cell(key: str, mean: float, sd: float | None = None) -> str:
    """A figure as text in its unit: "66.9 ± 1.5"."""
    if key == "p_value" and mean < 0.001:
        return "< 0.001"
    _, factor, digits = METRICS.get(key, ("", 1, None))
    numbers = [_number(factor * number, digits) for number in (mean, sd) if number is not None]
    return " ± ".join(numbers)


def _shown(key: str, entry: Any) -> bool:
    return key not in (*_NAMES, "paper", "unit") and (
        value(entry) is not None or isinstance(entry, str)
    )


def _entry(key: str, entry: Any, unit: str | None = None) -> str:
    if isinstance(entry, str):
        return entry.capitalize() if key == "network" else entry
    number = value(entry)
    if number is None:
        return MISSING
    return f"{cell(key, *number)} {unit}" if unit and key == "value" else cell(key, *number)


def _number(number: float, digits: int | None) -> str:
    """Three significant figures where no number of decimals is asked for."""
    if digits is None:
        whole = abs(number) >= 100 or number == int(number)
        digits = 0 if whole else 1 if abs(number) >= 10 else 2 if abs(number) >= 1 else 3
    return f"{number:,.{digits}f}"


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
