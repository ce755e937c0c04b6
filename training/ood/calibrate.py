"""When a network should doubt: the threshold from validation tracks, and how it does on tracks and sounds that chose nothing.

    sounds made for choosing (training.ood.synthetic)  ──> which score          (CHOSEN, once, by hand)
    validation part of the recipe's run           ──> its threshold        (5 % of those tracks lie above)
    test tracks, other collections, sounds made for testing ──> the figures printed

Genre: protocol F's parts. Mood: fold 0, with a validation part cut from its training part. Bundled checkpoints carry the
statistics of their own training tracks and that threshold.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.errors import AudioError
from crnn.model import ood
from crnn.model.checkpoint import Checkpoint
from crnn.model.ood import OODDetector
from crnn.sources.examples import EXAMPLES
from training.data import splits
from training.data.collection import Collection
from training.data.partial_labels import CANDIDATES
from training.data.splits import Indices
from training.engine.experiment import Experiment
from training.evaluation.protocols import FOLDS
from training.ood import synthetic
from training.ood.scores import SOUND, OODScores, TrackFeatures, track_features

CHOSEN = SOUND
SCORE = (
    "Stretches of 5 s, each described by 45 numbers (level, movement and skewness of eight ranges of pitch, loudness below the "
    "peak, how long the spectrum keeps its shape); distance from the Gaussian of the training tracks, median over stretches."
)
CONTEXT = (
    "Share of tracks whose score lies above the threshold, which 5 % of the validation tracks do. Genre: statistics from F's "
    "training part. Mood: from fold 0's, validation cut from it. Silence, noise and speech (espeak-ng) are made by the command, "
    "others than those the score was chosen on; what is refused as silent counts as doubted."
)
_ORIGIN = {
    "genre": "5 % of protocol F's 197 validation tracks lie above it; the statistics behind it came from F's 443 training tracks",
    "mood": "5 % of the validation clips inside fold 0 lie above it; the statistics behind it came from that fold's training clips",
}
_EXCERPTS = (3, 5, 10)  # seconds

Listen = Callable[[Tensor], TrackFeatures]
# Tracks of one row; None for what was refused as silent.
Group = Sequence[TrackFeatures | None]


def task_split(task: str, collection: Collection, fold: int = 0) -> splits.Split:
    """Training, validation and test tracks that a task's figures of doubt come from; fold: of mood."""
    if task == "genre":
        return splits.filtered(collection)
    inner = splits.from_name(f"fold:{fold}/valid", collection)
    return splits.Split(inner.train, inner.valid, splits.from_name(f"fold:{fold}", collection).test)


def fit_detector(collection: Collection, tracks: Indices) -> OODDetector:
    """What some tracks of a collection sound like; without a threshold yet."""
    found = [
        ood.features(collection.features.mel(int(track)), collection.front_end) for track in tracks
    ]
    return ood.fit(np.concatenate([described for described in found if described is not None]))


def calibrated_detector(collection: Collection, split: splits.Split) -> OODDetector:
    """Statistics of the training part, threshold of the validation part."""
    inner = fit_detector(collection, split.train)
    return replace(inner, threshold=ood.threshold(_sound_scores(collection, inner, split.valid)))


def for_bundle(task: str, collection: Collection) -> OODDetector:
    """Statistics of every track, threshold of the recipe's validation part: what a bundled checkpoint carries."""
    limit = calibrated_detector(collection, task_split(task, collection)).threshold
    whole = fit_detector(collection, np.arange(len(collection.names)))
    return replace(whole, threshold=round(limit, 4), origin=_ORIGIN[task])


def _sound_scores(collection: Collection, sound: OODDetector, tracks: Indices) -> ood.Array:
    found = [
        ood.features(collection.features.mel(int(track)), collection.front_end) for track in tracks
    ]
    return np.array([sound.score(described) for described in found if described is not None])


def mood_folds(collection: Collection) -> dict[str, Any]:
    """False alarms of mood on every fold's test clips, each with statistics and threshold of its own training part."""
    counts = []
    for fold in range(FOLDS):
        split = task_split("mood", collection, fold)
        own = calibrated_detector(collection, split)
        counts.append(
            (
                int((_sound_scores(collection, own, split.test) > own.threshold).sum()),
                len(split.test),
            )
        )
    doubted, tracks = (sum(column) for column in zip(*counts, strict=True))
    return {
        "name": "test clips of all five folds, each by its own threshold",
        "network": "mood",
        "share_doubted": doubted / tracks,
        "tracks": tracks,
        "by_fold": [count / size for count, size in counts],
    }


def write(folder: Path, collection: Collection, results: Path) -> Path:
    """Put statistics and threshold into a checkpoint folder whose weights were trained on the whole collection."""
    from training.release.bundle import write_card

    checkpoint = Checkpoint.load(folder)
    replace(checkpoint, ood=for_bundle(checkpoint.task, collection)).save(folder)
    return write_card(folder, results)


def table(shop: Experiment) -> dict[str, Any]:
    """doubt.json: rows of both networks with the chosen score, and how the scores compared."""
    rows: list[dict[str, Any]] = []
    compared: list[dict[str, Any]] = []
    thresholds: dict[str, float] = {}
    for task in ("genre", "mood"):
        measured = measure(shop, task)
        rows += measured["rows"]
        if task == "mood":
            rows.append(mood_folds(shop.collection("mood")))
        compared += measured["compared"]
        thresholds[task] = measured["threshold"]
    return {
        "table": "doubt",
        "title": "Doubt: how often it says that it knows no such sound",
        "context": CONTEXT + ("" if synthetic.has_espeak() else " " + synthetic.NO_SPEECH),
        "score": SCORE,
        "threshold": thresholds,
        "rows": rows,
        "compared": compared,
    }


def measure(shop: Experiment, task: str, seed: int = 0) -> dict[str, Any]:
    """Threshold and rows of a task. Scores that need its network are compared where its validation run is finished."""
    collection = shop.collection(task)
    split = task_split(task, collection)
    spec = shop.spec(task, "filtered" if task == "genre" else "fold:0/valid", seed)
    classifier = shop.classifier(spec, collection) if shop.finished(spec) else None

    def listen(mel: Tensor) -> TrackFeatures:
        return track_features(mel, classifier, collection.front_end)

    heard = {
        side: _tracks(collection, getattr(split, side), listen)
        for side in ("train", "valid", "test")
    }
    fitted = OODScores.fit(heard["train"], collection.targets[split.train], heard["valid"])
    limits = {
        name: ood.threshold(np.array(values))
        for name, values in _scored(fitted, heard["valid"]).items()
    }
    groups: dict[str, Group] = {
        "validation tracks, which fix the threshold": heard["valid"],
        _test_name(task): heard["test"],
    }
    groups |= _others(shop, task, collection, split, listen)
    groups |= _made("testing", collection.front_end, listen)
    choosing = _made("choosing", collection.front_end, listen)
    shares = {name: _share(fitted, group, limits) for name, group in groups.items()}
    rows = [
        {"name": name, "network": task, "share_doubted": shares[name][CHOSEN], "tracks": len(group)}
        for name, group in groups.items()
    ]
    columns = {
        f"chosen on {kind}": _share(fitted, choosing[kind], limits)
        for kind in synthetic.KINDS
        if kind in choosing
    }
    columns |= {
        name: found
        for name, found in shares.items()
        if set(found) == set(limits) and ": " not in name
    }
    compared = [
        {"name": score, "network": task, "run": spec.name if classifier else ""}
        | {f"{column} (%)": round(100 * found[score], 1) for column, found in columns.items()}
        for score in limits
    ]
    return {"threshold": limits[CHOSEN], "rows": rows, "compared": compared}


def _test_name(task: str) -> str:
    return "filtered test tracks of GTZAN" if task == "genre" else "test clips of fold 0"


def _tracks(collection: Collection, tracks: Iterable[int], listen: Listen) -> list[TrackFeatures]:
    return [listen(collection.features.mel(int(track))) for track in tracks]


def _scored(fitted: OODScores, group: Group) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for track in group:
        if track is not None:
            for name, score in fitted.of(track).items():
                found.setdefault(name, []).append(score)
    return found


def _share(fitted: OODScores, group: Group, limits: dict[str, float]) -> dict[str, float]:
    """Share of a group above each score's threshold; what was refused as silent (None) is above any."""
    scored = _scored(fitted, group)
    refused = sum(track is None for track in group)
    names = limits if refused == len(group) else scored
    return {
        name: (refused + sum(score > limits[name] for score in scored.get(name, []))) / len(group)
        for name in names
    }


def _others(
    shop: Experiment, task: str, collection: Collection, split: splits.Split, listen: Listen
) -> dict[str, Group]:
    """Music that is not of the task's own split: excerpts, the same clips as audio, other collections, the examples."""
    groups: dict[str, Group] = {}
    rng = np.random.default_rng(0)
    for seconds in _EXCERPTS:
        frames, group = collection.front_end.frames(seconds), []
        for track in split.test:
            mel = collection.features.mel(int(track))
            first = int(rng.integers(max(1, mel.shape[1] - frames)))
            # Of the sound alone: the networks' own scores are compared on whole tracks.
            group.append(track_features(mel[:, first : first + frames], None, collection.front_end))
        groups[f"{seconds} s of each of these"] = group
    if task == "genre":
        files = sorted((shop.data / "gtzan" / "audio").rglob("*.flac"))
        if files:
            groups["GTZAN clips that are at hand as audio"] = [
                _heard_file(file, collection, listen) for file in files
            ]
        songs = shop.collection("new-songs", collection.front_end)
        groups["new songs (protocol N)"] = _tracks(songs, range(len(songs.names)), listen)
        every, far = shop.collection("quadrant", collection.front_end), other_genres(shop.data)
        chosen = [i for i, name in enumerate(every.names) if name in far]
        groups["far-off music, of none of the ten genres"] = _tracks(every, chosen, listen)
    else:
        gtzan = shop.collection("genre", collection.front_end)
        groups["filtered test tracks of GTZAN, another collection"] = _tracks(
            gtzan, splits.filtered(gtzan).test, listen
        )
    groups["bundled examples"] = [
        _heard_file(example.file, collection, listen) for example in EXAMPLES.values()
    ]
    return groups


def _heard_file(file: Path, collection: Collection, listen: Listen) -> TrackFeatures:
    front_end = collection.front_end
    return listen(
        log_mel(
            decode(file, sample_rate=front_end.sample_rate, downmix=front_end.downmix).samples,
            front_end,
        )
    )


def _made(which: synthetic.Set, front_end: FrontEnd, listen: Listen) -> dict[str, Group]:
    """Made sounds by kind ("noise") and by name ("noise: pink"); None for those refused as silent."""
    groups: dict[str, list[TrackFeatures | None]] = {}
    for kind, name, mel in _made_mels(which, front_end):
        heard = listen(mel) if mel is not None else None
        for row in (kind, f"{kind}: {name}"):
            groups.setdefault(row, []).append(heard)
    return {name: groups[name] for name in sorted(groups)}


@lru_cache(maxsize=4)
def _made_mels(which: synthetic.Set, front_end: FrontEnd) -> list[tuple[str, str, Tensor | None]]:
    """Made once for both tasks."""
    found = []
    for sound in synthetic.sounds(which):
        try:
            mel = log_mel(sound.samples, front_end)
        except AudioError:
            mel = None
        found.append((sound.kind, sound.name, mel))
    return found


def other_genres(data: Path) -> set[str]:
    """Clips of moods4q with none of the genres that may be one of GTZAN's (training.data.partial_labels): never heard beside its tracks."""
    folder = data / "moods4q" if (data / "moods4q").is_dir() else data
    with (folder / "annotations.csv").open(newline="", encoding="utf-8") as lines:
        rows = [
            (row["clip"], {word.strip() for word in row["genres"].split(";")} - {""})
            for row in csv.DictReader(lines)
        ]
    return {clip for clip, genres in rows if genres and not genres & set(CANDIDATES)}


def run(shop: Experiment, out: Path, checkpoints: Path, results: Path) -> dict[str, Any]:
    """Measure, write doubt.json, and put statistics and threshold into the bundled checkpoints that are there."""
    found = table(shop)
    out.mkdir(parents=True, exist_ok=True)
    (out / "doubt.json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for task in ("genre", "mood"):
        if (checkpoints / task / "config.json").exists():
            write(checkpoints / task, shop.collection(task), results)
    return found
