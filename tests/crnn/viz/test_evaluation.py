"""Figures of results show the numbers of the files in assets/results."""

from typing import Any

import numpy as np
import pytest

from crnn import results
from crnn.labels import display
from crnn.viz import class_profiles, evaluation

MEASURED = results.protocols()


def test_both_bars_of_every_row_that_the_paper_has_too() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "3 s", "paper": 0.92, "track_accuracy": {"mean": 0.62, "sd": 0.012}},
        {"name": "10 s", "paper": 0.57, "track_accuracy": {"mean": 0.65, "sd": None}},
        {"name": "20 s", "paper": None, "track_accuracy": {"mean": 0.5}},
    ]
    theirs, ours = evaluation.against_paper({"rows": rows}, "title").data
    assert list(ours.y) == list(theirs.y) == ["10 s", "3 s"]
    assert list(ours.x) == pytest.approx([65.0, 62.0])
    assert list(theirs.x) == pytest.approx([57.0, 92.0])


def test_training_curves_with_and_without_validation() -> None:
    run = {"epoch": [1, 2, 3], "train_loss": [2.0, 1.0, 0.5]}
    unvalidated = run | {"val_loss": None, "val_track": None}
    assert len(evaluation.training_curves(unvalidated, "t").data) == 1
    validated = run | {"val_loss": [1.9, None, 1.4], "val_track": [0.2, None, 0.55]}
    assert len(evaluation.training_curves(validated, "t").data) == 3


@pytest.mark.parametrize("name", MEASURED)
def test_confusion_is_in_percent_of_each_true_class(name: str) -> None:
    cells = evaluation.confusion_matrix(MEASURED[name], "t").data[0]
    sums = np.asarray(cells.z).sum(axis=1)
    assert np.all(np.isclose(sums, 100) | (sums == 0))
    assert list(cells.y) == [display(label) for label in MEASURED[name]["labels"]]
    assert evaluation.reliability_diagram(MEASURED[name], "t").layout.xaxis.title.text


def test_accuracy_is_the_tables() -> None:
    baseline = (results.load("svm") or {})["protocols"]
    network, svm = evaluation.generalisation(MEASURED, baseline).data
    for value, name in zip(network.y, ("P", "F", "N"), strict=True):
        expected = results.value_and_spread(MEASURED[name], "track_accuracy")[0]
        assert value == pytest.approx(100 * expected)
    assert len(svm.y) == 3


def test_whiskers_end_at_the_interval() -> None:
    new, known = evaluation.recall_on_new_songs(MEASURED["N"], MEASURED["F"]).data
    for row, value, up in zip(
        results.new_song_recalls(MEASURED["N"]), new.y, new.error_y.array, strict=True
    ):
        assert value + up == pytest.approx(100 * row["high"])
    assert len(known.y) == len(new.y)


def test_every_class_has_its_profile() -> None:
    table = results.load("portraits")
    assert table is not None
    for task, classes in table["classes"].items():
        for label in classes:
            for figure in (
                class_profiles.spectrum,
                class_profiles.modulation,
                class_profiles.modulation_map,
            ):
                assert display(label) in figure(table, task, label).layout.title.text
