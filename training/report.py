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
    """Markdown rows of every protocol that has a result."""
    lines = ["| what was asked | tracks right | macro F1 | segments right | from |", "|---|---|---|---|---|"]
    for name, words in _ROWS.items():
        file = results / f"{name}.json"
        if file.exists():
            short = summary(json.loads(file.read_text()))
            cells = [_cell(short, key) for key in ("track_accuracy", "track_macro_f1", "segment_accuracy")]
            lines.append(f"| **{name}**: {words} | {' | '.join(cells)} | {short['runs']} |")
    return "\n".join(lines)


def _cell(short: dict[str, Any], key: str) -> str:
    spread = short.get(f"{key}_sd")
    return f"{short[key]:.3f}" + (f" ± {spread:.3f}" if spread is not None else "")


def fill(readme: Path, results: Path) -> None:
    """Replace what stands between the markers; ValueError where they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{readme} lacks the lines {START} and {END}, between which the table belongs")
    readme.write_text(f"{before}{START}\n{table(results)}\n{END}{after}", encoding="utf-8")
