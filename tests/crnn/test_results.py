"""Measured figures are read as they were written, and may be missing."""

import json
from pathlib import Path
from typing import Any

import pytest

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


def test_rows_of_the_shipped_results() -> None:
    for row in results.protocol_table():
        assert row["Network (%)"]
        assert 0 <= float(row["Network (%)"].split(" ")[0]) <= 100


def measured(right: float, **more: Any) -> dict[str, Any]:
    return {"track_accuracy": right, "labels": ["a", "b"], **more}


def test_what_did_not_come_out_is_computed() -> None:
    found = {"P": measured(0.845), "F": measured(0.614), "N": measured(0.566), "M": measured(0.63)}
    said = results.differences_from_paper(found)
    assert "92 % right, this network 84.5 %, 7.5 points less." in said[0]
    assert "61.4 %, 23.1 points less than on P." in said[1]
    assert "56.6 %, 27.9 points less than on P." in said[2]
    assert "74 %" in said[3]
    assert "11.0 points less" in said[3]
    assert "1.0 points more" in results.differences_from_paper({"P": measured(0.93)})[0]
    assert results.differences_from_paper({}) == []


def test_recalls_on_new_songs_have_wilsons_interval() -> None:
    """Against statsmodels' proportion_confint(9, 10, method="wilson"), 0.5958 and 0.9821."""
    song = {"recall": {"a": {"tracks": 10, "recall": 0.9}, "b": {"tracks": 2, "recall": 1.0}}}
    best, nine = results.new_song_recalls(song)
    assert (best["label"], nine["label"]) == ("b", "a")
    assert (nine["low"], nine["high"]) == (
        pytest.approx(0.5958, abs=1e-3),
        pytest.approx(0.9821, abs=1e-3),
    )
    assert results.describe_generalisation(song | {"labels": ["a", "b", "c"]}) == (
        "Of the new songs, a carries best (90 % of 10). Too few songs to tell: b (2). None at all: c."
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
    first, second = results.protocol_table(tmp_path)
    assert first["Network (%)"] == second["Network (%)"] == "50.0"
    assert (first["Protocol"], second["Protocol"]) == ("F", "F-wide")
    assert first["Question"] == second["Question"]
    found = results.protocols(tmp_path)
    assert (
        results.question("F-wide", found["F-wide"])
        == f"{results.question('F', found['F'])} (recipe: F-wide)"
    )
    row = results.run_table(results.protocols(tmp_path))[0]
    assert row == {
        "Protocol": "F",
        "Run": "genre-x",
        "Seed": "3",
        "Code": "abc",
        "Tracks right (%)": "50.0",
    }
