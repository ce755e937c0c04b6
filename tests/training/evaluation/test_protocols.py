"""From a data folder to results and a bundled checkpoint, with a recipe that takes seconds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.labels import MOODS
from crnn.model.checkpoint import Checkpoint
from tests.training.conftest import filtered_lists
from training.cli import main
from training.data.partial_labels import auxiliary_clips
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES
from training.evaluation import protocols
from training.release.bundle import bundle

QUICK = replace(
    RECIPES["mood"], epochs=1, channels=(2, 2, 2, 2), gru=4, batch_size=8, averaging=0.0
)


@pytest.fixture
def experiment(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    # Genres have neither tags nor decision.
    at_random = replace(QUICK, init_from="", tags=0.0, auxiliary=0.0, class_weights=0.0)
    monkeypatch.setitem(RECIPES, "six-seconds", at_random)
    monkeypatch.setitem(RECIPES, "mood", QUICK)
    monkeypatch.setitem(RECIPES, "genre", replace(at_random, pooling="max"))
    return Experiment(data, tmp_path / "runs", precision="32-true", progress=False)


def test_mood_protocol_tests_every_clip_once(experiment: Experiment) -> None:
    result = protocols.mood(experiment, "mood")
    assert result["pooled"]["tracks"] == 50 == sum(row["tracks"] for row in result["runs"])
    assert result["pooled"]["calibration_error_before"] != result["pooled"]["calibration_error"]
    assert result["labels"] == MOODS
    assert [row["fold"] for row in result["runs"]] == [0, 1, 2, 3, 4]
    assert all(row["temperature"] > 0 and row["revision"] for row in result["runs"])
    assert all(sum(row["log_bias"]) == pytest.approx(0, abs=1e-6) for row in result["runs"])
    correct = np.trace(result["pooled"]["confusion"]) / 50
    assert result["quadrants"]["track_accuracy"] >= correct  # Sad and Dark are one quadrant
    assert result["quadrants"]["arousal_accuracy"] >= result["quadrants"]["track_accuracy"]
    json.dumps(result)


def test_quadrants_use_every_clip(experiment: Experiment) -> None:
    result = protocols.mood(experiment, "quadrant")
    assert result["pooled"]["tracks"] == 60
    accuracy = result["quadrants"]["track_accuracy"]
    assert accuracy == pytest.approx(result["pooled"]["track_accuracy"])


def test_mixed_folds_are_runs_of_their_own_and_say_what_they_are(experiment: Experiment) -> None:
    result = protocols.mood(experiment, "quadrant", mixed=True)
    assert result["pooled"]["tracks"] == 60
    assert result["protocol"] == "M-quadrants-mixed"
    assert "ignore artists" in result["context"]
    assert all("mixed" in row["run"] for row in result["runs"])


def test_recipes_are_compared_on_the_same_tracks(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With itself, a recipe never differs; another does, by the difference of both losses."""
    monkeypatch.setitem(RECIPES, "longer", replace(QUICK, epochs=2, init_from=""))
    common = ["--data", str(experiment.data), "--runs", str(experiment.runs), "--no-progress"]
    out = ["--task", "mood", "--out", str(experiment.runs)]
    assert main(["compare", "mood", "mood", "longer", *out, *common]) == 0
    assert "Difference in loss" in capsys.readouterr().out
    result = json.loads((experiment.runs / "compare-mood.json").read_text())
    first, same, other = result["rows"]
    assert "loss_difference" not in first
    figures = {key: same[key]["mean"] for key in same if isinstance(same[key], dict)}
    assert figures["loss_difference"] == figures["interval_low"] == figures["interval_high"] == 0
    assert (figures["tracks_won"], figures["tracks_lost"], figures["p_value"]) == (0, 0, 1)
    difference = other["validation_loss"]["mean"] - first["validation_loss"]["mean"]
    assert other["loss_difference"]["mean"] == pytest.approx(difference) != 0
    assert other["interval_low"]["mean"] < difference < other["interval_high"]["mean"]
    assert all("valid" in run for run in other["runs"])
    assert main(["compare", "moood", *common]) == 1
    assert "recipe 'moood': one of" in capsys.readouterr().err


def test_bundle_is_trained_on_everything_and_measured_on_new_songs(
    experiment: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    with filtered_lists():
        folder = bundle(experiment, "mood", tmp_path / "checkpoints", tmp_path / "results")
    checkpoint = Checkpoint.load(folder)
    assert "split all, 50 tracks" in checkpoint.data
    assert checkpoint.temperature != 1.0
    assert len(checkpoint.log_bias) == len(MOODS)
    assert (folder / "README.md").read_text().startswith("---\nlicense: mit")


def test_the_bundled_temperature_suits_validation_tracks_and_other_music_alike(
    experiment: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    collection = experiment.collection("genre")
    spec = protocols.validation_spec(experiment, "genre")
    with filtered_lists():
        checkpoint = Checkpoint.load(bundle(experiment, "genre", tmp_path, tmp_path / "results"))
        valid = protocols.run_logits(experiment, spec, collection, "valid")
        classifier = experiment.classifier(spec, collection)
    clips = auxiliary_clips(experiment.data, experiment.cache, collection.front_end)
    mels = [clips.features.mel(i) for i in range(len(clips.features))]
    logits = [classifier.logits(mel, classifier.plan(mel.shape[1])) for mel in mels]
    assert checkpoint.log_bias == ()

    def loss(temperature: float) -> float:
        tracks = np.array([(each / temperature).softmax(-1).mean(0).numpy() for each in logits])
        total = (clips.candidates * tracks).sum(axis=1)
        return float(-np.log(total).mean()) + valid.loss(temperature)

    losses = [loss(temperature) for temperature in np.geomspace(0.1, 12, 30)]
    assert loss(checkpoint.temperature) < min(losses) + 1e-5 < max(losses) - 0.01


def test_new_songs_from_the_command_line(
    experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundled genre network on four clips labelled jazz."""
    common = [
        "--data",
        str(experiment.data),
        "--runs",
        str(experiment.runs),
        "--no-progress",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(["evaluate", "N", *common]) == 0
    printed = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert printed == json.loads((tmp_path / "out/N.json").read_text())
    assert printed["tracks"] == 4
    assert list(printed["recall"]) == ["jazz"]
    low, high = printed["interval_95_by_artist"]
    assert low <= printed["track_accuracy"] <= high
