"""Recipes compared on the folds by which they are chosen; no test track is used.

genre  five artist-disjoint folds of F's 640 training and validation tracks
mood   the validation parts inside M's five folds; a clip may be in several of them

A finished run is not trained again. Each fold's temperature, or decision, comes from the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.evaluation import tables
from training.evaluation.metrics import Array, TrackLogits, scores, track_losses
from training.evaluation.protocols import FOLDS, decide, run_logits
from training.evaluation.significance import bootstrap_by_group, mcnemar

SPLITS = {"genre": "filtered:{fold}", "mood": "fold:{fold}/valid"}
_CONTEXT = {
    "genre": "Five artist-disjoint folds of protocol F's 640 training and validation tracks.",
    "mood": "Validation clips inside the five artist-disjoint folds of moods4q; a clip may "
    "count in several, so p is too small.",
}


def compare(
    experiment: Experiment, task: str, recipes: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """A table of recipes, each compared with the first on the same tracks.

    Args:
        task: "genre" or "mood".

    Returns:
        Accuracy, macro F1 and negative log-likelihood (NLL, nats) of each recipe; from the second
        on also the difference in NLL, its 95 % interval (bootstrap over artists) and McNemar's
        test of the first answers.
    """
    rows: list[dict[str, Any]] = []
    reference: tuple[TrackLogits, Array] | None = None
    for name in recipes:
        collection, given, runs = _validated(replace(experiment, recipe=name), task, seed)
        losses = track_losses(given.probabilities(), given.targets)
        found = scores(given, 1.0, collection.labels)
        figures: dict[str, Any] = {
            key: found[key] for key in ("track_accuracy", "track_macro_f1", "tracks")
        }
        figures["validation_loss"] = float(losses.mean())
        if reference is None:
            reference = given, losses
        else:
            artists = collection.artist_groups
            groups = tuple(artists[track] for track in given.tracks)
            low, high = bootstrap_by_group(losses - reference[1], groups)
            figures["loss_difference"] = float((losses - reference[1]).mean())
            figures |= {"interval_low": low, "interval_high": high}
            figures |= mcnemar(given.correct(), reference[0].correct())
        rows.append(tables.row(name, tables.collect([figures]), runs))
    title = f"Recipes compared: {task}"
    return tables.table(f"compare-{task}", title, _CONTEXT[task], rows)


def _validated(
    experiment: Experiment, task: str, seed: int
) -> tuple[Collection, TrackLogits, list[str]]:
    """Logits on every fold's validation tracks, as decided on, and the folders of the runs."""
    collection = experiment.collection(task)
    specs = [experiment.spec(task, SPLITS[task].format(fold=fold), seed) for fold in range(FOLDS)]
    parts = [run_logits(experiment, spec, collection, "valid") for spec in specs]
    decided = [part for part, _, _ in decide(parts, specs[0].recipe.class_weights)]
    return collection, TrackLogits.join(decided), [experiment.folder(spec).name for spec in specs]
