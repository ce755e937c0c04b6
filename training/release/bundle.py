"""The bundled checkpoints: recipes retrained on every track, with their figures and cards."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from crnn.model.checkpoint import Checkpoint
from training.data.collection import Collection
from training.data.partial_labels import auxiliary_clips
from training.engine.experiment import Experiment
from training.engine.run import RunSpec
from training.evaluation.metrics import TrackLogits, fit_decision, fit_temperature, track_logits
from training.evaluation.protocols import mood_specs, run_logits, validation_spec
from training.ood.calibrate import for_bundle
from training.release import card

_PROTOCOLS = {"genre": ("F", "P", "N"), "mood": ("M", "M-quadrants")}


def bundle(experiment: Experiment, task: str, folder: Path, results: Path, seed: int = 0) -> Path:
    """Train on every track; decision and OOD threshold come from runs that kept tracks back."""
    collection = experiment.collection(task)
    spec = experiment.spec(task, "all", seed)
    run = experiment.train(spec, collection)
    temperature, bias = _decision(experiment, collection, spec, seed)
    trained = replace(
        Checkpoint.load(run / "checkpoint"),
        temperature=round(temperature, 3),
        log_bias=tuple(round(value, 3) for value in bias),
        ood=for_bundle(experiment, task),
    )
    trained.save(folder / task)
    return write_card(folder / task, results)


def _decision(
    experiment: Experiment, collection: Collection, spec: RunSpec, seed: int
) -> tuple[float, tuple[float, ...]]:
    """Temperature and log-bias: with class weights from the test tracks of protocol M's folds.

    Else a temperature from the validation tracks and the partially labelled clips alike: music
    that is like the collection wants a lower one, other music a higher one, and a visitor may
    bring either.
    """
    if weights := spec.recipe.class_weights:
        folds = mood_specs(experiment, spec.task, seed)
        kept_back = [run_logits(experiment, fold, collection) for fold in folds]
        return fit_decision(TrackLogits.join(kept_back), weights)
    validated = validation_spec(experiment, spec.task, seed)
    clips = auxiliary_clips(
        experiment.data, experiment.cache, collection.front_end, experiment.skip_broken, spec.task
    )
    classifier = experiment.classifier(validated, collection)
    others = track_logits(classifier, clips, np.arange(len(clips.features)))
    return fit_temperature(run_logits(experiment, validated, collection, "valid"), others), ()


def update_detector(experiment: Experiment, folder: Path, results: Path) -> Path:
    """Refit the OOD detector of a checkpoint folder that was trained on the whole collection."""
    checkpoint = Checkpoint.load(folder)
    detector = for_bundle(experiment, checkpoint.task, checkpoint.front_end)
    replace(checkpoint, ood=detector).save(folder)
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
