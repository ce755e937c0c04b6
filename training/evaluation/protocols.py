"""The protocols, each from a recipe to one result with its seeds and spread.

    F  artist-disjoint: 443 training, 197 validation, 290 test tracks (filtered lists); a run a seed
    P  random split as in the paper, 90/10 then 80/20; a run a split seed
    M  mood: five artist-disjoint folds, test predictions pooled; five moods (M) or four quadrants
       (M-quadrants); M-mixed, M-quadrants-mixed: folds that ignore artists
    N  new songs: the bundled weights, or another checkpoint, on clips of another collection

A finished run is not trained again. Temperatures come from validation tracks (F, P) or from the
other folds' test tracks (M), there with log-biases where the recipe has class weights.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from crnn.inference.classifier import Classifier
from crnn.labels import MOOD_QUADRANTS
from crnn.model.checkpoint import Checkpoint
from training.data import splits
from training.data.collection import Collection, annotations
from training.engine.experiment import Experiment
from training.engine.run import RunSpec, code_revision
from training.evaluation.metrics import (
    TrackLogits,
    calibration_error,
    fit_decision,
    fit_temperature,
    mean_sd,
    scores,
    track_logits,
)
from training.evaluation.significance import bootstrap_by_group

CONTEXT = {
    "F": "Fault-filtered, artist-disjoint GTZAN lists (Kereliuk et al. 2015): 443 training, 197 "
    "validation, 290 test tracks.",
    "P": "Random GTZAN tracks, 90/10 then 80/20, stratified, duplicates in one subset. Optimistic: "
    "artists overlap.",
    "M": "moods4q, five artist-disjoint folds, stratified as far as artists allow; test "
    "predictions are pooled.",
    "M-mixed": "moods4q, five stratified folds that ignore artists (artist overlap); test "
    "predictions are pooled. On such folds of all 900 clips, Panda et al. (2018, IEEE TAFFC 11(4)) "
    "report 0.764 macro F1 for the quadrants, with hand-crafted features and an SVM.",
    "N": "Clips of moods4q whose only genre is one of GTZAN's: new songs by artists that are not "
    "in the network's training data.",
}
FOLDS = 5
FILTERED, RANDOM = "filtered", "paper:{seed}"  # splits of F and P


def genre_specs(experiment: Experiment, split: str, seeds: Sequence[int]) -> list[RunSpec]:
    """The runs of F or P; split: FILTERED or RANDOM."""
    return [experiment.spec("genre", split.format(seed=seed), seed) for seed in seeds]


def filtered(experiment: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Protocol F."""
    return _genre(experiment, "F", genre_specs(experiment, FILTERED, seeds))


def paper(experiment: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Protocol P; each seed has its own split."""
    return _genre(experiment, "P", genre_specs(experiment, RANDOM, seeds))


def _genre(experiment: Experiment, protocol: str, specs: Sequence[RunSpec]) -> dict[str, Any]:
    collection = experiment.collection("genre")
    rows = []
    for spec in specs:
        temperature = fit_temperature(run_logits(experiment, spec, collection, "valid"))
        test = run_logits(experiment, spec, collection)
        about = _about(experiment, spec) | {"temperature": temperature}
        rows.append(about | scores(test, temperature, collection.labels))
    return _result(protocol, experiment, "genre", collection, rows)


def run_logits(
    experiment: Experiment, spec: RunSpec, collection: Collection, subset: str = "test"
) -> TrackLogits:
    """Logits of a run, trained if need be, on its "valid" or "test" tracks."""
    tracks = getattr(splits.from_name(spec.split, collection), subset)
    return track_logits(experiment.classifier(spec, collection), collection, tracks)


def validation_spec(experiment: Experiment, task: str, seed: int = 0) -> RunSpec:
    """A recipe's run with validation tracks: F's, or cut from the clips outside fold 0 (mood)."""
    return experiment.spec(task, FILTERED if task == "genre" else "fold:0/valid", seed)


def mood_specs(
    experiment: Experiment, task: str, seed: int = 0, mixed: bool = False
) -> list[RunSpec]:
    """The runs of protocol M's folds; mixed: folds that ignore artists."""
    variant = "/mixed" if mixed else ""
    return [experiment.spec(task, f"fold:{fold}{variant}", seed) for fold in range(FOLDS)]


def mood_protocol(task: str, mixed: bool = False) -> str:
    """Name of protocol M for "mood" or "quadrant"."""
    return ("M" if task == "mood" else "M-quadrants") + ("-mixed" if mixed else "")


def mood(experiment: Experiment, task: str, seed: int = 0, mixed: bool = False) -> dict[str, Any]:
    """Protocol M for "mood" (five moods) or "quadrant" (four); mixed: folds that ignore artists."""
    collection = experiment.collection(task)
    specs = mood_specs(experiment, task, seed, mixed)
    parts = [run_logits(experiment, spec, collection) for spec in specs]
    about = [_about(experiment, spec, fold) for fold, spec in enumerate(specs)]
    recipe = specs[0].recipe_name
    return mood_result(collection, parts, specs[0].recipe.class_weights, about) | {
        "protocol": mood_protocol(task, mixed),
        "context": CONTEXT["M-mixed" if mixed else "M"],
        "recipe": recipe,
        "code_revision": code_revision(),
        "quadrants": quadrants(experiment.data, collection, parts, specs[0].recipe.class_weights),
    }


def mood_result(
    collection: Collection,
    parts: Sequence[TrackLogits],
    class_weights: float,
    about: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """A result of protocol M from the test logits of its folds; about: of each fold's run."""
    rows = []
    decided = decide(parts, class_weights)
    for part, own, (scaled, temperature, bias) in zip(parts, about, decided, strict=True):
        found = scores(scaled, 1.0, collection.labels)
        found["calibration_error_before"] = calibration_error(part.probabilities(), part.targets)
        decision = {"temperature": temperature} | ({"log_bias": bias} if bias else {})
        rows.append(own | decision | found)
    pooled = scores(TrackLogits.join([part for part, _, _ in decided]), 1.0, collection.labels)
    raw = TrackLogits.join(parts)
    before = calibration_error(raw.probabilities(), raw.targets)
    task = collection.name.removeprefix("moods4q-")
    return result("M", task, collection, rows, {}) | {
        "pooled": pooled | {"calibration_error_before": before}
    }


def decide(
    parts: Sequence[TrackLogits], class_weights: float
) -> list[tuple[TrackLogits, float, tuple[float, ...]]]:
    """Folds' logits as decided on, with temperature and log-bias from the other folds.

    Every clip is a test clip of some fold.
    """
    decided = []
    for part in parts:
        others = TrackLogits.join([other for other in parts if other is not part])
        temperature, bias = decision(others, class_weights)
        decided.append((part.scaled(temperature, bias), temperature, bias))
    return decided


def decision(given: TrackLogits, class_weights: float) -> tuple[float, tuple[float, ...]]:
    """Temperature and, with class weights, log-bias."""
    if class_weights:
        return fit_decision(given, class_weights)
    return fit_temperature(given), ()


def quadrants(
    data: Path, collection: Collection, parts: Sequence[TrackLogits], class_weights: float
) -> dict[str, Any]:
    """How often the first answer's quadrant, valence and arousal are the annotated ones."""
    places = {"Q1": (1, 1), "Q2": (-1, 1), "Q3": (-1, -1), "Q4": (1, -1)} | {
        mood: (place.valence, place.arousal) for mood, place in MOOD_QUADRANTS.items()
    }
    of_clips = annotations(data).set_index("clip").quadrant
    joined = TrackLogits.join([part for part, _, _ in decide(parts, class_weights)])
    first = joined.probabilities().argmax(axis=1)
    found = np.array([places[collection.labels[answer]] for answer in first])
    true = np.array([places[of_clips[collection.names[track]]] for track in joined.tracks])
    number = {place: n for n, place in enumerate(sorted(set(places.values())))}
    pairs = [[number[tuple(place)] for place in given.tolist()] for given in (true, found)]
    return {
        "track_accuracy": float((true == found).all(axis=1).mean()),
        "track_macro_f1": float(f1_score(*pairs, average="macro")),
        "valence_accuracy": float((true == found)[:, 0].mean()),
        "arousal_accuracy": float((true == found)[:, 1].mean()),
    }


def new_songs(experiment: Experiment, checkpoint: str | Path = "genre") -> dict[str, Any]:
    """Protocol N: a checkpoint as it is, with its own temperature."""
    loaded = Checkpoint.load(checkpoint)
    collection = experiment.collection("new-songs", loaded.front_end)
    given = track_logits(Classifier(loaded), collection, np.arange(len(collection.names)))
    about = {"weights": loaded.digest, "revision": loaded.revision}
    return new_songs_result(given, loaded.temperature, collection, about)


def new_songs_result(
    given: TrackLogits, temperature: float, collection: Collection, about: dict[str, Any]
) -> dict[str, Any]:
    """A result of protocol N; the interval resamples artists."""
    correct = given.correct(temperature)
    recalls = {
        label: {"tracks": int(own.sum()), "recall": float(correct[own].mean())}
        for k, label in enumerate(collection.labels)
        if (own := given.targets == k).any()
    }
    head = {"protocol": "N", "context": CONTEXT["N"], "task": "genre", "labels": collection.labels}
    return head | {
        **about,
        "interval_95_by_artist": bootstrap_by_group(correct, collection.groups),
        "recall": recalls,
        **scores(given, temperature, collection.labels),
    }


def _about(experiment: Experiment, spec: RunSpec, fold: int | None = None) -> dict[str, Any]:
    """What identifies a run: seed, fold, folder, and the code that trained it."""
    folder = experiment.folder(spec)
    revision = str(json.loads((folder / "config.json").read_text())["revision"])
    place = {} if fold is None else {"fold": fold}
    return {"seed": spec.seed} | place | {"run": folder.name, "revision": revision}


def _result(
    protocol: str,
    experiment: Experiment,
    task: str,
    collection: Collection,
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    recipe = experiment.spec(task, "", 0).recipe_name
    about = {"recipe": recipe, "code_revision": code_revision()}
    return result(protocol, task, collection, rows, about)


def result(
    protocol: str,
    task: str,
    collection: Collection,
    rows: list[dict[str, Any]],
    about: dict[str, Any],
) -> dict[str, Any]:
    """A result of several runs, with the mean and standard deviation of every figure."""
    figures = [key for key, value in rows[0].items() if isinstance(value, float)]
    return {
        "protocol": protocol,
        "context": CONTEXT[protocol],
        "task": task,
        "labels": collection.labels,
        **about,
        "summary": {key: mean_sd([row[key] for row in rows]) for key in figures},
        "runs": rows,
    }
