"""Thresholds come from validation tracks, statistics from training tracks."""

import csv
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.inference.classifier import Classifier
from crnn.model import ood
from crnn.model.checkpoint import Checkpoint
from tests.conftest import melody
from training.data.collection import Collection, load
from training.ood import synthetic
from training.ood.calibrate import (
    fit_detector,
    for_bundle,
    mood_folds,
    other_genres,
    task_split,
)
from training.ood.scores import AUDIO, BOTH, NEAREST, OODScores, track_features
from training.release import card
from training.release.bundle import update_detector


@pytest.fixture(scope="module")
def mood(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    return load("mood", data, tmp_path_factory.mktemp("frames"))


def score(collection: Collection, sound: ood.OODDetector, track: int) -> float:
    described = ood.features(collection.features.mel(track), collection.front_end)
    assert described is not None
    return sound.score(described)


def test_parts_of_mood_are_fold_0_with_a_validation_part_of_its_own(mood: Collection) -> None:
    split = task_split("mood", mood)
    groups = [{mood.groups[i] for i in side} for side in (split.train, split.valid, split.test)]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[2] & (groups[0] | groups[1])


def test_a_bundle_has_everyones_statistics_and_the_validation_parts_threshold(
    mood: Collection,
) -> None:
    split, bundled = task_split("mood", mood), for_bundle("mood", mood)
    inner, whole = fit_detector(mood, split.train), fit_detector(mood, np.arange(len(mood.names)))
    np.testing.assert_array_equal(bundled.centre, whole.centre)
    scores = np.array([score(mood, inner, int(track)) for track in split.valid])
    assert bundled.threshold == pytest.approx(ood.threshold(scores), abs=1e-4)
    assert (scores > bundled.threshold + 1e-4).mean() <= ood.FALSE_ALARM_RATE
    assert "validation" in bundled.origin


def test_folds_are_counted_together(mood: Collection) -> None:
    row = mood_folds(mood)
    sizes = [len(task_split("mood", mood, fold).test) for fold in range(5)]
    assert row["tracks"] == sum(sizes) == len(mood.names)
    assert row["share_doubted"] == pytest.approx(np.dot(row["by_fold"], sizes) / sum(sizes))


def test_written_into_a_folder_the_weights_stay_and_the_card_says_it(
    mood: Collection, tmp_path: Path
) -> None:
    folder = tmp_path / "mood"
    Checkpoint.load("mood").save(folder)
    before = (folder / "model.safetensors").read_bytes()
    update_detector(folder, mood, tmp_path)
    loaded = Checkpoint.load(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert loaded.ood is not None
    text = " ".join((folder / "README.md").read_text().split())
    assert f"score above {loaded.ood.threshold:g} are flagged" in text
    assert loaded.ood.origin in text
    assert "Out-of-distribution" not in card.network(replace(loaded, ood=None))


def test_every_score_calls_the_strange_stranger(toy: Collection, tiny: Checkpoint) -> None:
    classifier = Classifier(tiny)

    def heard(mel: torch.Tensor) -> object:
        return track_features(mel, classifier, GTZAN_FRONT_END)

    known = [heard(log_mel(melody(6, seed=seed), GTZAN_FRONT_END)) for seed in range(30)]
    targets = np.arange(30) % 3
    fitted = OODScores.fit(known, targets, known[:10])  # type: ignore[arg-type]
    again = fitted.score(known[0])  # type: ignore[arg-type]
    noise = np.random.default_rng(0).standard_normal(22_050 * 6).astype(np.float32) * 0.1
    strange = fitted.score(heard(log_mel(noise, GTZAN_FRONT_END)))  # type: ignore[arg-type]
    assert set(again) == set(strange)
    assert len(again) == 7
    assert 0 <= again["maximum softmax probability"] <= 1
    for name in (AUDIO, "embedding, Gaussian", NEAREST, BOTH):
        assert strange[name] > again[name]
    assert fitted.score(track_features(log_mel(noise, GTZAN_FRONT_END), None, GTZAN_FRONT_END)) == {
        AUDIO: strange[AUDIO]
    }


def test_sounds_that_choose_are_not_those_that_test() -> None:
    for made in (synthetic._NOISES, synthetic._SILENCES, synthetic._VARIANTS, synthetic.PROMPTS):
        assert not set(made["selection"]) & set(made["test"])  # type: ignore[index]
    assert not set(synthetic._ROOMS["selection"]) & set(synthetic._ROOMS["test"])


def test_sounds_are_the_same_every_time_and_of_all_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "has_espeak", lambda: False)
    monkeypatch.setattr(
        synthetic, "_NOISES", {"test": {"white": synthetic._slope(0), "hum": synthetic._hum}}
    )
    first = list(synthetic.sounds("test"))
    assert {sound.kind for sound in first} == {"silence", "noise"}
    for one, other in zip(first, islice(synthetic.sounds("test"), 3), strict=False):
        np.testing.assert_array_equal(one.samples, other.samples)
    for one in first:
        assert 10 <= len(one.samples) / synthetic.SAMPLE_RATE <= 30
        assert one.samples.dtype == np.float32
        if one.kind == "noise":
            assert 0.005 < np.abs(one.samples).max() <= 1
        elif one.name not in ("clicks",):
            assert np.abs(one.samples).max() < 0.01


@pytest.mark.skipif(not synthetic.has_espeak(), reason="espeak-ng is not installed")
def test_speech_is_spoken_and_a_room_adds_its_noise() -> None:
    spoken = synthetic._espeak("en-gb", "One, two, three.", 160, 50)
    assert 0.5 < len(spoken) / synthetic.SAMPLE_RATE < 5
    assert np.abs(spoken).max() > 0.05
    dry = np.pad(spoken, (0, synthetic.SAMPLE_RATE))
    room = synthetic._in_a_room(np.random.default_rng(0), dry, 0.3, 30)
    assert np.abs(room).max() == pytest.approx(np.abs(dry).max())
    assert np.abs(room[-2000:]).std() > 0  # where speech has ended, the room has not


def test_far_off_is_what_shares_no_genre_with_the_ten(tmp_path: Path) -> None:
    with (tmp_path / "annotations.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        others = ["artist", "quadrant", "mood", "mood_tags", "gtzan_genre"]
        rows.writerow(["clip", "genres", *others])
        rows.writerows(
            [
                ["a", "Latin"],
                ["b", "Latin; Jazz"],
                ["c", "New Age; International"],
                ["f", "Folk"],
                ["d", ""],
                ["e", "Electronic"],
            ]
        )
    assert other_genres(tmp_path) == {"a", "c"}
