"""Out-of-distribution detection: threshold from validation tracks, and how often it is exceeded.

    synthetic sounds of the selection set ──> which score    (SELECTED, once, by hand)
    validation tracks of both collections ──> its threshold  (5 % of them exceed it)
    test tracks, other collections, synthetic sounds of the test set ──> the figures

The detector is fitted to both collections, GTZAN and moods4q, since visitors bring any music:

    genre   GTZAN split as in protocol F; the moods4q clips that may be of GTZAN's genres, without
            protocol N's artists, in five folds
    mood    moods4q split as in fold 0, with validation clips taken from its training part; F's
            training and validation tracks as two folds

Bundled checkpoints carry the threshold measured this way, and a mixture that is fitted to the test
tracks as well (for genre, still without protocol N's artists and other genres).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
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
from training.ood.fit import fit, threshold
from training.ood.scores import AUDIO, OODScores, TrackFeatures, track_features

SELECTED = AUDIO
CONTEXT = (
    "Fraction of tracks whose score exceeds the threshold, as 5 % of the validation tracks of both "
    "collections do, each collection counting alike. Genre: a mixture fitted to F's training "
    "tracks and to moods4q's clips that may be of GTZAN's genres, without N's artists; those clips "
    "are validated in five folds. Mood: to the clips outside fold 0, validation cut from them, and "
    "to F's training and validation tracks. Silence, noise and speech (espeak-ng) are synthetic "
    "and differ from those on which the score was chosen; audio that is rejected as silent counts "
    "as flagged."
)
SCORE = (
    "45 statistics of each 5 s excerpt (level, variation and skewness of eight frequency ranges, "
    "loudness below the peak, spectral autocorrelation over time); distance from a mixture of four "
    "Gaussians fitted to training tracks, median over excerpts."
)
_ORIGIN = {
    "genre": "5 % of protocol F's 197 validation tracks and of moods4q's clips that may be of "
    "these genres exceed it, both counting alike, by mixtures that were not fitted to them",
    "mood": "5 % of the validation clips, which are not in fold 0, and of 640 tracks of GTZAN "
    "exceed it, both counting alike, by mixtures that were not fitted to them",
}
_TEST = {"genre": "GTZAN test tracks (F)", "mood": "fold 0 test clips"}
_EXCERPTS = (3, 5, 10)  # seconds

Windows = list[ood.Array]
Extract = Callable[[Tensor], TrackFeatures]
# The tracks of one row; None for audio that is rejected as silent.
Group = Sequence[TrackFeatures | None]


def task_split(task: str, collection: Collection, fold: int = 0) -> splits.Split:
    """Training, validation and test tracks of a task; fold: of mood."""
    if task == "genre":
        return splits.filtered(collection)
    inner = splits.from_name(f"fold:{fold}/valid", collection)
    return replace(inner, test=splits.from_name(f"fold:{fold}", collection).test)


@dataclass(frozen=True)
class Reference:
    """Features of a detector's tracks, [n, D] each: a row for each of a track's n windows.

    Attributes:
        train, valid: of the task's own collection, by its split.
        folds: of the other collection; each is scored by a mixture fitted without it.
        rest: `valid` and the tracks in none of these, to which a bundled checkpoint's mixture is
            fitted as well; for genre without moods4q's clips by N's artists or of other genres.
    """

    train: Windows
    valid: Windows
    folds: tuple[Windows, ...]
    rest: Windows

    @property
    def known(self) -> Windows:
        """The tracks to which a mixture is fitted before its false alarms are measured."""
        return [*self.train, *chain.from_iterable(self.folds)]


def reference(
    experiment: Experiment, task: str, front_end: FrontEnd | None = None, fold: int = 0
) -> Reference:
    """The tracks of a task's detector; front_end: default: of the task's recipe."""
    own = experiment.collection(task, front_end)
    split = task_split(task, own, fold)
    if task == "mood":
        other = experiment.collection("genre", own.front_end)
        lists = splits.filtered(other)
        folds = [lists.train, lists.valid]
        # The test tracks, and those in none of F's lists.
        left = np.setdiff1d(np.arange(len(other.names)), np.concatenate(folds))
    else:
        other = experiment.collection("quadrant", own.front_end)
        strange = other_genres(experiment.data)
        known = [
            i
            for i, name in enumerate(other.names)
            if i not in other.reserved and name not in strange
        ]
        by_artist = (splits.from_name(f"fold:{k}", other).test for k in range(FOLDS))
        folds, left = [np.intersect1d(part, known) for part in by_artist], np.array([], dtype=int)
    return Reference(
        _statistics(own, split.train),
        _statistics(own, split.valid),
        tuple(_statistics(other, part) for part in folds),
        _statistics(own, np.setdiff1d(np.arange(len(own.names)), split.train))
        + _statistics(other, left),
    )


def _statistics(collection: Collection, tracks: Indices) -> Windows:
    found = [
        ood.features(collection.features.mel(int(track)), collection.front_end) for track in tracks
    ]
    return [statistics for statistics in found if statistics is not None]


def _scores(detector: OODDetector, tracks: Windows) -> ood.Array:
    return np.array([detector.score(windows) for windows in tracks])


def calibrated_detector(tracks: Reference) -> OODDetector:
    """A mixture fitted to `tracks.known`, and a threshold from held-out tracks.

    For each fold, a mixture fitted without it scores the fold and the validation tracks. At most
    5 % of all these scores exceed the threshold, both collections counting alike.
    """
    valid, held_out = [], []
    for fold in tracks.folds:
        others = [part for part in tracks.folds if part is not fold]
        detector = fit(np.concatenate([*tracks.train, *chain.from_iterable(others)]))
        valid.append(_scores(detector, tracks.valid))
        held_out.append(_scores(detector, fold))
    limit = threshold([np.concatenate(valid), np.concatenate(held_out)])
    return replace(fit(np.concatenate(tracks.known)), threshold=limit)


def for_bundle(experiment: Experiment, task: str, front_end: FrontEnd | None = None) -> OODDetector:
    """A bundled checkpoint's detector: fitted to all its tracks, threshold from held-out ones."""
    tracks = reference(experiment, task, front_end)
    limit = calibrated_detector(tracks).threshold
    detector = fit(np.concatenate([*tracks.known, *tracks.rest]))
    return replace(detector, threshold=round(limit, 4), origin=_ORIGIN[task])


def mood_folds(experiment: Experiment) -> dict[str, Any]:
    """Test clips of all five folds: how many are flagged by detectors fitted without their fold."""
    collection = experiment.collection("mood")
    counts, sizes = [], []
    for fold in range(FOLDS):
        detector = calibrated_detector(reference(experiment, "mood", fold=fold))
        test = _statistics(collection, task_split("mood", collection, fold).test)
        counts.append(int((_scores(detector, test) > detector.threshold).sum()))
        sizes.append(len(test))
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
    rows.append(mood_folds(experiment))
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
    detector = calibrated_detector(reference(experiment, task))
    fitted = OODScores.fit(train, collection.targets[split.train], valid, detector)
    of_valid = pd.DataFrame([fitted.score(track) for track in valid])
    limits = {name: threshold([of_valid[name].to_numpy()]) for name in of_valid}
    limits[SELECTED] = detector.threshold
    groups: dict[str, Group] = {"validation tracks": valid, _TEST[task]: test}
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
    # Of `compared`: the synthetic sounds by which the score was chosen, and the groups for which
    # there is every score (excerpts have none of the network's), without single sounds such as
    # "noise: pink".
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
    """An excerpt of each test track, at a random place; without the scores that need a network."""
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
    """Other collections and the bundled examples; for genre also GTZAN's clips as audio files.

    The latter show whether decoded audio is flagged as rarely as the published spectrograms.
    """
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
    """Kind, name and log-mel of each sound; computed once where both tasks share a front end."""
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
