"""The bundled checkpoints: recipes retrained on every track, with their figures and cards."""

import json
from dataclasses import replace
from pathlib import Path

from crnn.model.checkpoint import Checkpoint
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.evaluation.metrics import TrackLogits
from training.evaluation.protocols import decision, mood_specs, run_logits, validation_spec
from training.ood.calibrate import for_bundle
from training.release import card

_PROTOCOLS = {"genre": ("F", "P", "N"), "mood": ("M", "M-quadrants")}


def bundle(experiment: Experiment, task: str, folder: Path, results: Path, seed: int = 0) -> Path:
    """Train on every track; the OOD threshold comes from validation tracks.

    So does the temperature; with class weights it comes, with a log-bias of each class, from the
    test tracks of protocol M's folds.
    """
    collection = experiment.collection(task)
    spec = experiment.spec(task, "all", seed)
    run = experiment.train(spec, collection)
    weights = spec.recipe.class_weights
    runs = (
        [(fold, "test") for fold in mood_specs(experiment, task, seed)]
        if weights
        else [(validation_spec(experiment, task, seed), "valid")]
    )
    kept_back = [run_logits(experiment, own, collection, part) for own, part in runs]
    temperature, bias = decision(TrackLogits.join(kept_back), weights)
    trained = replace(
        Checkpoint.load(run / "checkpoint"),
        temperature=round(temperature, 3),
        log_bias=tuple(round(value, 3) for value in bias),
        ood=for_bundle(task, collection),
    )
    trained.save(folder / task)
    return write_card(folder / task, results)


def update_detector(folder: Path, collection: Collection, results: Path) -> Path:
    """Refit the OOD detector of a checkpoint folder that was trained on the whole collection."""
    checkpoint = Checkpoint.load(folder)
    replace(checkpoint, ood=for_bundle(checkpoint.task, collection)).save(folder)
    return write_card(folder, results)


def write_card(folder: Path, results: Path) -> Path:
    """Put the figures measured so far into a checkpoint's config and model card."""
    checkpoint = Checkpoint.load(folder)
    digest, task = checkpoint.digest, checkpoint.task
    figures = {}
    for name in _PROTOCOLS[task]:
        if not (results / f"{name}.json").exists():
            continue
        result = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
        # Figures belong to the weights, or at least to the recipe, that they were measured on.
        if result.get("weights", digest) == digest and result.get("recipe", task) == task:
            figures[name] = card.summary(result)
        else:
            print(f"{name}.json is left out: it was measured with other weights or another recipe.")
    updated = replace(checkpoint, results=figures)
    updated.save(folder, card=card.network(updated))
    return folder
