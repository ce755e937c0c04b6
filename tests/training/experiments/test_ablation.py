"""Only steps that were trained are in an ablation, with figures of its own validation part."""

from pathlib import Path

import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import Collection, DataError
from training.data.splits import from_name
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES, Recipe
from training.evaluation.metrics import track_logits
from training.experiments import ablation as module
from training.experiments.ablation import ABLATIONS, Ablation, ablation

TINY = Recipe(epochs=1, batch_size=8, channels=(4, 4, 4, 4), gru=4, patience=0)


@pytest.mark.parametrize("table", ABLATIONS.values(), ids=ABLATIONS)
def test_the_last_step_says_whether_it_is_bundled(table: Ablation) -> None:
    recipe, name = table.steps[-1]
    assert recipe == {"genre": "genre", "mood": "mood-mixstyle"}[table.task]
    assert ("bundled" in name) == (recipe == table.task)  # the mood network is another by now
    assert len({spec.name for spec in table.specs([0, 1])}) == 2 * len(table.steps)


def test_steps_without_a_run_are_left_out_and_the_loss_is_that_of_tracks(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (("tiny", "one step"), ("tiny-too", "a step nobody trained"))
    monkeypatch.setitem(RECIPES, "tiny", TINY)
    monkeypatch.setitem(RECIPES, "tiny-too", TINY)
    monkeypatch.setitem(
        module.ABLATIONS, "toys", Ablation("toy", "fold:0/valid", "Toys", "Made up.", steps)
    )
    monkeypatch.setattr(Experiment, "collection", lambda self, task, front_end=None: toy)
    experiment = Experiment(tmp_path, tmp_path, precision="32-true", progress=False)
    with pytest.raises(DataError, match=r"--recipe tiny --split fold:0/valid.*tiny, tiny-too"):
        ablation(experiment, "toys", [0, 1])
    run = experiment.train(module.ABLATIONS["toys"].specs([0])[0], toy)

    (row,) = ablation(experiment, "toys", [0, 1])["rows"]

    assert row["runs"] == [run.name]
    assert row["validation_loss"]["mean"] == pytest.approx(_loss(run, toy), abs=1e-3)
    assert row["validation_loss"]["sd"] is None


def _loss(run: Path, toy: Collection) -> float:
    """Cross-entropy of the tracks at the best temperature, both by other libraries."""
    valid = from_name("fold:0/valid", toy).valid
    given = track_logits(Classifier(Checkpoint.load(run / "checkpoint")), toy, valid)

    def loss(temperature: float) -> float:
        return float(
            log_loss(
                toy.targets[valid], given.probabilities(temperature), labels=range(len(toy.labels))
            )
        )

    return float(minimize_scalar(loss, bounds=(0.05, 20), method="bounded").fun)
