"""The bundled checkpoints: recipes retrained on every track, with their figures and cards."""

import json
from dataclasses import replace
from pathlib import Path

from crnn.model.checkpoint import Checkpoint
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.evaluation.metrics import fit_temperature
from training.evaluation.protocols import run_logits, validation_spec
from training.ood.calibrate import for_bundle
from training.release import card

_PROTOCOLS = {"genre": ("F", "P", "N"), "mood": ("M", "M-quadrants")}


def bundle(experiment: Experiment, task: str, folder: Path, results: Path, seed: int = 0) -> Path:
    """Train on every track; temperature and OOD threshold come from a validation run."""
    collection = experiment.collection(task)
    run = experiment.train(experiment.spec(task, "all", seed), collection)
    valid = run_logits(experiment, validation_spec(experiment, task, seed), collection, "valid")
    trained = replace(
        Checkpoint.load(run / "checkpoint"),
        temperature=round(fit_temperature(valid), 3),
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
