"""Who trains, who validates, who is tested: the protocols' splits, each by track, before any segment is cut."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from crnn.audio.torchaudio_shim import torchaudio
from training.data.collection import Collection, DataError

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Split:
    """Indices of the tracks on each side; any of them may be empty."""

    train: Indices
    valid: Indices
    test: Indices


def paper(collection: Collection, seed: int) -> Split:
    """Protocol P: 90/10 into rest and test, then the rest 80/20 into train and validation; stratified, groups whole."""
    everyone = np.arange(len(collection.names))
    rest, test = next(_folds(collection, everyone, 10, seed))
    train, valid = next(_folds(collection, rest, 5, seed))
    return Split(train, valid, test)


def paper_with_duplicates(collection: Collection, seed: int) -> Split:
    """Protocol P as if no recording were there twice: copies fall on both sides. Only to measure what that is worth."""
    return paper(_ungrouped(collection), seed)


def _ungrouped(collection: Collection) -> Collection:
    return replace(collection, groups=collection.names)


def filtered(collection: Collection) -> Split:
    """Protocol F: the fault-filtered, artist-disjoint lists of Kereliuk et al. 2015, as torchaudio publishes them."""
    lists = torchaudio.datasets.gtzan
    place = {name: i for i, name in enumerate(collection.names)}
    missing = [
        n
        for n in (*lists.filtered_train, *lists.filtered_valid, *lists.filtered_test)
        if n not in place
    ]
    if missing:
        raise DataError(
            f"{len(missing)} of the 930 tracks of the filtered lists are missing, the first: {missing[0]}. "
            "Protocol F needs all of them."
        )
    sides = [
        np.array([place[name] for name in names], dtype=np.int64)
        for names in (lists.filtered_train, lists.filtered_valid, lists.filtered_test)
    ]
    return Split(*sides)


def folds(collection: Collection, seed: int = 0, count: int = 5) -> list[Split]:
    """Protocol M: disjoint groups (artists), stratified as far as they allow; no validation part."""
    everyone = np.arange(len(collection.names))
    empty = np.array([], dtype=np.int64)
    return [Split(train, empty, test) for train, test in _folds(collection, everyone, count, seed)]


def grouped(collection: Collection, seed: int) -> Split:
    """60/20/20 into train, validation and test; stratified, groups whole. A fifth, since collections of one's own are small.

    Raises DataError for labels with too few groups to be on every side.
    """
    pairs = {
        (int(target), group)
        for target, group in zip(collection.targets, collection.groups, strict=True)
    }
    counts = np.bincount([target for target, _ in pairs], minlength=len(collection.labels))
    few = [f"{label} ({n})" for label, n in zip(collection.labels, counts, strict=True) if n < 5]
    if few:
        raise DataError(
            f"Labels with fewer than 5 groups (artists, or tracks where none are named): {', '.join(few)}. Each needs some to "
            "train, to validate and to test on: add tracks, join labels, say who is tested in a column `split`, or train on all "
            "with --split all."
        )
    rest, test = _with_all_labels(collection, np.arange(len(collection.names)), 5, seed)
    train, valid = _with_all_labels(collection, rest, 4, seed)
    return Split(train, valid, test)


def _with_all_labels(
    collection: Collection, tracks: Indices, count: int, seed: int
) -> tuple[Indices, Indices]:
    """The first of `count` folds that leaves every label on both sides; where groups allow none, the first."""
    folds = list(_folds(collection, tracks, count, seed))
    labels = set(collection.targets[tracks])
    whole = [
        fold for fold in folds if all(set(collection.targets[side]) == labels for side in fold)
    ]
    return (whole or folds)[0]


def predefined(collection: Collection) -> Split:
    """The sides that the collection names; a validation part is cut from the training part where it names none."""
    if not collection.subsets:
        raise DataError(f"{collection.name} does not say who is tested; a column `split` would.")
    sides = np.array(collection.subsets)
    train, valid, test = (np.flatnonzero(sides == side) for side in ("train", "valid", "test"))
    if len(valid) == 0:
        train, valid = _with_all_labels(collection, train, 5, 0)
    return Split(train, valid, test)


def within(collection: Collection, split: Split, seed: int = 0) -> Split:
    """Cut a validation part (a fifth, groups whole) out of a split's training part; the test part is emptied."""
    train, valid = next(_folds(collection, split.train, 5, seed))
    return Split(train, valid, np.array([], dtype=np.int64))


def _folds(
    collection: Collection, tracks: Indices, count: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    folder = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    groups = np.array(collection.groups)[tracks]
    if np.bincount(collection.targets[tracks]).max(initial=0) < count:
        raise DataError(
            f"{collection.name}: {len(tracks)} tracks are too few to cut into {count} parts."
        )
    for rest, part in folder.split(tracks, collection.targets[tracks], groups):
        yield tracks[rest], tracks[part]


def from_name(name: str, collection: Collection) -> Split:
    """A split by its name on the command line.

    all · known (all but those that protocol N keeps for itself) · filtered · paper:SEED · grouped:SEED · given (by the
    collection) · fold:K (K = 0..4; test) · fold:K/valid (validation cut from that fold's training part) · fold:K/both (that
    validation, and the fold's test part) · paper:SEED/copies, fold:K/mixed (copies of a recording, tracks of an artist on both
    sides: to measure what that is worth)
    """
    kind, _, argument = name.partition(":")
    everyone, empty = np.arange(len(collection.names)), np.array([], dtype=np.int64)
    if name == "all":
        return Split(everyone, empty, empty)
    if name == "known":
        return Split(np.setdiff1d(everyone, collection.reserved), empty, empty)
    if name == "filtered":
        return filtered(collection)
    if name == "given":
        return predefined(collection)
    number, _, variant = argument.partition("/")
    if kind == "grouped" and argument.isdigit():
        return grouped(collection, int(argument))
    if kind == "paper" and number.isdigit() and variant in ("", "copies"):
        return (paper_with_duplicates if variant else paper)(collection, int(number))
    if kind == "fold" and number in set("01234") and variant in ("", "valid", "both", "mixed"):
        split = folds(_ungrouped(collection) if variant == "mixed" else collection)[int(number)]
        inner = within(collection, split) if variant in ("valid", "both") else split
        return Split(inner.train, inner.valid, split.test) if variant == "both" else inner
    raise ValueError(
        f"split {name!r}: one of all, known, filtered, given, paper:SEED, paper:SEED/copies, grouped:SEED, fold:0 … fold:4, "
        "fold:0/valid, fold:0/both, fold:0/mixed is needed"
    )
