"""The notebook in docs/ runs as it stands, and shows what its text says."""

import json
from pathlib import Path

import pytest

import crnn
from tests.conftest import run_notebook

TOUR = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def test_the_tour_runs_from_a_file_to_a_trained_network(capsys: pytest.CaptureFixture[str]) -> None:
    text = TOUR.read_text()
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    names = run_notebook(text)
    assert names["prediction"].ranked() == crnn.analyse(names["song"])["genre"].ranked()
    assert (names["masked"] != names["mel"]).any(dim=1).sum() == sum(
        end - start for start, end in names["spans"].first_item()
    )
    tested = names["tested"]
    assert tested.deleted < tested.before == names["prediction"].top(1)[0][1]
    assert names["accuracy"] > 0.6  # by chance: a third
    tops = [names["own"].predict(mel).top(1)[0][0] for mel in names["mels"]]
    assert tuple(tops) == names["names"]
    assert "loss" in capsys.readouterr().out
