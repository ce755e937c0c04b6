"""A collection of one's own: a table of files and labels, or a folder with one subfolder a label.

    path,label,group,split                      moods/
    happy/one.mp3,Happy,The Loopbacks,train       Happy/one.mp3
    sad/two.flac,Sad,Another Band,test            Sad/Another Band/two.flac

Columns: path (beside the table, or absolute) and label; group, whose tracks are never on two sides of a split (an artist; a track
without one is its own); split: train, valid or test. Other columns are left alone. Comma, semicolon or tab; UTF-8. In a folder, the
folder below the label's is the group, if there is one.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.model.config import check_labels
from training.data.collection import Collection, DataError
from training.data.feature_cache import BrokenFiles, listed
from training.data.feature_store import FeatureStore, from_audio

TABLE = "manifest.csv"  # the table of a folder that has one

_SIDES = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
_SKIP = "Mend them, remove them from the manifest, or add --skip-broken to go on without them."


@dataclass(frozen=True)
class Row:
    """One track: its path as the manifest has it, the file, what it is, who it goes with, and its side ("" = not said)."""

    name: str
    file: Path
    label: str
    group: str
    side: str


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
    """The collection behind a manifest. Raises DataError with everything that is wrong with it at once."""
    return collection(
        read(source, task, skip_broken), front_end or GTZAN_FRONT_END, cache, skip_broken
    )


def read(source: Path, task: str | None = None, skip_broken: bool = False) -> Table:
    """Read a table or a folder, and see that the files are there.

    task: what the labels are of, such as "mood"; default: the file's or the folder's name. Raises DataError with all rows
    that can't be used; skip_broken leaves out those whose file or label is missing, and says so on stderr.
    """
    table = source / TABLE if (source / TABLE).is_file() else source
    if table.is_dir():
        rows, broken, wrong = _from_folder(table)
    elif table.is_file():
        rows, broken, wrong = _from_table(table)
    else:
        raise DataError(
            f"{source}: no such file or folder. A table with the columns path,label is needed, or a folder."
        )
    wrong += [
        f"{name}: is there more than once"
        for name, n in Counter(str(row.file) for row in rows).items()
        if n > 1
    ]
    if wrong or (broken and not skip_broken):
        lines = listed([*wrong, *broken])
        raise DataError(
            f"{source}: {len(wrong) + len(broken)} of the rows can't be used.\n{lines}\n{_SKIP}"
        )
    if broken:
        print(f"{source}: {len(broken)} left out.\n{listed(broken)}", file=sys.stderr)
    if not rows:
        raise DataError(
            f"{source}: no audio in it. A table with the columns path,label is needed, or a folder with one subfolder a label."
        )
    name = task if task is not None else _task(table)
    found = Table(source, name, tuple(rows))
    try:
        check_labels(name, found.labels)
    except ValueError as error:
        raise DataError(f"{source}: {error}. --task-name gives another task.") from error
    return found


def collection(
    table: Table, front_end: FrontEnd, cache: Path, skip_broken: bool = False
) -> Collection:
    """Spectrograms of a manifest's tracks, computed once. Raises DataError naming all files that can't be heard, unless skipped."""
    try:
        frames = from_audio([row.file for row in table.rows], front_end, cache, skip_broken)
    except BrokenFiles as error:
        reasons = listed([f"{file}: {reason}" for file, reason in error.reasons.items()])
        raise DataError(
            f"{table.source}: {len(error.reasons)} of {len(table.rows)} files can't be heard.\n{reasons}\n{_SKIP} "
            "What was computed of the others is kept."
        ) from error
    heard = np.diff(frames.offsets) > 0
    if not heard.all():
        lost = [row.name for row, there in zip(table.rows, heard, strict=True) if not there]
        print(
            f"{table.source}: {len(lost)} can't be heard and are left out.\n{listed(lost)}",
            file=sys.stderr,
        )
        frames = FeatureStore(frames.values, frames.offsets[np.concatenate([[True], heard])])
        kept = tuple(row for row, there in zip(table.rows, heard, strict=True) if there)
        table = Table(table.source, table.task, kept)
        check_labels(table.task, table.labels)
    rows, labels = table.rows, table.labels
    sides = tuple(row.side for row in rows)
    if any(sides):
        _check_sides(table)
    place = {label: i for i, label in enumerate(labels)}
    return Collection(
        name=table.task,
        labels=labels,
        front_end=front_end,
        names=tuple(row.name for row in rows),
        targets=np.array([place[row.label] for row in rows], dtype=np.int64),
        groups=tuple(row.group for row in rows),
        features=frames,
        subsets=sides if any(sides) else (),
    )


def _from_table(file: Path) -> tuple[list[Row], list[str], list[str]]:
    """Rows that can be used, those whose file or label is missing, and what else is wrong, a line each."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not a table in UTF-8; save it as CSV (UTF-8).") from error
    head = text.split("\n", 1)[0]
    lines = csv.DictReader(text.splitlines(), delimiter=max(",;\t", key=head.count), restval="")
    columns = [(name or "").strip().lower() for name in lines.fieldnames or ()]
    lines.fieldnames = columns
    if not {"path", "label"} <= set(columns):
        raise DataError(
            f"{file}: its first line is {head[:80]!r}; the columns path and label are needed there, group and split may follow."
        )
    rows, broken, wrong = [], [], []
    for record in lines:
        at = f"line {lines.line_num}"
        path, label, group, side = (
            (record.get(name) or "").strip() for name in ("path", "label", "group", "split")
        )
        if side and side.lower() not in _SIDES:
            wrong.append(f"{at}: split is {side!r}; train, valid or test is needed")
        elif not path or not label:
            broken.append(f"{at}: no {'path' if not path else 'label'}")
        elif not (file.parent / path).is_file():
            broken.append(f"{at}: {path}: no such file")
        else:
            rows.append(
                Row(path, file.parent / path, label, group or path, _SIDES.get(side.lower(), ""))
            )
    return rows, broken, wrong


def _from_folder(folder: Path) -> tuple[list[Row], list[str], list[str]]:
    rows, broken = [], []
    for file in _audio(folder):
        parts = file.relative_to(folder).parts
        name = "/".join(parts)
        if len(parts) == 1:
            broken.append(f"{name}: not in a subfolder that would say its label")
        else:
            rows.append(Row(name, file, parts[0], "/".join(parts[:2]), ""))
    return rows, broken, []


def _audio(folder: Path) -> Iterator[Path]:
    """Files with names of audio at any depth, in the order of their names; hidden ones are left out."""
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix.lower() in AUDIO_SUFFIXES and not hidden and file.is_file():
            yield file


def _task(table: Path) -> str:
    table = table.resolve()
    name = table.parent.name if table.name == TABLE else table.stem
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30]


def _check_sides(table: Table) -> None:
    """Sides on all rows or none, every label among those to train on; a group on two sides is told, and kept."""
    without = [row.name for row in table.rows if not row.side]
    if without:
        raise DataError(
            f"{table.source}: rows without a split: {len(without)}, the first: {without[0]}. Give all or none."
        )
    untrained = set(table.labels) - {row.label for row in table.rows if row.side == "train"}
    if untrained:
        raise DataError(
            f"{table.source}: nothing to train on for {', '.join(sorted(untrained))}: no row with split train."
        )
    sides: dict[str, set[str]] = {}
    for row in table.rows:
        sides.setdefault(row.group, set()).add(row.side)
    torn = sorted(group for group, own in sides.items() if len(own) > 1)
    if torn:
        print(
            f"{table.source}: groups on more than one side of the split, which flatters the figures: {len(torn)}\n"
            f"{listed(torn, 5)}",
            file=sys.stderr,
        )
