"""Measured figures are read as they were written, and may be missing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from crnn import results


def test_what_was_not_measured_is_none(tmp_path: Path) -> None:
    assert results.load("VII", tmp_path) is None


def test_a_figure_is_pooled_or_a_mean_or_itself() -> None:
    spread = {"summary": {"x": {"mean": 0.4, "sd": 0.1}}, "runs": []}
    assert results.value_and_spread(spread, "x") == (0.4, 0.1)
    assert results.value_and_spread(spread | {"pooled": {"x": 0.5}}, "x") == (0.5, 0.1)
    assert results.value_and_spread({"x": 0.6}, "x") == (0.6, None)


def test_confusions_of_several_runs_are_summed() -> None:
    runs = {"runs": [{"confusion": [[1, 2], [3, 4]]}, {"confusion": [[10, 20], [30, 40]]}]}
    assert results.confusion(runs) == [[11, 22], [33, 44]]
    assert results.confusion(runs | {"pooled": {"confusion": [[5, 5], [5, 5]]}}) == [[5, 5], [5, 5]]


def test_reliability_joins_bins_by_their_tracks() -> None:
    one, other = ({"confidence": 0.72, "right": r, "tracks": n} for r, n in ((1.0, 1), (0.5, 3)))
    (point,) = results.reliability({"runs": [{"reliability": [one]}, {"reliability": [other]}]})
    assert (point["right"], point["tracks"]) == (0.625, 4)
    assert results.reliability({"runs": [{}]}) == []


def test_every_shipped_protocol_has_a_row() -> None:
    table = results.protocol_table()
    assert list(table["Protocol"]) == list(results.protocols())
    accuracy = table["Track accuracy (%)"].str.split().str[0].astype(float)
    assert accuracy.between(0, 100).all()


def test_every_shipped_table_has_rows_and_a_source() -> None:
    for name in (*results.PAPER, *results.BEYOND, "doubt"):
        result = results.load(name)
        if result is not None and "rows" in result:
            assert len(results.table(result)) == len(result["rows"])
            assert results.title(result)
            assert results.source(result)


def test_recalls_on_new_songs_have_wilsons_interval() -> None:
    """Against statsmodels' proportion_confint(9, 10, method="wilson"), 0.5958 and 0.9821."""
    songs = {"recall": {"a": {"tracks": 10, "recall": 0.9}, "b": {"tracks": 2, "recall": 1.0}}}
    best, nine = results.new_song_recalls(songs)
    assert (best["label"], nine["label"]) == ("b", "a")
    assert (nine["low"], nine["high"]) == (
        pytest.approx(0.5958, abs=1e-3),
        pytest.approx(0.9821, abs=1e-3),
    )
    assert results.new_song_recalls({}) == []


def test_other_recipes_of_a_protocol_stand_behind_it(tmp_path: Path) -> None:
    runs = [{"run": "genre-x", "seed": 3, "revision": "abc", "track_accuracy": 0.5}]
    summary = {
        key: {"mean": 0.5, "sd": None}
        for key in ("track_accuracy", "track_macro_f1", "segment_accuracy")
    }
    for name in ("F-wide", "F"):
        result = {"protocol": "F", "recipe": name, "context": "", "summary": summary, "runs": runs}
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    (tmp_path / "V.json").write_text(json.dumps({"table": "V", "rows": []}))
    assert list(results.protocols(tmp_path)) == ["F", "F-wide"]
    table = results.protocol_table(tmp_path)
    assert list(table["Track accuracy (%)"]) == ["50.0", "50.0"]
    assert list(table["Protocol"]) == ["F", "F-wide"]
    own, wide = table["Description"]
    assert wide == f"{own}, recipe F-wide"
    assert results.run_table(results.protocols(tmp_path)).iloc[0].to_dict() == {
        "Protocol": "F",
        "Run": "genre-x",
        "Seed": "3",
        "Code": "abc",
        "Track accuracy (%)": "50.0",
    }


def test_a_recipe_of_a_variant_is_described_as_that_variant() -> None:
    result = {"protocol": "M", "recipe": "mood-tags"}
    assert results.question("M-quadrants-mood-tags", result) == (
        "Mood quadrants, artist-disjoint, recipe mood-tags"
    )


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


def test_the_papers_figures_stand_beside_ours() -> None:
    table = results.table(V)
    first, second, third = table.to_dict("records")
    assert first["Track accuracy (%)"] == "62.0 ± 1.2"
    assert first["Paper: track accuracy (%)"] == "92.0"
    assert first["Validation loss (nats)"] == "1.234"  # to even
    assert second["Strange figure"] == "12.3"
    assert third["Paper: track accuracy (%)"] == first["Strange figure"] == "–"
    # The paper's F1 is left out, since ours was not measured.
    assert not any("f1" in column.lower() for column in table)
    assert results.paper_comparison(V) == [
        ("3 s", 0.62, 0.012, 0.92),
        ("10 s", 0.65, 0.0, 0.57),
    ]


def test_a_source_names_context_score_and_thresholds() -> None:
    assert results.source(V | {"threshold": -3.218}) == "Protocol F, 2 seeds. Threshold: -3.22."
    assert results.source({"threshold": {"genre": 1.5, "mood": 2}, "score": "Distance."}) == (
        "Score: Distance. Threshold: genre 1.5, mood 2."
    )


def test_every_run_is_listed_with_its_figure() -> None:
    assert results.source_runs(V).to_dict("records") == [
        {"": "3 s", "Run": "a", "Track accuracy (%)": "63.0"},
        {"": "3 s", "Run": "b", "Track accuracy (%)": "61.0"},
        {"": "10 s", "Run": "c", "Track accuracy (%)": "65.0"},
    ]
    assert results.source_runs({"rows": [{"name": "x"}]}).empty


def test_plain_numbers_units_and_words() -> None:
    rows = [
        {"name": "one", "value": 1234.5, "unit": "samples/s"},
        {"name": "two", "value": 0.0123},
    ]
    assert list(results.table({"rows": rows})["Value"]) == ["1,234 samples/s", "0.012"]
    doubt = {
        "table": "doubt",
        "rows": [{"name": "speech", "share_doubted": 0.853, "tracks": 40, "where": "made here"}],
    }
    assert results.table(doubt).to_dict("records") == [
        {"": "speech", "Flagged (%)": "85.3", "Tracks": "40", "Where": "made here"}
    ]
    more = results.further_tables(
        doubt | {"compared": [{"name": "energy", "speech": 0.5}], "words": ["a"], "none": []}
    )
    assert {name: table.to_dict("records") for name, table in more.items()} == {
        "Compared": [{"": "energy", "Speech": "0.500"}]
    }
    assert results.title({"table": "mood-grid"}) == "Mood grid"


def test_a_p_value_is_never_zero() -> None:
    row = {"name": "noise", "paper": None, "track_accuracy": 0.47, "p_value": 3e-8}
    assert results.table({"rows": [row]}).to_dict("records") == [
        {"": "noise", "Track accuracy (%)": "47.0", "p": "< 0.001"}
    ]


def test_any_measurement_can_be_flattened() -> None:
    result = {"deletion_score": {"top": 0.41234, "each": [1, 2.5]}, "clips": 30, "by": "occlusion"}
    assert [tuple(row) for row in results.flatten(result).to_numpy()] == [
        ("clips", "30"),
        ("by", "occlusion"),
        ("deletion score: top", "0.412"),
        ("deletion score: each", "1, 2.50"),
    ]


def test_a_curve_leaves_out_what_was_not_measured() -> None:
    run = {"epoch": [1, 2, 3], "val_loss": [1.9, None, 1.4], "val_track": None}
    assert results.curve(run, "val_loss").to_dict() == {1: 1.9, 3: 1.4}
    assert results.curve(run, "val_track").empty


def test_modulation_is_compared_with_the_mean_of_the_other_classes() -> None:
    classes = {
        label: {"map": np.full((2, 3), level)}
        for label, level in (("a", 1.3), ("b", 1.0), ("c", 1.0))
    }
    assert np.allclose(results.log2_modulation_ratio(classes, "a"), 0.3 / np.log10(2))
    assert np.allclose(results.log2_modulation_ratio(classes, "b"), -0.15 / np.log10(2))


@pytest.mark.parametrize(("right", "count"), [(0, 1), (1, 1), (0, 22), (17, 32), (41, 41)])
def test_the_interval_of_a_proportion_is_scipys(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(0.95, "wilson")
    assert results.wilson_interval(right, count) == pytest.approx(tuple(expected), abs=1e-12)
