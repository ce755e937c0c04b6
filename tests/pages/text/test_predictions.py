"""The same numbers in sentences, JSON and CSV."""

import csv
import io
import json

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.format import percent
from crnn.inference.export import to_csv, to_json, to_record
from crnn.inference.prediction import Prediction
from pages.text.predictions import certainty, describe, describe_spectrogram


def prediction(
    task: str, rows: list[list[float]], labels: str = "abcdef", seconds: float = 3.0
) -> Prediction:
    values = np.array(rows)
    starts = np.arange(len(rows)) * seconds
    return Prediction(
        task, tuple(labels[: values.shape[1]]), values, starts, seconds, values.mean(axis=0)
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0.9, 0.05, 0.03, 0.02], "Quite sure of the genre: a (90 %)"),
        ([0.45, 0.4, 0.1, 0.05], "Torn between a (45 %) and b (40 %)"),
        ([0.6, 0.2, 0.1, 0.1], "Mostly a (60 %), with some b (20 %)"),
        ([0.4, 0.25, 0.2, 0.15], "Leaning towards a (40 %), then b (25 %)"),
        ([0.28, 0.26, 0.24, 0.22], "Torn between a (28 %)"),
        (
            [0.28, 0.15, 0.14, 0.14, 0.29 / 2, 0.29 / 2],
            "Unsure: no genre stands out. The likeliest is a, with only 28 %",
        ),
    ],
)
def test_certainty_says_how_sure_the_network_is(row: list[float], words: str) -> None:
    sentence = certainty(prediction("genre", [row]))
    assert words in sentence


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0 %"), (0.004, "under 1 %"), (0.5, "50 %"), (0.995, "over 99 %"), (1, "100 %")],
)
def test_percent(probability: float, text: str) -> None:
    assert percent(probability) == text


def test_spoken_lists_every_class() -> None:
    assert describe(prediction("mood", [[0.5, 0.3, 0.2]])) == "mood: a 50 %, b 30 %, c 20 %"
    assert (
        describe(prediction("mood", [[0.4, 0.3, 0.2, 0.1]]), 2)
        == "mood: a 40 %, b 30 %, Other 30 %"
    )


def test_spectrogram_says_where_the_sound_lies() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(66_150) / 22_050).astype(np.float32)
    text = describe_spectrogram(log_mel(tone, GTZAN_FRONT_END).numpy(), GTZAN_FRONT_END)
    assert text.startswith("Mel spectrogram of 3 seconds, 128 bands up to 11 kHz.")
    low, high = (
        int(text.split(word)[1].split()[0].replace(",", "")) for word in ("between ", "and ")
    )
    assert 380 < low <= high < 500


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
