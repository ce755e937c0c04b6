"""Predictions in sentences."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.inference.prediction import Prediction
from crnn.inference.timeline import Section, Timeline
from crnn.labels import MOODS, display
from crnn.model.ood import OODScore
from pages.text import predictions


def prediction(
    task: str, rows: list[list[float]], labels: str = "abcdef", seconds: float = 3.0
) -> Prediction:
    values = np.array(rows)
    starts = np.arange(len(rows)) * seconds
    return Prediction(
        task, tuple(labels[: values.shape[1]]), values, starts, seconds, values.mean(axis=0)
    )


def test_a_short_track_is_told_from_one_of_short_parts() -> None:
    short = replace(prediction("genre", [[0.6, 0.4]]), repeated=True)
    assert predictions.repeated(short).startswith("The track is shorter than the model's 3 s")
    parts = replace(short, silent=((2.0, 4.0),))
    assert "No part of this track sounds for 3 s" in predictions.repeated(parts)


@pytest.mark.parametrize(
    ("row", "score", "remark", "classes"),
    [
        ([0.9, 0.05, 0.03, 0.02], 1.0, "", "A 90%"),
        ([0.7, 0.1, 0.1, 0.1], 1.0, "", "A 70%"),
        ([0.1, 0.69, 0.15, 0.06], 1.0, "unsure, top 3:", "B 69%, C 15%, A 10%"),
        ([0.9, 0.05, 0.03, 0.02], 1.3, "probably none of the 4 genres; closest:", "A 90%"),
    ],
)
def test_the_headline_is_one_class_or_three_or_says_none(
    row: list[float], score: float, remark: str, classes: str
) -> None:
    scored = replace(prediction("genre", [row]), ood=OODScore(score, 1.2))
    said, found = predictions.headline(scored)
    assert said == remark
    assert ", ".join(f"{display(label)} {value}" for label, value in found) == classes


def test_reliability_is_the_predicted_classs_own_and_else_the_accuracy() -> None:
    checkpoint = SimpleNamespace(digest="d", results={"N": {"track_accuracy": 0.5}})
    result = {
        "labels": ["a", "b"],
        "weights": "d",
        "confusion": [[30, 1], [10, 9]],
        "reliability": [
            {"confidence": 0.5, "right": 0.25, "tracks": 8},
            {"confidence": 0.65, "right": 0.5, "tracks": 12},
            {"confidence": 0.9, "right": 1.0, "tracks": 30},
        ],
    }

    def told(row: list[float], **changes: object) -> str:
        measured = {"N": result | changes}
        return predictions.reliability(prediction("genre", [row]), measured, checkpoint)

    assert told([0.8, 0.2]) == "Of 40 unseen songs predicted as A, 75% were correct."
    assert told([0.6, 0.4]) == (
        "Of 20 unseen songs on which no genre reached 70%, 40% were predicted correctly."
    )
    overall = "Top-1 accuracy on unseen songs: 50%."
    assert told([0.8, 0.2], weights="others") == overall
    assert told([0.8, 0.2], labels=["a", "c"]) == overall
    assert told([0.1, 0.9], confusion=[[30, 1], [1, 8]]) == overall  # too few


def test_describe_lists_every_class_or_the_top_ones() -> None:
    mood = prediction("mood", [[0.4, 0.3, 0.2, 0.1]])
    assert predictions.describe(mood) == "Mood: A 40%, B 30%, C 20%, D 10%"
    assert predictions.describe(mood, 2) == "Mood: A 40%, B 30%, Other 30%"


def test_spectrogram_tells_where_the_energy_lies() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(66_150) / 22_050).astype(np.float32)
    mel = log_mel(tone, GTZAN_FRONT_END).numpy()
    text = predictions.describe_spectrogram(mel, GTZAN_FRONT_END)
    assert text.startswith("Mel spectrogram of 3 seconds, 128 bands up to 11 kHz.")
    low, high = (
        int(text.split(word)[1].split()[0].replace(",", "")) for word in ("between ", "and ")
    )
    assert 380 < low <= high < 500


def test_sections_are_listed_in_order_the_longest_where_there_are_many() -> None:
    whole = [Section("hiphop", 0, 30, 0.9)]
    assert predictions.timeline(whole, "genre") == "Genre: Hip-hop throughout."
    two = [Section("rock", 0, 12, 0.5), Section("metal", 12, 70, 0.6)]
    sentence = "Most likely genre over time: Rock 0:00–0:12, Metal 0:12–1:10."
    assert predictions.timeline(two, "genre") == sentence
    many = [Section("ab"[i % 2], i, i + 1 + i / 100, 0.5) for i in range(20)]
    sentence = predictions.timeline(many, "mood")
    assert sentence.endswith("(19 changes; longest sections shown).")
    assert sentence.count("–") == 6


def test_valence_and_arousal_near_0_are_neutral() -> None:
    def along(*moods: str) -> Timeline:
        rows = [[float(mood == label) for label in MOODS] for mood in moods]
        return Timeline(MOODS, np.arange(len(rows) + 1.0), np.array(rows))

    sentence = predictions.valence_arousal(along("Happy", "Happy", "Sad"))
    assert sentence == (
        "Overall positive with high energy (valence +0.33, arousal +0.33). "
        "Starts positive with high energy, ends negative with low energy."
    )
    sentence = predictions.valence_arousal(along("Happy", "Relaxing"))
    assert sentence.startswith(
        "Overall positive with neutral energy (valence +1.00, arousal +0.00)"
    )


def test_a_far_nearest_track_is_no_close_match() -> None:
    assert predictions.nearest("a", "b", 0.82) == "a sounds most like b (0.82)."
    assert predictions.nearest("a", "b", -0.38) == "a has no close match; nearest: b (−0.38)."
