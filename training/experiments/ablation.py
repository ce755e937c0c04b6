"""Ablations: each step of a tuned recipe, on the validation tracks that it was chosen by.

ablation       genre, F's validation tracks
ablation-mood  five moods, validation tracks of fold:0/valid (cut from M's clips outside fold 0)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import DataError
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES
from training.engine.run import RunSpec
from training.evaluation import tables
from training.evaluation.metrics import fit_temperature, scores, track_logits
from training.evaluation.protocols import CONTEXT


@dataclass(frozen=True)
class Ablation:
    """Steps of one task on one split: recipe, and its name in the table (short, for phones)."""

    task: str
    split: str
    title: str
    context: str
    steps: tuple[tuple[str, str], ...]

    def specs(self, seeds: Sequence[int]) -> list[RunSpec]:
        """The runs of every step."""
        return [
            RunSpec(self.task, recipe, RECIPES[recipe], self.split, seed)
            for recipe, _ in self.steps
            for seed in seeds
        ]


ABLATIONS = {
    "ablation": Ablation(
        "genre",
        "filtered",
        "Ablation: genre",
        f"{CONTEXT['F']} All figures are of the 197 validation tracks; sd over seeds where there "
        "are several.",
        (
            ("genre-alone", "tuned, GTZAN only"),
            ("genre-after-mood", "+ quadrant pre-training"),
            ("genre-after-tags", "+ tag pre-training"),
            ("genre-beside", "+ tag pre-training, 4Q clips"),
            ("genre-unmixed", "+ tag pre-training, MixStyle, no mixup"),
            ("genre-mixstyle", "+ tag pre-training, MixStyle"),
            ("genre-six-seconds", "6 s, attention, residual"),
            ("genre", "+ distillation, band limits (bundled)"),
        ),
    ),
    "ablation-mood": Ablation(
        "mood",
        "fold:0/valid",
        "Ablation: mood",
        "moods4q, validation cut from the training part of the first of five artist-disjoint "
        "folds: 123 clips, so the standard error of an accuracy is 4.5 points.",
        (
            ("mood-start", "tuned, five moods only"),
            ("mood-labels", "+ genre pre-training"),
            ("mood-tags", "+ auxiliary tag loss"),
            ("mood-mixstyle", "+ MixStyle"),
        ),
    ),
}


def ablation(experiment: Experiment, name: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Validation figures of every step, over those seeds whose runs are finished; trains nothing.

    Args:
        name: a key of ABLATIONS.

    Raises:
        DataError: no step has a finished run.
    """
    chosen = ABLATIONS[name]
    rows = []
    for recipe, step in chosen.steps:
        runs, measured = [], []
        for spec in chosen.specs(seeds):
            if spec.recipe_name != recipe or not experiment.finished(spec):
                continue
            folder = experiment.folder(spec)
            classifier = Classifier(Checkpoint.load(folder / "checkpoint"))
            collection = experiment.collection(chosen.task, classifier.front_end)
            valid = splits.from_name(chosen.split, collection).valid
            given = track_logits(classifier, collection, valid)
            temperature = fit_temperature(given)
            found = scores(given, temperature, collection.labels)
            runs.append(folder.name)
            measured.append(
                {key: found[key] for key in ("track_accuracy", "segment_accuracy")}
                | {"validation_loss": given.loss(temperature)}
            )
        if runs:
            rows.append(tables.row(step, tables.collect(measured), runs))
    if not rows:
        first = chosen.steps[0][0]
        raise DataError(
            f"{name}: none of its runs is in {experiment.runs}. Train its steps first: python -m "
            f"training train {chosen.task} --recipe {first} --split {chosen.split}, and so on: "
            f"{', '.join(recipe for recipe, _ in chosen.steps)}."
        )
    return tables.table(name, chosen.title, chosen.context, rows)
