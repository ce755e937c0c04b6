"""A collection of one's own: a table of files and labels, or a folder with one subfolder a label.

    path,label,group,split                      moods/
    happy/one.mp3,Happy,The Loopbacks,train       Happy/one.mp3
    sad/two.flac,Sad,Another Band,test            Sad/Another Band/two.flac

Columns: path (beside the table, or absolute) and label; group, whose tracks stay in one part of a
split (an artist; a track without one is its own); split: train, valid or test. Other columns are
ignored. Comma, semicolon or tab; UTF-8. In a folder, the folder below the label's is the group.
Rows that name system files (crnn.audio.names) are left out.
"""

import csv
import io
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from unicodedata import normalize

import numpy as np

from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.audio.names import SYSTEM, skip_reason, songs
from crnn.model.config import check_labels
from training.data.collection import Collection, DataError
from training.data.feature_store import BrokenFiles, bullets, from_audio

TABLE = "manifest.csv"  # the table of a folder that has one

_SUBSETS = dict.fromkeys(("train", "training"), "train")
_SUBSETS |= dict.fromkeys(("valid", "validation", "val", "dev"), "valid")
_SUBSETS |= dict.fromkeys(("test", "testing"), "test") | {"": ""}
_SKIP = "Mend them, remove them from the manifest, or add --skip-broken to go on without them."


@dataclass(frozen=True)
class Row:
    """One track: its path in the manifest, file, label, group and subset ("" = none)."""

    name: str
    file: Path
    label: str
    group: str
    subset: str


@dataclass(frozen=True)
class Table:
    """A manifest that was read; nothing is decoded yet."""

    source: Path
    task: str
    rows: tuple[Row, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(sorted({row.label for row in self.rows}))


def manifest(
    source: Path,
    front_end: FrontEnd | None,
    cache: Path,
    task: str | None = None,
    skip_broken: bool = False,
) -> Collection:
    """The collection behind a manifest. DataError with everything that is wrong with it."""
    table = read(source, task, skip_broken)
    return collection(table, front_end or GTZAN_FRONT_END, cache, skip_broken)


def read(source: Path, task: str | None = None, skip_broken: bool = False) -> Table:
    """Read a table or a folder, and check that the files are there.

    task: what the labels are of; default: the file's or the folder's name. Raises DataError with
    all rows that can't be used; skip_broken leaves out those whose file or label is missing.
    """
    table = source / TABLE if (source / TABLE).is_file() else source
    if table.is_dir():
        rows, broken, wrong = _from_folder(table)
    elif table.is_file():
        rows, broken, wrong = _from_table(table)
    else:
        raise DataError(
            f"{source}: no such file or folder. A table with the columns path,label is needed, or "
            "a folder."
        )
    counts = Counter(str(row.file) for row in rows)
    wrong += [f"{name}: is there more than once" for name, n in counts.items() if n > 1]
    if wrong or (broken and not skip_broken):
        lines = bullets([*wrong, *broken])
        raise DataError(
            f"{source}: {len(wrong) + len(broken)} of the rows can't be used.\n{lines}\n{_SKIP}"
        )
    if broken:
        print(f"{source}: {len(broken)} left out.\n{bullets(broken)}", file=sys.stderr)
    listed = len(rows)
    rows = [row for row in rows if skip_reason(row.file.name) != SYSTEM]
    if len(rows) < listed:
        print(
            f"{source}: {listed - len(rows)} rows name system files, no songs: left out.",
            file=sys.stderr,
        )
    if not rows:
        raise DataError(
            f"{source}: no audio in it. A table with the columns path,label is needed, or a folder "
            "with one subfolder a label."
        )
    return _table(source, task if task is not None else _task(table), rows)


def collection(
    table: Table, front_end: FrontEnd, cache: Path, skip_broken: bool = False
) -> Collection:
    """Spectrograms of a manifest's tracks. DataError with all files that can't be decoded."""
    try:
        features = from_audio([row.file for row in table.rows], front_end, cache, skip_broken)
    except BrokenFiles as error:
        lines = bullets([f"{file}: {reason}" for file, reason in error.reasons.items()])
        raise DataError(
            f"{table.source}: {len(error.reasons)} of {len(table.rows)} files can't be decoded.\n"
            f"{lines}\n{_SKIP}"
        ) from error
    decoded = np.flatnonzero(features.lengths)
    features = features.select(decoded)
    table = _table(table.source, table.task, [table.rows[n] for n in decoded])
    rows, labels = table.rows, table.labels
    subsets = tuple(row.subset for row in rows)
    if any(subsets):
        _check_subsets(table)
    return Collection(
        name=table.task,
        labels=labels,
        front_end=front_end,
        names=tuple(row.name for row in rows),
        targets=np.array([labels.index(row.label) for row in rows], dtype=np.int64),
        groups=tuple(row.group for row in rows),
        features=features,
        subsets=subsets if any(subsets) else (),
    )


def _table(source: Path, task: str, rows: list[Row]) -> Table:
    """Rows with a task and labels that a checkpoint may have, or DataError."""
    table = Table(source, task, tuple(rows))
    if len(table.labels) == 1:
        raise DataError(
            f"{source}: all tracks have the label {table.labels[0]!r}; two labels or more are "
            "needed: a folder with one subfolder a label (music/Happy/one.mp3, music/Sad/two.mp3), "
            "or a table with the columns path,label."
        )
    try:
        check_labels(task, table.labels)
    except ValueError as error:
        hint = " --task-name gives another task." if str(error).startswith("task") else ""
        raise DataError(f"{source}: {error}.{hint}") from error
    return table


def _from_table(file: Path) -> tuple[list[Row], list[str], list[str]]:
    """Usable rows; a line for each row whose file or label is missing; one for each other fault."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not a table in UTF-8; save it as CSV (UTF-8).") from error
    head = text.split("\n", 1)[0]
    lines = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count), restval="")
    try:
        lines.fieldnames = [(name or "").strip().lower() for name in lines.fieldnames or ()]
        records = [(lines.line_num, record) for record in lines]
    except csv.Error as error:
        raise DataError(
            f"{file}, line {lines.line_num + 1}: {error}. Is a quotation mark left open there?"
        ) from error
    if not {"path", "label"} <= set(lines.fieldnames):
        raise DataError(
            f"{file}: its first line is {head[:80]!r}; the columns path and label are needed "
            "there, group and split may follow."
        )
    rows, broken, wrong, listing = [], [], [], cache(_listing)
    for number, record in records:
        at = f"line {number}"
        path, label, group, subset = (
            (record.get(name) or "").strip() for name in ("path", "label", "group", "split")
        )
        if subset.lower() not in _SUBSETS:
            wrong.append(f"{at}: split is {subset!r}; train, valid or test is needed")
        elif not path or not label:
            broken.append(f"{at}: no {'path' if not path else 'label'}")
        elif (found := _find(file.parent, path, listing)) is None:
            broken.append(f"{at}: {path}: no such file")
        else:
            own = _SUBSETS[subset.lower()]
            label, group = normalize("NFC", label), normalize("NFC", group)
            rows.append(Row(path, found, label, group or path, own))
    return rows, broken, wrong


def _find(folder: Path, path: str, listing: Callable[[Path], dict[str, str]]) -> Path | None:
    """The file that a row names, even with backslashes, or with accents composed otherwise."""
    if _is_file(folder / path):
        return folder / path
    place = folder
    for part in PurePosixPath(path.replace("\\", "/")).parts:
        place /= listing(place).get(normalize("NFC", part), part)
    return place if _is_file(place) else None


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # a name that is too long
        return False


def _listing(folder: Path) -> dict[str, str]:
    """The names in a folder by their composed form."""
    try:
        return {normalize("NFC", file.name): file.name for file in folder.iterdir()}
    except (OSError, ValueError):
        return {}


def _from_folder(folder: Path) -> tuple[list[Row], list[str], list[str]]:
    rows, broken = [], []
    for file in songs(folder):
        parts = file.relative_to(folder).parts
        name = "/".join(parts)
        if len(parts) == 1:
            broken.append(f"{name}: not in a subfolder that would be its label")
        else:
            label = normalize("NFC", parts[0])
            rows.append(Row(name, file, label, "/".join(parts[:2]), ""))
    return rows, broken, []


def _task(table: Path) -> str:
    table = table.resolve()
    name = table.parent.name if table.name == TABLE else table.stem
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30]


def _check_subsets(table: Table) -> None:
    """DataError unless all rows have a subset and all labels are trained on; warns of leaks."""
    without = [row.name for row in table.rows if not row.subset]
    if without:
        raise DataError(
            f"{table.source}: rows without a split: {len(without)}, the first: {without[0]}. "
            "Give all or none."
        )
    untrained = set(table.labels) - {row.label for row in table.rows if row.subset == "train"}
    if untrained:
        raise DataError(
            f"{table.source}: nothing to train on for {', '.join(sorted(untrained))}: no row with "
            "split train."
        )
    subsets: defaultdict[str, set[str]] = defaultdict(set)
    for row in table.rows:
        subsets[row.group].add(row.subset)
    if leaks := sorted(group for group, own in subsets.items() if len(own) > 1):
        print(
            f"{table.source}: groups in several parts of the split, which flatters the figures: "
            f"{len(leaks)}\n{bullets(leaks, 5)}",
            file=sys.stderr,
        )
