"""README.md's table and docs/results.md come from the measured results."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.cli import main
from training.release.report import document

FIGURES = {"track_accuracy": 0.625, "track_macro_f1": 0.59, "segment_accuracy": 0.55}


def report(readme: Path, results: Path) -> int:
    return main(["report", "--readme", str(readme), "--results", str(results)])


def put(folder: Path, name: str, result: dict[str, Any]) -> None:
    (folder / f"{name}.json").write_text(json.dumps(result))


def test_the_table_stands_between_the_markers(tmp_path: Path) -> None:
    put(tmp_path, "N", {"protocol": "N", "context": "New songs only.", **FIGURES})
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    assert report(readme, tmp_path) == 0
    text = readme.read_text()
    assert text.startswith("before\n<!-- results -->\n| Protocol")
    assert text.endswith("<!-- /results -->\nafter\n")
    assert "| 62.5                 | 59.0 " in text
    assert "old" not in text
    assert "- **N**: New songs only." in (tmp_path / "docs" / "results.md").read_text()


def test_a_readme_without_markers_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing here")
    assert report(readme, tmp_path) == 1
    assert "lacks the lines" in capsys.readouterr().err
    assert readme.read_text() == "nothing here"


def test_every_measured_table_is_in_the_document(tmp_path: Path) -> None:
    row = {
        "name": "1 | 2 s",
        "paper": {"track_accuracy": 0.89},
        "runs": ["r"],
        "track_accuracy": {"mean": 0.8, "sd": None},
    }
    put(
        tmp_path,
        "V",
        {"title": "How long", "context": "Where from.", "note": "Why.", "rows": [row]},
    )
    run = {
        "label": "Genre",
        "epoch": [0, 1],
        "train_loss": [2.0, 1.5],
        "val_loss": [2.0, 1.75],
    }
    runs = [run, run | {"label": "Mood", "val_loss": None}]
    put(tmp_path, "curves", {"title": "Losses", "context": "Nats.", "runs": runs})
    means = {key: {"mean": value, "sd": None} for key, value in FIGURES.items()}
    wide = {"protocol": "F", "recipe": "wide", "context": "", "runs": [{}], "summary": means}
    put(tmp_path, "F-wide", wide)
    text = document(tmp_path)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert [line for line in lines if line.startswith("## ")] == [
        "## Protocols",
        "## Recipes that are not bundled",
        "## How long",
        "## Losses",
    ]
    assert "| 1 \\| 2 s | 80.0 | 89.0 |" in lines
    assert "Why." in lines
    assert "| Genre | 2 | 1.50 | 1.75 (epoch 1) | 1.75 |" in lines
    assert "| Mood | 2 | 1.50 | – | – |" in lines
    assert any(line.startswith("| F-wide | Genre, artist-disjoint") for line in lines)
