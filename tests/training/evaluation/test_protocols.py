"""From a data folder to results and a bundled checkpoint, with a recipe that takes seconds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.labels import MOODS
from crnn.model.checkpoint import Checkpoint
from training.cli import main
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


def test_bundle_is_trained_on_everything_and_measured_on_new_songs(
    experiment: Experiment, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    folder = bundle(experiment, "mood", tmp_path / "checkpoints", tmp_path / "results")
    checkpoint = Checkpoint.load(folder)
    assert "split all, 50 tracks" in checkpoint.data
    assert checkpoint.temperature != 1.0
    assert len(checkpoint.log_bias) == len(MOODS)
    assert (folder / "README.md").read_text().startswith("---\nlicense: mit")


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
