"""What a run starts from is trained first, and found where it is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from tests.training.tiny import TINY
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES


def test_what_a_run_starts_from_is_trained_first(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(TINY, epochs=1)
    monkeypatch.setitem(RECIPES, "first", tiny)
    monkeypatch.setitem(RECIPES, "second", replace(tiny, init_from="quadrant/first/known"))
    experiment = Experiment(data, tmp_path, "second", "32-true", progress=False)
    spec = experiment.spec("genre", "all", 0)
    first = experiment.init_from(spec)
    assert first is not None
    assert not experiment.finished(first)
    experiment.train(spec)
    assert experiment.finished(first)
    config = json.loads((experiment.folder(first) / "checkpoint" / "config.json").read_text())
    assert "55 tracks" in config["data"]  # 60 clips, four of which protocol N keeps for itself


def test_only_a_recipe_from_random_weights_can_be_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "loop", replace(TINY, init_from="genre/loop/all"))
    experiment = Experiment(tmp_path, tmp_path, "loop")
    with pytest.raises(ValueError, match="of a recipe that starts from random weights"):
        experiment.train(experiment.spec("genre", "all", 0))


@pytest.mark.parametrize(("hop", "served"), [(3418, 3418), (None, GTZAN_FRONT_END.hop_length)])
def test_a_recipe_chooses_the_hop_of_its_spectrograms(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hop: int | None, served: int
) -> None:
    monkeypatch.setitem(RECIPES, "own", replace(TINY, hop_length=hop))
    collection = Experiment(data, tmp_path, "own").collection("genre")
    assert collection.front_end == replace(GTZAN_FRONT_END, hop_length=served)


def test_a_rehearsal_is_a_run_of_its_own(tmp_path: Path) -> None:
    experiment = Experiment(tmp_path, tmp_path, max_epochs=2)
    spec = experiment.spec("quadrant", "fold:1/mixed", 3)
    assert experiment.folder(spec).name == "quadrant-mood-2epochs-fold1-mixed-seed3"
    assert Experiment(tmp_path, tmp_path).folder(spec).name == spec.name
