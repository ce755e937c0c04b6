"""Tables of measured results: pandas data frames of text."""

from pathlib import Path
from typing import Any

import pandas as pd

from crnn.results.measured import (
    NAMES,
    PROTOCOLS,
    Result,
    load,
    paper,
    protocols,
    question,
    row_name,
    value,
    value_and_spread,
)

MISSING = "–"

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


def curve(run: dict[str, Any], key: str) -> "pd.Series[float]":
    """A column of a run's history by epoch, without the epochs in which it was not measured."""
    return pd.Series(run.get(key) or [], run["epoch"] if run.get(key) else [], float).dropna()


def heading(key: str) -> str:
    """A figure's column heading."""
    return METRICS[key][0] if key in METRICS else key.replace("_", " ").capitalize()


def cell(key: str, mean: float, sd: float | None = None) -> str:
    """A figure as text in its unit: "66.9 ± 1.5"."""
    if key == "p_value" and mean < 0.001:
        return "< 0.001"
    _, factor, digits = METRICS.get(key, ("", 1, None))
    numbers = [_number(factor * number, digits) for number in (mean, sd) if number is not None]
    return " ± ".join(numbers)


def _shown(key: str, entry: Any) -> bool:
    return key not in (*NAMES, "paper", "unit") and (
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
