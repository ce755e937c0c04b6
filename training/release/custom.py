"""Train on a collection of one's own, measure it, and leave a checkpoint that the app can use."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import CheckpointConfig
from training.data import splits
from training.data.collection import Collection
from training.data.manifest import Table, collection, read
from training.distributed import ProcessGroup
from training.engine.experiment import Experiment
from training.engine.recipes import Recipe, from_scratch
from training.engine.run import RunSpec
from training.evaluation.metrics import fit_temperature, scores, track_logits
from training.release import card

FRONT_ENDS: dict[str, FrontEnd] = {"paper": PAPER_FRONT_END, "gtzan-mels": GTZAN_FRONT_END}
# Tasks that the app shows; checkpoints of other tasks work in the library.
_IN_THE_APP = ("genre", "mood", "quadrant")
_MEASURED = "test"  # the figures' name in the checkpoint


def default_recipe(task: str) -> str:
    """A task's recipe that needs no other collection: average pooling for mood, as in the paper."""
    return "mood-start" if task == "mood" else "genre-alone"


def train(
    experiment: Experiment,
    recipe: Recipe,
    recipe_name: str,
    seed: int = 0,
    split: str | None = None,
    front_end: str = "gtzan-mels",
    task: str | None = None,
    skip_broken: bool = False,
) -> Path:
    """Train on the manifest experiment.data, calibrate, measure; returns the run's folder.

    Whatever can be checked is checked before the first file is decoded.

    Args:
        split: a name of splits.from_name; default: the manifest's own, else "grouped:SEED".
        task: default: the manifest's name.
    """
    if recipe.init_from or recipe.distillation:
        raise ValueError(
            f"recipe {recipe_name} needs a run on another collection first, or a teacher; choose "
            f"one of {', '.join(from_scratch())}."
        )
    grid, processes = FRONT_ENDS[front_end], ProcessGroup.current()

    def checked() -> Table:
        table = read(experiment.data, task, skip_broken)
        CheckpointConfig.parse(
            {
                "task": table.task,
                "labels": table.labels,
                "segment_seconds": recipe.segment_seconds,
                "temperature": 1.0,
                "front_end": grid,
                "model": recipe.model_config(grid, len(table.labels)),
            }
        )
        return table

    table = processes.run_on_all(checked)
    own = processes.run_on_all(lambda: collection(table, grid, experiment.cache, skip_broken))
    name = split or ("given" if own.subsets else f"grouped:{seed}")
    subsets = processes.run_on_all(lambda: splits.from_name(name, own))
    folder = experiment.train(RunSpec(table.task, recipe_name, recipe, name, seed), own)
    processes.run_on_first(lambda: _measure(folder / "checkpoint", own, subsets, name, seed))
    if table.task not in _IN_THE_APP and processes.rank == 0:
        print(
            f"The app shows genre and mood; to see {table.task} there, train it with --task-name "
            "genre or mood.",
            file=sys.stderr,
        )
    return folder


def _measure(folder: Path, own: Collection, split: splits.Split, name: str, seed: int) -> None:
    """Put temperature, figures and a card into a checkpoint, once."""
    if (folder / "README.md").exists():
        return
    checkpoint = Checkpoint.load(folder)
    classifier, temperature = Classifier(checkpoint), 1.0
    if len(split.valid):
        temperature = fit_temperature(track_logits(classifier, own, split.valid))
    results: dict[str, Any] = {}
    if len(split.test):
        found = scores(track_logits(classifier, own, split.test), temperature, own.labels)
        train_groups, test_groups = (
            {own.groups[int(track)] for track in tracks} for tracks in (split.train, split.test)
        )
        disjoint = "" if train_groups & test_groups else ", groups disjoint from training"
        results[_MEASURED] = {
            "context": f"{len(split.test)} tracks of {own.name} (split {name}){disjoint}.",
            "runs": f"one seed ({seed})",
            **{key: round(found[key], 4) for key in card.METRICS},
        }
        print(
            f"{own.name}: {len(split.test)} test tracks, track accuracy "
            f"{found['track_accuracy']:.3f}, macro F1 {found['track_macro_f1']:.3f}, segment "
            f"accuracy {found['segment_accuracy']:.3f}"
        )
    updated = replace(checkpoint, temperature=round(temperature, 3), results=results)
    updated.save(folder)
    # Last, as it says that all was measured.
    text = card.custom(updated, own, len(split.valid))
    (folder / "README.md").write_text(text, encoding="utf-8")
