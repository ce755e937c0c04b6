"""The four protocols, each from a recipe to one JSON with its seeds and spread.

    F  filtered lists: train on 443, validate on 197, test on 290 tracks; one run a seed
    P  paper's random split 90/10, then 80/20: one run a split seed
    M  mood: five artist-disjoint folds, test predictions pooled; the five moods, and the four quadrants; M-mixed the same with
       folds that ignore artists, as others have cut them
    N  new songs: the bundled weights (or another checkpoint) on clips of another collection

A run that exists is not trained again. Temperatures come from validation parts, F's and P's own; for M, from the answers to
the other folds.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.engine.run import RunSpec, code_revision
from training.evaluation.metrics import (
    TrackLogits,
    bootstrap_by_group,
    fit_temperature,
    mean_sd,
    scores,
    track_logits,
)

CONTEXT = {
    "F": "Fault-filtered, artist-disjoint GTZAN lists (Kereliuk et al. 2015): 443 train, 197 validation, 290 test tracks.",
    "P": "Random GTZAN tracks, 90/10 then 80/20, stratified, duplicates on one side: optimistic, artists on both sides.",
    "M": "moods4q, five artist-disjoint folds, stratified as far as artists allow, test predictions pooled.",
    "M-mixed": "moods4q, five stratified folds that ignore artists, test predictions pooled: artists on both sides. "
    "On such folds, of all 900 clips, Panda et al. (2018, IEEE TAFFC 11(4)) reach 0.764 macro F1 for the quadrants, with hand-made "
    "features and an SVM.",
    "N": "Clips of moods4q whose only genre is one of GTZAN's: new songs, by artists whom this network's training never met.",
}
FOLDS = 5


def filtered(shop: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Protocol F."""
    collection = shop.collection("genre")
    return _genre(shop, "F", collection, [("filtered", seed) for seed in seeds])


def paper(shop: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Protocol P; each seed draws its own split."""
    return _genre(shop, "P", shop.collection("genre"), [(f"paper:{seed}", seed) for seed in seeds])


def _genre(
    shop: Experiment, protocol: str, collection: Collection, runs: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    by_seed = []
    for split_name, seed in runs:
        spec = shop.spec("genre", split_name, seed)
        classifier = shop.classifier(spec, collection)
        split = splits.from_name(split_name, collection)
        temperature = fit_temperature(track_logits(classifier, collection, split.valid))
        row = scores(
            track_logits(classifier, collection, split.test), temperature, collection.labels
        )
        about = {
            "seed": seed,
            "run": shop.folder(spec).name,
            "revision": _revision(shop, spec),
            "temperature": temperature,
        }
        by_seed.append(about | row)
    return _result(protocol, shop, "genre", collection, by_seed)


def mood_specs(shop: Experiment, task: str, seed: int = 0, mixed: bool = False) -> list[RunSpec]:
    """The runs of protocol M's folds; mixed: folds that ignore artists."""
    return [
        shop.spec(task, f"fold:{fold}" + ("/mixed" if mixed else ""), seed) for fold in range(FOLDS)
    ]


def mood_protocol(task: str, mixed: bool = False) -> str:
    """What protocol M is called for "mood" or "quadrant"."""
    return ("M" if task == "mood" else "M-quadrants") + ("-mixed" if mixed else "")


def mood(shop: Experiment, task: str, seed: int = 0, mixed: bool = False) -> dict[str, Any]:
    """Protocol M for "mood" (five moods) or "quadrant" (four); mixed: M-mixed, which ignores artists."""
    collection = shop.collection(task)
    specs = mood_specs(shop, task, seed, mixed)
    parts = [
        track_logits(
            shop.classifier(spec, collection),
            collection,
            splits.from_name(spec.split, collection).test,
        )
        for spec in specs
    ]
    by_fold, calibrated = [], []
    for fold, (spec, part) in enumerate(zip(specs, parts, strict=True)):
        # Fitted on the other folds' answers: every clip is some fold's test clip, so there is no other place for it.
        temperature = fit_temperature(_join([other for other in parts if other is not part]))
        about = {
            "seed": seed,
            "fold": fold,
            "run": shop.folder(spec).name,
            "revision": _revision(shop, spec),
        }
        by_fold.append(
            about | {"temperature": temperature} | scores(part, temperature, collection.labels)
        )
        calibrated.append(part.divided(temperature))
    pooled = scores(_join(calibrated), 1.0, collection.labels)
    # Those are divided already; before that, each fold's answers are as its network gave them.
    pooled["calibration_error_before"] = scores(_join(parts), 1.0, collection.labels)[
        "calibration_error"
    ]
    about = {
        "protocol": mood_protocol(task, mixed),
        "context": CONTEXT["M-mixed" if mixed else "M"],
    }
    return _result("M", shop, task, collection, by_fold) | about | {"pooled": pooled}


def validation_temperature(
    shop: Experiment, task: str, collection: Collection, seed: int = 0
) -> float:
    """Temperature of the task's recipe from a run with a validation part: F's for genre, inside fold 0 for mood."""
    split = "filtered" if task == "genre" else "fold:0/valid"
    classifier = shop.classifier(shop.spec(task, split, seed), collection)
    return fit_temperature(
        track_logits(classifier, collection, splits.from_name(split, collection).valid)
    )


def new_songs(shop: Experiment, checkpoint: str | Path = "genre") -> dict[str, Any]:
    """Protocol N, with the served checkpoint as it is (its own temperature); artists drawn for the interval."""
    collection = shop.collection("new-songs")
    loaded = Checkpoint.load(checkpoint)
    given = track_logits(Classifier(loaded), collection, np.arange(len(collection.names)))
    right = (given.probabilities(loaded.temperature).argmax(axis=1) == given.targets).astype(float)
    row = scores(given, loaded.temperature, collection.labels)
    recalls = {
        label: {
            "tracks": int((given.targets == k).sum()),
            "recall": float(right[given.targets == k].mean()),
        }
        for k, label in enumerate(collection.labels)
        if (given.targets == k).any()
    }
    return {
        "protocol": "N",
        "context": CONTEXT["N"],
        "task": "genre",
        "labels": collection.labels,
        "weights": loaded.digest,
        "revision": loaded.revision,
        "interval_95_by_artist": bootstrap_by_group(right, collection.groups),
        "recall": recalls,
        **row,
    }


def _revision(shop: Experiment, spec: RunSpec) -> str:
    """The code that trained a run, as its folder says."""
    return str(json.loads((shop.folder(spec) / "config.json").read_text())["revision"])


def _join(parts: Sequence[TrackLogits]) -> TrackLogits:
    return TrackLogits(
        tuple(x for part in parts for x in part.logits),
        tuple(x for part in parts for x in part.segments),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.tracks for part in parts]),
    )


def _result(
    protocol: str, shop: Experiment, task: str, collection: Collection, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Rows of runs with the mean and standard deviation (n − 1) of every figure."""
    figures = [key for key, value in rows[0].items() if isinstance(value, float)]
    spreads = {key: mean_sd([row[key] for row in rows]) for key in figures}
    return {
        "protocol": protocol,
        "context": CONTEXT[protocol],
        "task": task,
        "labels": collection.labels,
        "recipe": shop.spec(task, "", 0).recipe_name,
        "code_revision": code_revision(),
        "summary": spreads,
        "runs": rows,
    }
