"""Predictions as JSON and CSV."""

import csv
import io
import json
from dataclasses import replace

import pytest

from crnn.inference.export import to_csv, to_json, to_record
from crnn.model.config import RESERVED_LABELS, RESERVED_TASKS
from crnn.model.ood import OODScore
from tests.pages.text.test_predictions import prediction

GENRE = prediction("genre", [[0.5, 0.5, 0, 0], [1, 0, 0, 0]])
MOOD = prediction("mood", [[0.2, 0.8], [0.4, 0.6]], "xy")


def test_record_has_the_documented_shape() -> None:
    result = to_record("Ünï.mp3", 6.0, [GENRE, MOOD])
    assert result == {
        "file": "Ünï.mp3",
        "seconds": 6.0,
        "genre": {"a": 0.75, "b": 0.25, "c": 0.0, "d": 0.0},
        "mood": {"x": 0.3, "y": 0.7},
        "segments": [
            {
                "start": 0.0,
                "genre": {"a": 0.5, "b": 0.5, "c": 0.0, "d": 0.0},
                "mood": {"x": 0.2, "y": 0.8},
            },
            {
                "start": 3.0,
                "genre": {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0},
                "mood": {"x": 0.4, "y": 0.6},
            },
        ],
    }
    assert json.loads(to_json(result)) == result
    assert "Ünï" in to_json(result)


def test_networks_with_other_segments_add_their_own_moments() -> None:
    slow = prediction("mood", [[0.2, 0.8], [0.4, 0.6]], "xy", seconds=5.0)
    segments = to_record("a", 10, [GENRE, slow])["segments"]
    assert [(s["start"], sorted(set(s) - {"start"})) for s in segments] == [
        (0.0, ["genre", "mood"]),
        (3.0, ["genre"]),
        (5.0, ["mood"]),
    ]


def test_csv_has_a_row_for_the_track_and_one_for_each_segment() -> None:
    text = to_csv(
        [
            to_record("one, two.mp3", 6.0, [GENRE, MOOD]),
            {"file": "bad.txt", "error": "This is a text file."},
        ]
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["file"], row["start"]) for row in rows] == [
        ("one, two.mp3", ""),
        ("one, two.mp3", "0.0"),
        ("one, two.mp3", "3.0"),
        ("bad.txt", ""),
    ]
    assert rows[0]["genre:a"] == "0.75"
    assert rows[2]["mood:y"] == "0.6"
    assert rows[3]["error"] == "This is a text file."


def test_columns_of_any_task_are_there() -> None:
    """The app shows a network of task "quadrant" in the place of moods."""
    record = to_record("a.mp3", 6.0, [GENRE, replace(MOOD, task="quadrant")])
    whole = next(csv.DictReader(io.StringIO(to_csv([record]))))
    assert {"genre:a": "0.75", "quadrant:x": "0.3", "quadrant:y": "0.7"}.items() <= whole.items()


def test_keys_beside_tasks_and_labels_are_reserved() -> None:
    """A checkpoint of such a name would overwrite them; the schema refuses it."""
    record = to_record("a", 6.0, [replace(GENRE, ood=OODScore(0.5, 1.0))]) | {"error": ""}
    own = set(record) | set(record["segments"][0]) - {"genre"}
    assert own - {"genre"} <= set(RESERVED_TASKS)
    columns = next(csv.reader(io.StringIO(to_csv([record], extra=("similarity",)))))
    others = [name for name in columns if name not in {f"genre:{label}" for label in "abcd"}]
    assert set(others) <= {*RESERVED_TASKS, *(f"genre:{name}" for name in RESERVED_LABELS)}


@pytest.mark.parametrize("start", "=+-@\t\r＝")
def test_no_text_in_a_csv_is_a_formula(start: str) -> None:
    name = f'{start}HYPERLINK("https://evil.example")'
    records = [to_record(name, 6.0, [GENRE]), {"file": "-b", "error": name, "other": name}]
    text = to_csv(records, extra=("other",))
    for row in csv.DictReader(io.StringIO(text, newline="")):
        assert {row["file"], row["error"], row["other"]} <= {f"'{name}", "'-b", ""}
    assert "-0.5" in to_csv([{"file": "a", "seconds": -0.5}])  # numbers stay numbers
