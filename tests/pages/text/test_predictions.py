"""Predictions in sentences."""

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.inference.prediction import Prediction
from crnn.inference.timeline import Section, Timeline
from crnn.labels import MOODS
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


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([0.9, 0.05, 0.03, 0.02], "**A**, 90%"),
        ([0.45, 0.4, 0.1, 0.05], "Either A (45%) or B (40%)"),
        ([0.6, 0.2, 0.1, 0.1], "Mostly A (60%), with some B (20%)"),
        ([0.4, 0.25, 0.2, 0.15], "Probably A (40%), maybe B (25%)"),
        ([0.28, 0.26, 0.24, 0.22], "Either A (28%) or B (26%)"),
        ([0.28, 0.15, 0.14, 0.14, 0.29 / 2, 0.29 / 2], "No clear genre; closest is A (28%)"),
    ],
)
def test_certainty_depends_on_the_first_two_classes(row: list[float], sentence: str) -> None:
    assert predictions.certainty(prediction("genre", [row])) == sentence


def test_only_unusual_music_gets_a_warning_with_its_score() -> None:
    row = np.array([0.7, 0.3])

    def scored(ood: OODScore | None) -> Prediction:
        return Prediction("genre", ("a", "b"), row[None], np.zeros(1), 3.0, row, ood=ood)

    warning = predictions.ood_warning(scored(OODScore(2.345, 1.2)))
    assert "the genre may be wrong" in warning
    assert "score 2.3" in warning
    assert "threshold 1.20" in warning
    assert predictions.ood_warning(scored(OODScore(0.9, 1.3))) == ""
    assert predictions.ood_warning(scored(None)) == ""


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
