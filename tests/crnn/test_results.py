"""Measured figures are read as they were written, and may be missing."""

import json
from pathlib import Path

from crnn import results


def test_what_was_not_measured_is_none(tmp_path: Path) -> None:
    assert results.load("VII", tmp_path) is None


def test_a_table_is_in_percent_with_the_papers_beside_it(tmp_path: Path) -> None:
    row = {
        "augmentation": "time mask",
        "paper": 0.89,
        "track_accuracy": {"mean": 0.5512},
        "segment_accuracy": {"mean": 0.5},
    }
    (tmp_path / "VII.json").write_text(json.dumps({"rows": [row, row | {"paper": None}]}))
    table = results.load("VII", tmp_path)
    assert table is not None
    first, second = results.augmentation_rows(table)
    assert first == {
        "Augmentation": "time mask",
        "Tracks right (%)": 55.1,
        "Segments right (%)": 50.0,
        "Paper (%)": 89.0,
    }
    assert second["Paper (%)"] is None


def test_a_figure_is_pooled_or_a_mean_or_itself() -> None:
    spread = {"summary": {"x": {"mean": 0.4, "sd": 0.1}}, "runs": []}
    assert results.figure(spread, "x") == (0.4, 0.1)
    assert results.figure(spread | {"pooled": {"x": 0.5}}, "x") == (0.5, 0.1)
    assert results.figure({"x": 0.6}, "x") == (0.6, None)


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
    for row in results.protocol_rows():
        assert row["Network (%)"]
        assert 0 <= float(row["Network (%)"].split(" ")[0]) <= 100
