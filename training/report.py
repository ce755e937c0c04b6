"""The table of the README, made from assets/results so that no figure is typed by hand."""

import json
from pathlib import Path
from typing import Any

from training.bundle import summary

START, END = "<!-- figures -->", "<!-- /figures -->"

_ROWS = {
    "F": "Genre, filtered GTZAN lists: artists never heard",
    "P": "Genre, random GTZAN tracks (the paper's way; artists on both sides)",
    "N": "Genre, new songs: another collection, the bundled weights",
    "M": "Mood, five classes: artists never heard",
    "M-quadrants": "Mood, four quadrants: artists never heard",
}


def table(results: Path) -> str:
    """Markdown rows of every protocol that has a result; beside the network the SVM on hand-made features, same splits."""
    lines = [
        "| what was asked | tracks right | macro F1 | segments right | from | SVM: tracks right |",
        "|---|---|---|---|---|---|",
    ]
    svm_file = results / "svm.json"
    svm = json.loads(svm_file.read_text())["protocols"] if svm_file.exists() else {}
    for name, words in _ROWS.items():
        file = results / f"{name}.json"
        if file.exists():
            short = summary(json.loads(file.read_text()))
            cells = [_cell(short, key) for key in ("track_accuracy", "track_macro_f1", "segment_accuracy")]
            lines.append(
                f"| **{name}**: {words} | {' | '.join(cells)} | {short['runs']} | {_svm_cell(svm.get(name))} |"
            )
    return "\n".join(lines)


def _cell(short: dict[str, Any], key: str) -> str:
    spread = short.get(f"{key}_sd")
    return f"{short[key]:.3f}" + (f" ± {spread:.3f}" if spread is not None else "")


def _svm_cell(found: dict[str, Any] | None) -> str:
    """Track accuracy of the baseline: pooled or mean, with the spread over runs where there are several."""
    if found is None:
        return "–"
    spread = found.get("summary", {}).get("track_accuracy")
    if spread is None:
        return f"{found['track_accuracy']:.3f}"
    centre = found.get("pooled", {}).get("track_accuracy", spread["mean"])
    return f"{centre:.3f} ± {spread['sd']:.3f}"


def fill(readme: Path, results: Path) -> None:
    """Replace what stands between the markers; ValueError where they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{readme} lacks the lines {START} and {END}, between which the table belongs")
    readme.write_text(f"{before}{START}\n{table(results)}\n{END}{after}", encoding="utf-8")
