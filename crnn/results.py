"""The measured figures that ship with the project (assets/results), as pages and cards show them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "assets" / "results"


def load(name: str, folder: Path | None = None) -> dict[str, Any] | None:
    """One result by its name ("F", "VII", …), None where it was not measured yet."""
    file = (folder or FOLDER) / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


# Name, question in words, the paper's accuracy where it has one for it (Tables V and VIII).
PROTOCOLS = {
    "F": ("Genre, artists never heard", None),
    "P": ("Genre, random tracks, as the paper split them", 0.92),
    "N": ("Genre, new songs of another collection", None),
    "M": ("Mood, five classes, artists never heard", 0.74),
    "M-quadrants": ("Mood, four quadrants, artists never heard", None),
    "M-mixed": ("Mood, five classes, artists on both sides", None),
    "M-quadrants-mixed": ("Mood, four quadrants, artists on both sides", None),
}


def value_and_spread(result: dict[str, Any], key: str) -> tuple[float, float | None]:
    """A figure of a result and its spread: pooled over folds, mean over runs, or of the one measurement."""
    spread = result.get("summary", {}).get(key)
    if spread is None:
        return float(result[key]), None
    centre = result.get("pooled", {}).get(key, spread["mean"])
    return float(centre), spread["sd"]


def has_figure(result: dict[str, Any], key: str) -> bool:
    """Whether a result has such a figure; later measurements have more of them."""
    return key in result or key in result.get("summary", {})


def names(folder: Path | None = None) -> list[str]:
    """Every result that is there."""
    return sorted(file.stem for file in (folder or FOLDER).glob("*.json"))


def protocols(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Protocols that were measured, in PROTOCOLS' order; behind them the same of other recipes ("F-wide")."""
    known = [*PROTOCOLS, *(name for name in names(folder) if name not in PROTOCOLS)]
    found = {name: result for name in known if (result := load(name, folder)) is not None}
    return {name: result for name, result in found.items() if "protocol" in result}


def question(name: str, result: dict[str, Any]) -> str:
    """What a protocol asks, in words, and of which recipe where it is not the bundled one."""
    words = _asked(name, result)
    return words if name in PROTOCOLS else f"{words} (recipe: {result.get('recipe', name)})"


def _asked(name: str, result: dict[str, Any]) -> str:
    return (PROTOCOLS.get(name) or PROTOCOLS.get(result["protocol"]) or (name, None))[0]


def protocol_table(folder: Path | None = None) -> list[dict[str, Any]]:
    """One row a protocol that was measured: network, baseline and paper, in percent of tracks named right."""
    svm = (load("svm", folder) or {}).get("protocols", {})
    rows = []
    for name, result in protocols(folder).items():
        paper = PROTOCOLS[name][1] if name in PROTOCOLS else None
        rows.append(
            {
                "Protocol": name,
                "Network (%)": _percent(result, "track_accuracy"),
                "Macro F1 (%)": _percent(result, "track_macro_f1"),
                "Segments (%)": _percent(result, "segment_accuracy"),
                "SVM (%)": _percent(svm[name], "track_accuracy") if name in svm else "–",
                "Paper (%)": "–" if paper is None else f"{100 * paper:.0f}",
                "Question": _asked(name, result),  # the name before it says of which recipe
            }
        )
    return rows


def run_table(found: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Where each protocol's figures come from: one row a run with its seed, code revision and figure."""
    rows = []
    for name, result in found.items():
        for run in result.get("runs", [result]):
            rows.append(
                {
                    "Protocol": name,
                    "Run": str(run.get("run", f"bundled weights {run.get('weights', '')}")),
                    "Seed": str(run.get("seed", "–")),
                    "Code": str(run.get("revision", "–")),
                    "Tracks right (%)": f"{100 * run['track_accuracy']:.1f}",
                }
            )
    return rows


def _percent(result: dict[str, Any], key: str) -> str:
    value, spread = value_and_spread(result, key)
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
            {
                key: sum(p[key] * p["tracks"] for p in points) / tracks
                for key in ("confidence", "right")
            }
            | {"tracks": tracks}
        )
    return joined


def differences_from_paper(found: dict[str, dict[str, Any]]) -> list[str]:
    """What did not come out as in the paper, from the figures alone."""
    right = {name: value_and_spread(result, "track_accuracy")[0] for name, result in found.items()}
    said = []
    if "P" in right:
        papers = PROTOCOLS["P"][1] or 0.0
        said.append(
            f"Random tracks, the paper's way of splitting (P): the paper names {100 * papers:.0f} % right, this network "
            f"{100 * right['P']:.1f} %, {_points(right['P'] - papers)}."
        )
    if "P" in right and "F" in right:
        said.append(
            f"The same recipe where no artist is on both sides, and broken or repeated tracks are left out (F): "
            f"{100 * right['F']:.1f} %, {_points(right['F'] - right['P'])} than on P."
        )
    if "P" in right and "N" in right:
        said.append(
            f"The bundled weights on another collection (N): {100 * right['N']:.1f} %, "
            f"{_points(right['N'] - right['P'])} than on P."
        )
    if "M" in right:
        papers = PROTOCOLS["M"][1] or 0.0
        said.append(
            f"Mood (M): the paper names {100 * papers:.0f} % of its own songs right, this network {100 * right['M']:.1f} % of "
            f"other songs, {_points(right['M'] - papers)}; they cannot be compared song by song."
        )
    return said


def _points(difference: float) -> str:
    return f"{abs(100 * difference):.1f} points {'more' if difference > 0 else 'less'}"


def new_song_recalls(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Recalls of a measurement on new songs, best first: label, tracks, recall and its 95 % interval (Wilson 1927)."""
    rows = []
    for label, found in result.get("recall", {}).items():
        n, p = found["tracks"], found["recall"]
        z = 1.96
        centre, width = (p + z * z / (2 * n)), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        low, high = ((centre + sign * width) / (1 + z * z / n) for sign in (-1, 1))
        rows.append({"label": label, "tracks": n, "recall": p, "low": low, "high": high})
    return sorted(rows, key=lambda row: -row["recall"])


def per_class_recall(result: dict[str, Any]) -> dict[str, float]:
    """Share of each class's tracks named right, from the confusion."""
    table = confusion(result)
    return {
        label: table[k][k] / sum(table[k])
        for k, label in enumerate(result["labels"])
        if sum(table[k])
    }


MIN_SONGS = 10  # songs; of fewer no share is told in words


def _share(row: dict[str, Any]) -> str:
    return f"{100 * row['recall']:.0f} % of {row['tracks']}"


def describe_generalisation(result: dict[str, Any]) -> str:
    """Which genres carry to new songs, in words."""
    rows = new_song_recalls(result)
    enough = [row for row in rows if row["tracks"] >= MIN_SONGS]
    absent = [label for label in result["labels"] if label not in result.get("recall", {})]
    said = []
    if enough:
        best, worst = enough[0], enough[-1]
        least = f" and {worst['label']} least ({_share(worst)})" if worst is not best else ""
        said.append(f"Of the new songs, {best['label']} carries best ({_share(best)}){least}.")
    few = [f"{row['label']} ({row['tracks']})" for row in rows if row["tracks"] < MIN_SONGS]
    if few:
        said.append(f"Too few songs to tell: {', '.join(few)}.")
    if absent:
        said.append(f"None at all: {', '.join(absent)}.")
    return " ".join(said)
