"""The protocols' splits into training, validation and test, by track, before segments are cut."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from crnn.audio.torchaudio_shim import torchaudio
from training.data.collection import Collection, DataError

Indices = np.ndarray[Any, np.dtype[np.int64]]

_NONE: Indices = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Split:
    """Indices of the tracks of each part; any of them may be empty."""

    train: Indices
    valid: Indices
    test: Indices


def paper(collection: Collection, seed: int) -> Split:
    """Protocol P: 10 % to test on, of the rest 20 % to validate on; stratified, groups whole."""
    rest, test = next(_folds(collection, _everything(collection), 10, seed))
    train, valid = next(_folds(collection, rest, 5, seed))
    return Split(train, valid, test)


def filtered(collection: Collection) -> Split:
    """Protocol F: the artist-disjoint lists of Kereliuk et al. 2015, as torchaudio has them."""
    lists = torchaudio.datasets.gtzan
    parts = (lists.filtered_train, lists.filtered_valid, lists.filtered_test)
    place = {name: i for i, name in enumerate(collection.names)}
    missing = [name for part in parts for name in part if name not in place]
    if missing:
        raise DataError(
            f"{len(missing)} of the 930 tracks of the filtered lists are missing, the first: "
            f"{missing[0]}. Protocol F needs all of them."
        )
    return Split(*(np.array([place[name] for name in part], dtype=np.int64) for part in parts))


def filtered_folds(collection: Collection, count: int = 5) -> list[Split]:
    """Folds of F's training and validation tracks, artists whole; no test part.

    A track whose artist is unknown is a group of its own, with its duplicates. DataError where no
    artist is known.
    """
    if not collection.artists:
        raise DataError("Folds without common artists need gtzan/annotations.csv; it is not there.")
    by_artist = replace(collection, groups=collection.artist_groups)
    split = filtered(collection)
    tracks = np.sort(np.concatenate([split.train, split.valid]))
    return [Split(rest, part, _NONE) for rest, part in _folds(by_artist, tracks, count, 0)]


def folds(collection: Collection, seed: int = 0, count: int = 5) -> list[Split]:
    """Protocol M: disjoint groups (artists), stratified as far as possible; no validation part."""
    cut = _folds(collection, _everything(collection), count, seed)
    return [Split(train, _NONE, test) for train, test in cut]


def grouped(collection: Collection, seed: int) -> Split:
    """60/20/20, stratified, groups whole. DataError for labels with too few groups for that."""
    pairs = set(zip(collection.targets.tolist(), collection.groups, strict=True))
    counts = np.bincount([target for target, _ in pairs], minlength=len(collection.labels))
    few = [f"{label} ({n})" for label, n in zip(collection.labels, counts, strict=True) if n < 5]
    if few:
        raise DataError(
            f"Labels with fewer than 5 groups (artists, or tracks where there are none): "
            f"{', '.join(few)}. Each needs some to train, to validate and to test on: add tracks, "
            "join labels, give a split of your own in a column `split`, or train on all with "
            "--split all."
        )
    rest, test = _with_all_labels(collection, _everything(collection), 5, seed)
    train, valid = _with_all_labels(collection, rest, 4, seed)
    return Split(train, valid, test)


def predefined(collection: Collection) -> Split:
    """The collection's own split, with a validation part from its training part if it has none."""
    if not collection.subsets:
        raise DataError(
            f"{collection.name} has no split of its own; a column `split` would be one."
        )
    subsets = np.array(collection.subsets)
    train, valid, test = (np.flatnonzero(subsets == part) for part in ("train", "valid", "test"))
    if len(valid) == 0:
        train, valid = _with_all_labels(collection, train, 5, 0)
    return Split(train, valid, test)


def within(collection: Collection, split: Split, seed: int = 0) -> Split:
    """A split's training part, of which a fifth (groups whole) becomes validation; no test part."""
    return Split(*next(_folds(collection, split.train, 5, seed)), _NONE)


def from_name(name: str, collection: Collection) -> Split:
    """A split by its name on the command line.

    all                 everything to train on
    known               all except what protocol N keeps for itself
    filtered            protocol F
    filtered:K          fold K = 0 … 4 of F's training and validation tracks, to validate on
    paper:SEED          protocol P; paper:SEED/copies lets duplicates fall on both sides
    grouped:SEED        60/20/20 by group
    given               the collection's own
    fold:K              protocol M, K = 0 … 4; fold:K/mixed ignores artists; fold:K/valid has a
                            part of its training part to validate on, fold:K/both the test part, too
    """
    everything = _everything(collection)
    kind, _, argument = name.partition(":")
    number, _, variant = argument.partition("/")
    ungrouped = replace(collection, groups=collection.names)
    match kind, variant:
        case "all", "" if not argument:
            return Split(everything, _NONE, _NONE)
        case "known", "" if not argument:
            return Split(np.setdiff1d(everything, collection.reserved), _NONE, _NONE)
        case "filtered", "" if not argument:
            return filtered(collection)
        case "filtered", "" if number in set("01234"):
            return filtered_folds(collection)[int(number)]
        case "given", "" if not argument:
            return predefined(collection)
        case "grouped", "" if number.isdigit():
            return grouped(collection, int(number))
        case "paper", "" | "copies" if number.isdigit():
            return paper(ungrouped if variant else collection, int(number))
        case "fold", "" | "mixed" if number in set("01234"):
            return folds(ungrouped if variant else collection)[int(number)]
        case "fold", "valid" | "both" if number in set("01234"):
            split = folds(collection)[int(number)]
            test = split.test if variant == "both" else _NONE
            return replace(within(collection, split), test=test)
    raise ValueError(
        f"split {name!r}: one of all, known, filtered, filtered:0 … filtered:4, given, paper:SEED, "
        "paper:SEED/copies, grouped:SEED, fold:0 … fold:4, fold:0/valid, fold:0/both, fold:0/mixed "
        "is needed"
    )


def _everything(collection: Collection) -> Indices:
    return np.arange(len(collection.names))


def _with_all_labels(
    collection: Collection, tracks: Indices, count: int, seed: int
) -> tuple[Indices, Indices]:
    """The first of `count` folds with every label on both sides, or the first if none has."""
    folds = list(_folds(collection, tracks, count, seed))
    labels = set(collection.targets[tracks])
    complete = (f for f in folds if all(set(collection.targets[part]) == labels for part in f))
    return next(complete, folds[0])


def _folds(
    collection: Collection, tracks: Indices, count: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    targets, groups = collection.targets[tracks], np.array(collection.groups)[tracks]
    if np.bincount(targets).max(initial=0) < count:
        raise DataError(
            f"{collection.name}: {len(tracks)} tracks are too few to cut into {count} parts."
        )
    folder = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for rest, part in folder.split(tracks, targets, groups):
        yield tracks[rest], tracks[part]
