"""Tables in whatever figures they come, ours beside the paper's."""

from typing import Any

import pytest

from crnn.viz import evaluation
from pages.text import results

V: dict[str, Any] = {
    "table": "V",
    "title": "Table V: segments",
    "context": "Protocol F, 2 seeds",
    "note": "Nothing falls.",
    "rows": [
        {
            "name": "3 s",
            "paper": {"track_accuracy": 0.92, "track_macro_f1": 0.922},
            "runs": ["a", "b"],
            "track_accuracy": {"mean": 0.62, "sd": 0.012, "each": [0.63, 0.61]},
            "validation_loss": {"mean": 1.2345, "sd": None},
        },
        {
            "name": "10 s",
            "paper": {"track_accuracy": 0.57},
            "runs": ["c"],
            "track_accuracy": {"mean": 0.65, "sd": None, "each": [0.65]},
            "strange_figure": 12.3456,
        },
        {"name": "20 s", "paper": None, "track_accuracy": {"mean": 0.5}},
    ],
}


def test_rows_have_the_same_columns_and_the_papers_beside_ours() -> None:
    first, second, third = results.rows(V)
    assert list(first) == list(second) == list(third)
    assert first["Tracks right (%)"] == "62.0 ± 1.2"
    assert first["Paper: tracks right (%)"] == "92.0"
    assert first["Validation loss (nats)"] == "1.234"  # to even
    assert second["Strange figure"] == "12.3"
    assert third["Paper: tracks right (%)"] == first["Strange figure"] == "–"
    # The paper's F1 stands nowhere, since ours was not measured.
    assert not any("f1" in column.lower() for column in first)


def test_what_is_told_is_computed() -> None:
    assert (
        results.told(V)
        == "3 s 62 % (paper 92 %); 10 s 65 % (paper 57 %). Best here: 10 s; in the paper: 3 s."
    )
    assert results.told({"rows": [V["rows"][2]]}) == ""
    assert results.told({"rows": V["rows"][:1]}) == "3 s 62 % (paper 92 %)."
    assert results.source(V | {"threshold": -3.218}) == "Protocol F, 2 seeds. Threshold: -3.22."
    assert results.source({"threshold": {"genre": 1.5, "mood": 2}, "score": "Distance."}) == (
        "Score: Distance. Thresholds: genre 1.5, mood 2."
    )


def test_every_run_is_named_with_what_it_gave() -> None:
    assert results.runs(V) == [
        {"": "3 s", "Run": "a", "Tracks right (%)": "63.0"},
        {"": "3 s", "Run": "b", "Tracks right (%)": "61.0"},
        {"": "10 s", "Run": "c", "Tracks right (%)": "65.0"},
    ]


def test_plain_numbers_units_and_words() -> None:
    scale = {
        "table": "scale",
        "rows": [
            {"name": "one", "value": 1234.5, "unit": "samples/s"},
            {"name": "two", "value": 0.0123},
        ],
    }
    assert [row["Value"] for row in results.rows(scale)] == ["1,234 samples/s", "0.012"]
    doubt = {
        "table": "doubt",
        "rows": [{"name": "speech", "share_doubted": 0.853, "tracks": 40, "where": "made here"}],
    }
    assert results.rows(doubt) == [
        {"": "speech", "Doubted (%)": "85.3", "Tracks": "40", "Where": "made here"}
    ]
    more = results.others(
        doubt | {"compared": [{"name": "odds", "speech": 0.5}], "words": ["a"], "none": []}
    )
    assert more == {"Compared": [{"": "odds", "Speech": "0.500"}]}
    assert results.title(doubt).startswith("Doubt")
    assert results.title({"table": "anything"}) == "anything"


def test_a_p_value_is_never_nought() -> None:
    row = {"name": "noise", "paper": None, "track_accuracy": 0.47, "p_value": 3e-8}
    assert results.rows({"rows": [row]}) == [
        {"": "noise", "Tracks right (%)": "47.0", "p": "< 0.001"}
    ]


def test_what_is_no_table_is_shown_number_by_number() -> None:
    found = {"deletion_score": {"top": 0.41234, "each": [1, 2.5]}, "clips": 30, "by": "occlusion"}
    assert [tuple(row.values()) for row in results.flat(found)] == [
        ("deletion score: top", "0.412"),
        ("deletion score: each", "1, 2.50"),
        ("clips", "30"),
        ("by", "occlusion"),
    ]


def test_a_figure_has_both_bars_of_every_row_that_has_both() -> None:
    theirs, ours = evaluation.against_paper(V, "title").data
    assert list(ours.y) == list(theirs.y) == ["10 s", "3 s"]
    assert list(ours.x) == pytest.approx([65.0, 62.0])
    assert list(theirs.x) == pytest.approx([57.0, 92.0])


def test_curves_with_and_without_validation() -> None:
    run = {
        "name": "r",
        "task": "genre",
        "label": "l",
        "epoch": [1, 2, 3],
        "train_loss": [2.0, 1.0, 0.5],
    }
    assert (
        results.curve_told(run) == "Over 3 epochs the training loss falls from 2.00 to 0.50 nats."
    )
    assert (
        len(evaluation.training_curves(run | {"val_loss": None, "val_track": None}, "t").data) == 1
    )
    full = run | {"val_loss": [1.9, None, 1.4], "val_track": [0.2, None, 0.55]}
    assert "lowest at epoch 3 (1.40)" in results.curve_told(full)
    assert "55 % of those tracks" in results.curve_told(full)
    assert len(evaluation.training_curves(full, "t").data) == 3
