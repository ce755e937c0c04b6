"""Train on a collection of one's own, measure it, and leave a checkpoint that the app serves."""

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
from training.release.bundle import SHOWN

FRONT_ENDS: dict[str, FrontEnd] = {"paper": PAPER_FRONT_END, "gtzan-mels": GTZAN_FRONT_END}
# What the app has a place for; checkpoints of other tasks are served by the library.
_IN_THE_APP = ("genre", "mood", "quadrant")

_MEASURED = "test"  # under which name the figures stand in the checkpoint


def default_recipe(task: str) -> str:
    """Of a task's name: averages for mood, as in the paper; one that needs no other collection."""
    return "mood-start" if task == "mood" else "genre-alone"


def train(
    shop: Experiment,
    recipe: Recipe,
    recipe_name: str,
    seed: int = 0,
    split: str | None = None,
    front_end: str = "gtzan-mels",
    task: str | None = None,
    skip_broken: bool = False,
) -> Path:
    """Read the manifest shop.data, train, calibrate on the validation part, measure on the test part; returns the run's folder.

    Everything that can be known to fail is checked before the first file is decoded. split: as training.data.splits.from_name; default:
    the manifest's own, else "grouped:SEED". task: default is the manifest's name.
    """
    if recipe.init_from:
        raise ValueError(
            f"recipe {recipe_name} needs a run on another collection first; choose one of {', '.join(from_scratch())}."
        )
    grid, launch = FRONT_ENDS[front_end], ProcessGroup.current()

    def checked() -> Table:
        table = read(shop.data, task, skip_broken)
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

    table = launch.run_on_all(checked)
    own = launch.run_on_all(lambda: collection(table, grid, shop.runs / "frames", skip_broken))
    chosen = split or ("given" if own.subsets else f"grouped:{seed}")
    parts = launch.run_on_all(lambda: splits.from_name(chosen, own))
    folder = shop.train(RunSpec(table.task, recipe_name, recipe, chosen, seed), own)
    launch.run_on_first(lambda: _measure(folder / "checkpoint", own, parts, chosen, seed))
    if table.task not in _IN_THE_APP and launch.rank == 0:
        print(
            f"The app shows genre and mood; to see {table.task} there, train it with --task-name genre or mood.",
            file=sys.stderr,
        )
    return folder


def _measure(folder: Path, own: Collection, parts: splits.Split, split: str, seed: int) -> None:
    """Put temperature, figures and a card into a checkpoint, once."""
    checkpoint = Checkpoint.load(folder)
    if (folder / "README.md").exists():
        return
    classifier = Classifier(checkpoint)
    temperature = (
        fit_temperature(track_logits(classifier, own, parts.valid)) if len(parts.valid) else 1.0
    )
    results: dict[str, Any] = {}
    if len(parts.test):
        found = scores(track_logits(classifier, own, parts.test), temperature, own.labels)
        apart = (
            ""
            if set(_groups(own, parts.test)) & set(_groups(own, parts.train))
            else ", none of their groups heard in training"
        )
        results[_MEASURED] = {
            "context": f"{len(parts.test)} tracks of {own.name} (split {split}){apart}.",
            "runs": f"one seed ({seed})",
            **{key: round(found[key], 4) for key in SHOWN},
        }
        print(
            f"{own.name}: {len(parts.test)} test tracks, {found['track_accuracy']:.3f} right, macro F1 "
            f"{found['track_macro_f1']:.3f}, segments {found['segment_accuracy']:.3f}"
        )
    updated = replace(checkpoint, temperature=round(temperature, 3), results=results)
    updated.save(folder)
    (folder / "README.md").write_text(
        _card(updated, own, parts), encoding="utf-8"
    )  # last: says that all was measured


def _groups(own: Collection, tracks: splits.Indices) -> list[str]:
    return [own.groups[int(track)] for track in tracks]


def _card(checkpoint: Checkpoint, own: Collection, parts: splits.Split) -> str:
    """What is known of a network on somebody's own collection; where the music came from, its owner must add."""
    figures = checkpoint.results.get(_MEASURED)
    measured = (
        f"{figures['context']} Tracks right {figures['track_accuracy']:.3f}, macro F1 {figures['track_macro_f1']:.3f}, segments "
        f"right {figures['segment_accuracy']:.3f}, calibration error {figures['calibration_error']:.3f}; {figures['runs']}."
        if figures
        else "Not measured: no track was kept for testing."
    )
    counts = ", ".join(
        f"{label} {int((own.targets == k).sum())}" for k, label in enumerate(own.labels)
    )
    return f"""# {checkpoint.task.capitalize()} of a music track, by a convolutional recurrent network

- **Training data**: {checkpoint.data}. Tracks by label, all sides: {counts}; {len(set(own.groups))} groups. Say here where the
  recordings come from, and under which licence.
- **Measured**: {measured}
- **Temperature**: {checkpoint.temperature:g}, from {len(parts.valid)} validation tracks.
- **Code revision**: {checkpoint.revision}.

Labels are the opinion of whoever gave them: not for decisions about people or their work.
"""
