"""Thresholds come from validation tracks, statistics from training tracks."""

import csv
from collections.abc import Iterator
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
from tests.training.conftest import filtered_lists
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.ood import synthetic
from training.ood.calibrate import (
    calibrated_detector,
    for_bundle,
    mood_folds,
    other_genres,
    reference,
    task_split,
)
from training.ood.fit import fit, threshold
from training.ood.scores import AUDIO, BOTH, NEAREST, OODScores, track_features
from training.release import card
from training.release.bundle import update_detector


@pytest.fixture(scope="module")
def experiment(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiment]:
    with filtered_lists():
        yield Experiment(data, tmp_path_factory.mktemp("runs"))


def test_parts_of_mood_are_fold_0_with_a_validation_part_of_its_own(experiment: Experiment) -> None:
    mood = experiment.collection("mood")
    split = task_split("mood", mood)
    groups = [{mood.groups[i] for i in side} for side in (split.train, split.valid, split.test)]
    assert all(groups)
    assert not groups[0] & groups[1]
    assert not groups[2] & (groups[0] | groups[1])


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_no_track_is_in_two_parts_and_those_tested_are_in_none(
    experiment: Experiment, task: str
) -> None:
    tracks, own = reference(experiment, task), experiment.collection(task)
    parts = [tracks.train, tracks.valid, *tracks.folds]
    assert all(parts)
    seen = [windows.tobytes() for part in parts for windows in part]
    assert len(set(seen)) == len(seen)
    for track in task_split(task, own).test:
        windows = ood.features(own.features.mel(int(track)), own.front_end)
        assert windows is not None
        assert windows.tobytes() not in seen
        assert windows.tobytes() in {rest.tobytes() for rest in tracks.rest}


def test_new_songs_and_their_artists_teach_the_genre_detector_nothing(
    experiment: Experiment,
) -> None:
    tracks, clips = reference(experiment, "genre"), experiment.collection("quadrant")
    assert clips.reserved
    known = {windows.tobytes() for windows in [*tracks.known, *tracks.rest]}
    for clip in clips.reserved:
        windows = ood.features(clips.features.mel(int(clip)), clips.front_end)
        assert windows is not None
        assert windows.tobytes() not in known


def test_a_threshold_is_that_of_tracks_that_were_not_fitted(experiment: Experiment) -> None:
    tracks = reference(experiment, "mood")
    first, second = tracks.folds
    scores: tuple[list[float], list[float]] = ([], [])
    for held_out, other in ((first, second), (second, first)):
        detector = fit(np.concatenate([*tracks.train, *other]))
        scores[0].extend(detector.score(windows) for windows in tracks.valid)
        scores[1].extend(detector.score(windows) for windows in held_out)
    expected = threshold([np.array(group) for group in scores])
    assert calibrated_detector(tracks).threshold == expected
    bundled = for_bundle(experiment, "mood")
    assert bundled.threshold == pytest.approx(expected, abs=1e-4)
    assert "validation" in bundled.origin
    everything = fit(np.concatenate([*tracks.known, *tracks.rest]))
    for one, whole in zip(bundled.components, everything.components, strict=True):
        np.testing.assert_array_equal(one.centre, whole.centre)


@pytest.mark.parametrize(
    ("count", "rate", "above"), [(100, 0.05, 5), (197, 0.05, 9), (20, 0.05, 1), (19, 0.05, 0)]
)
def test_the_threshold_gives_the_promised_rate_where_it_was_calibrated(
    count: int, rate: float, above: int
) -> None:
    group = np.random.default_rng(0).permutation(np.arange(count, dtype=float))
    limit = threshold([group], rate)
    assert (group > limit).sum() == above
    # The smallest that does: one lower, and more would lie above.
    assert (group > limit - 1).sum() == above + 1


def test_a_large_group_and_a_small_one_count_alike() -> None:
    large, small = np.arange(1000.0), np.arange(990.0, 1010.0)
    limit = threshold([large, small], 0.25)
    assert (large > limit).mean() + (small > limit).mean() == pytest.approx(0.5, abs=0.05)
    assert (small > limit).mean() == pytest.approx(0.5, abs=0.05)


def test_the_fit_finds_two_groups_and_their_distances() -> None:
    """Two well separated clouds: their centres and what lies between them are told apart."""
    rng = np.random.default_rng(0)
    offset = np.zeros(ood.N_FEATURES)
    offset[:10] = 20
    cloud = rng.standard_normal((2000, ood.N_FEATURES))
    detector = fit(np.concatenate([cloud, cloud + offset]))
    at = [detector.score(x[None]) for x in (0 * offset, offset, offset / 2)]
    assert at[2] > 2 * max(at[:2])
    assert detector.score(cloud) == pytest.approx(1, abs=0.2)


def test_folds_are_counted_together(experiment: Experiment) -> None:
    row, mood = mood_folds(experiment), experiment.collection("mood")
    sizes = [len(task_split("mood", mood, fold).test) for fold in range(5)]
    assert row["tracks"] == sum(sizes) == len(mood.names)
    assert row["share_doubted"] == pytest.approx(np.dot(row["by_fold"], sizes) / sum(sizes))


def test_written_into_a_folder_the_weights_stay_and_the_card_says_it(
    experiment: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "mood"
    Checkpoint.load("mood").save(folder)
    before = (folder / "model.safetensors").read_bytes()
    update_detector(experiment, folder, tmp_path)
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
    detector = fit(np.concatenate([track.statistics for track in known]))  # type: ignore[attr-defined]
    fitted = OODScores.fit(known, targets, known[:10], detector)  # type: ignore[arg-type]
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
