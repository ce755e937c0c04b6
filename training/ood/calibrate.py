"""Out-of-distribution detection: threshold from validation tracks, and how often it is exceeded.

    synthetic sounds of the selection set ──> which score    (SELECTED, once, by hand)
    validation tracks of the recipe's run ──> its threshold  (5 % of them exceed it)
    test tracks, other collections, synthetic sounds of the test set ──> the figures

Genre: protocol F's subsets. Mood: fold 0, validation cut from its training part. Bundled
checkpoints carry the statistics of their own training tracks and that threshold.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.audio.names import songs
from crnn.errors import AudioError
from crnn.model import ood
from crnn.model.ood import OODDetector
from crnn.sources.examples import EXAMPLES
from training.data import splits
from training.data.collection import Collection, annotations
from training.data.partial_labels import CANDIDATES
from training.data.splits import Indices
from training.engine.experiment import Experiment
from training.evaluation import tables
from training.evaluation.protocols import FOLDS, validation_spec
from training.ood import synthetic
from training.ood.scores import AUDIO, OODScores, TrackFeatures, track_features

SELECTED = AUDIO
CONTEXT = (
    "Fraction of tracks whose score exceeds the threshold, as 5 % of the validation tracks do. "
    "Genre: statistics of F's training tracks. Mood: statistics of fold 0's training clips, "
    "validation cut from them. Silence, noise and speech (espeak-ng) are synthetic and differ "
    "from those on which the score was chosen; audio that is rejected as silent counts as flagged."
)
SCORE = (
    "45 statistics of each 5 s excerpt (level, variation and skewness of eight frequency ranges, "
    "loudness below the peak, spectral autocorrelation over time); Mahalanobis distance from the "
    "training tracks' Gaussian, median over excerpts."
)
_ORIGIN = {
    "genre": "5 % of protocol F's 197 validation tracks exceed it, by the statistics of F's 443 "
    "training tracks",
    "mood": "5 % of the validation clips inside fold 0 exceed it, by the statistics of that fold's "
    "training clips",
}
_TEST = {"genre": "GTZAN test tracks (F)", "mood": "fold 0 test clips"}
_EXCERPTS = (3, 5, 10)  # seconds

Extract = Callable[[Tensor], TrackFeatures]
# The tracks of one row; None for audio that is rejected as silent.
Group = Sequence[TrackFeatures | None]


def task_split(task: str, collection: Collection, fold: int = 0) -> splits.Split:
    """Training, validation and test tracks of a task; fold: of mood."""
    if task == "genre":
        return splits.filtered(collection)
    inner = splits.from_name(f"fold:{fold}/valid", collection)
    return replace(inner, test=splits.from_name(f"fold:{fold}", collection).test)


def _statistics(collection: Collection, tracks: Indices) -> list[ood.Array]:
    found = [
        ood.features(collection.features.mel(int(track)), collection.front_end) for track in tracks
    ]
    return [statistics for statistics in found if statistics is not None]


def _scores(detector: OODDetector, collection: Collection, tracks: Indices) -> ood.Array:
    return np.array([detector.score(x) for x in _statistics(collection, tracks)])


def fit_detector(collection: Collection, tracks: Indices) -> OODDetector:
    """A detector with the statistics of some tracks, without a threshold."""
    return ood.fit(np.concatenate(_statistics(collection, tracks)))


def calibrated_detector(collection: Collection, split: splits.Split) -> OODDetector:
    """Statistics of the training tracks, threshold of the validation tracks."""
    detector = fit_detector(collection, split.train)
    return replace(detector, threshold=ood.threshold(_scores(detector, collection, split.valid)))


def for_bundle(task: str, collection: Collection) -> OODDetector:
    """A bundled checkpoint's detector: statistics of all tracks, threshold of validation tracks."""
    limit = calibrated_detector(collection, task_split(task, collection)).threshold
    detector = fit_detector(collection, np.arange(len(collection.names)))
    return replace(detector, threshold=round(limit, 4), origin=_ORIGIN[task])


def mood_folds(collection: Collection) -> dict[str, Any]:
    """Flagged test clips of all folds, each by its own training part's detector."""
    counts, sizes = [], []
    for fold in range(FOLDS):
        split = task_split("mood", collection, fold)
        detector = calibrated_detector(collection, split)
        scores = _scores(detector, collection, split.test)
        counts.append(int((scores > detector.threshold).sum()))
        sizes.append(len(split.test))
    return {
        "name": "test clips of all five folds, own thresholds",
        "network": "mood",
        "share_doubted": sum(counts) / sum(sizes),
        "tracks": sum(sizes),
        "by_fold": [count / size for count, size in zip(counts, sizes, strict=True)],
    }


def table(experiment: Experiment) -> dict[str, Any]:
    """doubt.json: rows of both networks with the selected score, and how the scores compared."""
    rows: list[dict[str, Any]] = []
    compared: list[dict[str, Any]] = []
    thresholds: dict[str, float] = {}
    for task in ("genre", "mood"):
        measured = measure(experiment, task)
        rows += measured["rows"]
        compared += measured["compared"]
        thresholds[task] = measured["threshold"]
    rows.append(mood_folds(experiment.collection("mood")))
    context = CONTEXT if synthetic.has_espeak() else f"{CONTEXT} {synthetic.NO_SPEECH}"
    return tables.table(
        "doubt",
        "Out-of-distribution detection",
        context,
        rows,
        score=SCORE,
        threshold=thresholds,
        compared=compared,
    )


def measure(experiment: Experiment, task: str, seed: int = 0) -> dict[str, Any]:
    """Threshold and rows of a task; its network's scores if its validation run is finished."""
    collection = experiment.collection(task)
    split = task_split(task, collection)
    spec = validation_spec(experiment, task, seed)
    classifier = experiment.classifier(spec, collection) if experiment.finished(spec) else None

    def extract(mel: Tensor) -> TrackFeatures:
        return track_features(mel, classifier, collection.front_end)

    train, valid, test = (
        _tracks(collection, tracks, extract) for tracks in (split.train, split.valid, split.test)
    )
    fitted = OODScores.fit(train, collection.targets[split.train], valid)
    of_valid = pd.DataFrame([fitted.score(track) for track in valid])
    limits = {name: ood.threshold(of_valid[name].to_numpy()) for name in of_valid}
    groups: dict[str, Group] = {"validation tracks (set the threshold)": valid, _TEST[task]: test}
    groups |= _excerpts(task, collection, split)
    groups |= _other_music(experiment, task, collection, extract)
    groups |= _synthetic("test", collection.front_end, extract)
    selection = _synthetic("selection", collection.front_end, extract)
    flagged = {name: _flagged(fitted, group, limits) for name, group in groups.items()}
    rows = [
        {
            "name": name,
            "network": task,
            "share_doubted": flagged[name][SELECTED],
            "tracks": len(group),
        }
        for name, group in groups.items()
    ]
    columns = {
        f"selection set: {kind}": _flagged(fitted, selection[kind], limits)
        for kind in synthetic.KINDS
        if kind in selection
    }
    columns |= {
        name: rates
        for name, rates in flagged.items()
        if set(rates) == set(limits) and ": " not in name
    }
    compared = [
        {"name": score, "network": task, "run": spec.name if classifier else ""}
        | {f"{column} (%)": round(100 * rates[score], 1) for column, rates in columns.items()}
        for score in limits
    ]
    return {"threshold": limits[SELECTED], "rows": rows, "compared": compared}


def _tracks(collection: Collection, tracks: Iterable[int], extract: Extract) -> list[TrackFeatures]:
    return [extract(collection.features.mel(int(track))) for track in tracks]


def _flagged(fitted: OODScores, group: Group, limits: dict[str, float]) -> dict[str, float]:
    """Fraction of a group above each score's threshold; rejected audio (None) counts as above."""
    scores = [None if track is None else fitted.score(track) for track in group]
    return {
        name: float(np.mean([score is None or score[name] > limits[name] for score in scores]))
        for name in limits
        if all(score is None or name in score for score in scores)
    }


def _excerpts(task: str, collection: Collection, split: splits.Split) -> dict[str, Group]:
    """Excerpts of the test tracks, without network: those are compared on whole tracks."""
    groups: dict[str, Group] = {}
    rng = np.random.default_rng(0)
    for seconds in _EXCERPTS:
        frames, group = collection.front_end.frames(seconds), []
        for track in split.test:
            mel = collection.features.mel(int(track))
            first = int(rng.integers(max(1, mel.shape[1] - frames)))
            excerpt = mel[:, first : first + frames]
            group.append(track_features(excerpt, None, collection.front_end))
        groups[f"{_TEST[task]}, {seconds} s excerpts"] = group
    return groups


def _other_music(
    experiment: Experiment, task: str, collection: Collection, extract: Extract
) -> dict[str, Group]:
    """Music outside the task's split: the same clips as audio, other collections, the examples."""
    groups: dict[str, Group] = {}
    front_end = collection.front_end
    if task == "genre":
        if files := songs(experiment.data / "gtzan" / "audio"):
            groups["GTZAN audio clips"] = [_from_file(file, front_end, extract) for file in files]
        unseen = experiment.collection("new-songs", front_end)
        groups["new songs (N)"] = _tracks(unseen, range(len(unseen.names)), extract)
        clips, others = experiment.collection("quadrant", front_end), other_genres(experiment.data)
        chosen = [i for i, name in enumerate(clips.names) if name in others]
        groups["other genres"] = _tracks(clips, chosen, extract)
    else:
        gtzan = experiment.collection("genre", front_end)
        tested = splits.filtered(gtzan).test
        groups["GTZAN test tracks (another collection)"] = _tracks(gtzan, tested, extract)
    examples = [example.file for example in EXAMPLES.values()]
    groups["bundled examples"] = [_from_file(file, front_end, extract) for file in examples]
    return groups


def _from_file(file: Path, front_end: FrontEnd, extract: Extract) -> TrackFeatures:
    decoded = decode(file, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    return extract(log_mel(decoded.samples, front_end))


def _synthetic(
    which: synthetic.Set, front_end: FrontEnd, extract: Extract
) -> dict[str, list[TrackFeatures | None]]:
    """Synthetic sounds by kind ("noise") and by name ("noise: pink")."""
    groups: dict[str, list[TrackFeatures | None]] = {}
    for kind, name, mel in _synthetic_mels(which, front_end):
        features = extract(mel) if mel is not None else None
        for row in (kind, f"{kind}: {name}"):
            groups.setdefault(row, []).append(features)
    return dict(sorted(groups.items()))


@lru_cache(maxsize=4)
def _synthetic_mels(
    which: synthetic.Set, front_end: FrontEnd
) -> list[tuple[str, str, Tensor | None]]:
    """Kind, name and log-mel of each sound; computed once for both tasks."""
    found = []
    for sound in synthetic.sounds(which):
        try:
            mel = log_mel(sound.samples, front_end)
        except AudioError:
            mel = None
        found.append((sound.kind, sound.name, mel))
    return found


def other_genres(data: Path) -> set[str]:
    """Clips of moods4q none of whose genres may be one of GTZAN's."""
    genres = (
        annotations(data)
        .set_index("clip")["genres"]
        .map(lambda text: {word.strip() for word in text.split(";")} - {""})
    )
    return {clip for clip, own in genres.items() if own and not own & set(CANDIDATES)}
