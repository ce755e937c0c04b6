"""What each step of a tuned recipe gave, on the validation part that it was chosen by: one JSON a task in assets/results.

ablation       genre, validation part of F
ablation-mood  five moods, validation part inside the first fold of M
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES
from training.engine.run import RunSpec
from training.evaluation.metrics import fit_temperature, scores, track_logits
from training.evaluation.protocols import CONTEXT
from training.experiments.paper_tables import mean_sd_each


@dataclass(frozen=True)
class Ablation:
    """Steps (recipe, its name in the table) of one task on one split; names are short, since a phone shows them beside figures."""

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
        "What each step gave, on validation",
        f"{CONTEXT['F']} All figures are of the 197 validation tracks; sd over seeds where there are several.",
        (
            ("genre-alone", "tuned, GTZAN alone"),
            ("genre-after-mood", "… begins from quadrants"),
            ("genre-after-tags", "… begins from tags"),
            ("genre-beside", "… from tags, clips beside"),
            ("genre-unmixed", "… MixStyle, but no mixup"),
            ("genre", "… from tags, MixStyle (bundled)"),
        ),
    ),
    "ablation-mood": Ablation(
        "mood",
        "fold:0/valid",
        "What each step gave for five moods, on validation",
        "moods4q, validation cut from the training part of the first of five artist-disjoint folds: 123 clips, so a share of them "
        "right has a standard error of 4.5 points.",
        (
            ("mood-start", "tuned, five moods alone"),
            ("mood-labels", "… begins from genre"),
            ("mood-tags", "… and tags beside"),
            ("mood", "… and MixStyle (bundled)"),
        ),
    ),
}


def ablation(
    shop: Experiment, name: str, seeds: Sequence[int], collection: Collection | None = None
) -> dict[str, Any]:
    """Validation step by step over those of the seeds whose runs are finished; trains nothing.

    collection: the task's, where it is at hand. KeyError for a name that ABLATIONS lacks.
    """
    table = ABLATIONS[name]
    collection = collection or shop.collection(table.task)
    valid = splits.from_name(table.split, collection).valid
    rows = []
    for recipe, step in table.steps:
        each: dict[str, list[float]] = {}
        runs = []
        for spec in table.specs(seeds):
            if spec.recipe_name != recipe or not shop.finished(spec):
                continue
            given = track_logits(
                Classifier(Checkpoint.load(shop.folder(spec) / "checkpoint")), collection, valid
            )
            temperature = fit_temperature(given)
            figures = scores(given, temperature, collection.labels)
            likelihood = given.probabilities(temperature)[np.arange(len(valid)), given.targets]
            found = {
                "track_accuracy": figures["track_accuracy"],
                "segment_accuracy": figures["segment_accuracy"],
                "validation_loss": -float(np.log(np.maximum(likelihood, 1e-12)).mean()),
            }
            runs.append(shop.folder(spec).name)
            for key, value in found.items():
                each.setdefault(key, []).append(float(value))
        if runs:
            rows.append({"name": step, "paper": None, "runs": runs} | mean_sd_each(each))
    return {"table": name, "title": table.title, "context": table.context, "note": "", "rows": rows}
