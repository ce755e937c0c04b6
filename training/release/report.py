"""The tables of the README, made from assets/results so that no figure is typed by hand."""

import json
from pathlib import Path
from typing import Any

from crnn import results
from pages.text import results as result_tables
from training.release.bundle import summary

START, END = "<!-- figures -->", "<!-- /figures -->"

_ROWS = {
    "F": "Genre, filtered GTZAN lists: artists never heard",
    "P": "Genre, random GTZAN tracks (the paper's way; artists on both sides)",
    "N": "Genre, new songs: another collection, the bundled weights",
    "M": "Mood, five classes: artists never heard",
    "M-quadrants": "Mood, four quadrants: artists never heard",
    "M-mixed": "Mood, five classes: artists on both sides",
    "M-quadrants-mixed": "Mood, four quadrants: artists on both sides",
}


def table(found: Path) -> str:
    """Markdown rows of every protocol that has a result; beside the network the SVM on hand-made features, same splits."""
    return _protocols(found, {name: f"**{name}**: {words}" for name, words in _ROWS.items()})


def _protocols(found: Path, asked: dict[str, str]) -> str:
    lines = [
        "| what was asked | tracks right | macro F1 | segments right | from | SVM: tracks right |",
        "|---|---|---|---|---|---|",
    ]
    svm_file = found / "svm.json"
    svm = json.loads(svm_file.read_text())["protocols"] if svm_file.exists() else {}
    for name, words in asked.items():
        file = found / f"{name}.json"
        if file.exists():
            short = summary(json.loads(file.read_text()))
            cells = [
                _cell(short, key)
                for key in ("track_accuracy", "track_macro_f1", "segment_accuracy")
            ]
            lines.append(
                f"| {words} | {' | '.join(cells)} | {short['runs']} | {_svm_cell(svm.get(name))} |"
            )
    return "\n".join(lines)


def further(found: Path) -> str:
    """Every other table that was measured, each folded under its title; loss curves in words."""
    names = [*result_tables.PAPER, "optimism", *result_tables.BEYOND, "doubt"]
    tables = {name: table for name in names if (table := results.load(name, found)) is not None}
    parts = [
        _losses(table) if name == "curves" else _folded(table) for name, table in tables.items()
    ]
    others = {
        name: f"**{name}**: {results.question(name, held)}"
        for name, held in results.protocols(found).items()
        if name not in _ROWS
    }
    if others:
        parts.insert(
            0,
            _details(
                "The same questions to recipes that are not bundled", _protocols(found, others)
            ),
        )
    return "\n\n".join(parts)


def _folded(table: dict[str, Any]) -> str:
    """One table with its note and where it is from, as GitHub folds it."""
    rows = result_tables.rows(table)
    head = list(rows[0])
    lines = [_line(head), _line(["---"] * len(head)), *(_line(list(row.values())) for row in rows)]
    words = filter(
        None, (result_tables.best(table), table.get("note"), result_tables.source(table))
    )
    return _details(
        result_tables.title(table), "\n".join(lines) + "\n\n" + " ".join(map(str, words))
    )


def _losses(curves: dict[str, Any]) -> str:
    said = [f"- {run['label']}: {result_tables.curve_told(run)}" for run in curves["runs"]]
    return _details(str(curves["title"]), "\n".join([*said, "", str(curves["context"])]))


def _details(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


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


def fill(readme: Path, found: Path) -> None:
    """Replace what stands between the markers; ValueError where they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(
            f"{readme} lacks the lines {START} and {END}, between which the table belongs"
        )
    tables = "\n\n".join(filter(None, (table(found), further(found))))
    readme.write_text(f"{before}{START}\n{tables}\n{END}{after}", encoding="utf-8")
