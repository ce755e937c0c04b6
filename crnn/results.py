"""The measured figures that ship with the project (assets/results), as pages and cards show them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "assets" / "results"


def load(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """One result by its name ("F", "VII", …), None where it was not measured yet."""
    file = folder / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


# Name, question in words, the paper's accuracy where it has one for it (Tables V and VIII).
PROTOCOLS = {
    "F": ("Genre, artists never heard", None),
    "P": ("Genre, random tracks, as the paper split them", 0.92),
    "N": ("Genre, new songs of another collection", None),
    "M": ("Mood, five classes, artists never heard", 0.74),
    "M-quadrants": ("Mood, four quadrants, artists never heard", None),
}


def figure(result: dict[str, Any], key: str) -> tuple[float, float | None]:
    """A figure of a result and its spread: pooled over folds, mean over runs, or of the one measurement."""
    spread = result.get("summary", {}).get(key)
    if spread is None:
        return float(result[key]), None
    centre = result.get("pooled", {}).get(key, spread["mean"])
    return float(centre), spread["sd"]


def protocol_rows(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """One row a protocol that was measured: network, baseline and paper, in percent of tracks named right."""
    svm = (load("svm", folder) or {}).get("protocols", {})
    rows = []
    for name, (question, paper) in PROTOCOLS.items():
        result = load(name, folder)
        if result is None:
            continue
        rows.append(
            {
                "Protocol": name,
                "Question": question,
                "Network (%)": _percent(result, "track_accuracy"),
                "Macro F1 (%)": _percent(result, "track_macro_f1"),
                "Segments (%)": _percent(result, "segment_accuracy"),
                "SVM (%)": _percent(svm[name], "track_accuracy") if name in svm else "–",
                "Paper (%)": "–" if paper is None else f"{100 * paper:.0f}",
            }
        )
    return rows


def _percent(result: dict[str, Any], key: str) -> str:
    value, spread = figure(result, key)
    return f"{100 * value:.1f}" + (f" ± {100 * spread:.1f}" if spread is not None else "")


def confusion(result: dict[str, Any]) -> list[list[int]]:
    """Rows: what tracks are; columns: what was said; summed over runs where there are several."""
    if "pooled" in result or "confusion" in result:
        table: list[list[int]] = result.get("pooled", result)["confusion"]
        return table
    tables = [run["confusion"] for run in result["runs"]]
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]


def reliability(result: dict[str, Any]) -> list[dict[str, float]]:
    """Confidence against share right, joined over runs bin by bin; empty where it was not measured."""
    parts = [result["pooled"]] if "pooled" in result else result.get("runs", [result])
    bins: dict[int, list[dict[str, float]]] = {}
    for part in parts:
        for point in part.get("reliability", []):
            bins.setdefault(min(9, int(10 * point["confidence"])), []).append(point)
    joined = []
    for _, points in sorted(bins.items()):
        tracks = sum(point["tracks"] for point in points)
        joined.append(
            {key: sum(p[key] * p["tracks"] for p in points) / tracks for key in ("confidence", "right")}
            | {"tracks": tracks}
        )
    return joined


def augmentation_rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Table VII as read by a test: percent of tracks named right under each augmentation, ours and the paper's."""
    return [
        {
            "Augmentation": row["augmentation"],
            "Tracks right (%)": round(100 * row["track_accuracy"]["mean"], 1),
            "Segments right (%)": round(100 * row["segment_accuracy"]["mean"], 1),
            "Paper (%)": None if row["paper"] is None else round(100 * row["paper"], 1),
        }
        for row in table["rows"]
    ]
