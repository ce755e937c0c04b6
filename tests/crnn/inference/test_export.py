"""Predictions as JSON and CSV."""

import csv
import io
import json

from crnn.inference.export import to_csv, to_json, to_record
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
