"""One array for many files, worked out in parts: memory stays flat, a stop costs one part, processes share the work.

parts/<key>.rows    values of some thirty files, end to end, as they were computed
parts/<key>.json    how many rows each file has, and why a file has none; its presence says that the part is complete

A part's key covers its files' names, sizes and times, and parts end where a file's name says so: with one file mended, added or
gone, only its own part is computed again. Whoever holds a part's lock computes it, and the lock goes when its process does,
however it ends: start the command twice (or on every rank), and each does a share. When all parts are there they are joined into
one memory-mapped array and deleted; while that happens the disk holds them twice.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from tqdm import tqdm

from crnn.errors import AudioError

Array = np.ndarray[Any, Any]

# Files in a part, on average.
_SIZE = 32


class BrokenFiles(AudioError):
    """Files that can't be heard; reasons: what is wrong with each."""

    def __init__(self, reasons: dict[Path, str]) -> None:
        lines = listed([f"{file}: {reason}" for file, reason in reasons.items()])
        super().__init__(
            f"{len(reasons)} of the files can't be heard:\n{lines}\n"
            "Mend or remove them and start again; what was computed of the others is kept."
        )
        self.reasons = reasons


def listed(lines: Sequence[str], most: int = 50) -> str:
    """One line each, indented, and how many more there are."""
    more = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *more])


@dataclass(frozen=True)
class Job:
    """What to compute, and where to keep it.

    work: file -> [rows, width] of dtype; an AudioError or OSError of it is that file's reason, and the file gets no rows. settings:
    whatever else the values depend on (JSON). folder: the cache.
    """

    files: Sequence[Path]
    work: Callable[[Path], Array]
    width: int
    dtype: type[np.generic]
    settings: Any
    folder: Path

    @cached_property
    def stamps(self) -> list[tuple[str, int, int]]:
        """Name, size and time of every file."""
        found = [(file.name, file.stat()) for file in self.files]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]

    def key(self, first: int = 0, last: int | None = None) -> str:
        """Of some of the files."""
        identity = [self.settings, self.stamps[first:last]]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]

    @cached_property
    def whole(self) -> str:
        """The key of all files."""
        return self.key()

    @property
    def values(self) -> Path:
        """[rows of all files, width], as np.load reads it."""
        return self.folder / f"frames-{self.whole}.npy"

    @property
    def offsets(self) -> Path:
        """[N + 1]; file i has the rows offsets[i]:offsets[i + 1]. Written last: its presence says that all is there."""
        return self.folder / f"offsets-{self.whole}.npy"

    @property
    def broken(self) -> Path:
        """Reasons of the files without rows, by their number; missing where there are none."""
        return self.folder / f"broken-{self.whole}.json"


def collect(job: Job, skip_broken: bool = False) -> None:
    """Compute what is missing, then join. Raises BrokenFiles unless files that can't be heard may be skipped (they get no rows)."""
    if not job.offsets.exists():
        parts = list(_cut(job))
        (job.folder / "parts").mkdir(parents=True, exist_ok=True)
        with tqdm(total=len(job.files), desc="log-mel", unit="track") as bar:
            others = [part for part in parts if not _compute(job, part, bar, wait=False)]
            for part in others:
                _compute(job, part, bar, wait=True)
        if not skip_broken and not job.offsets.exists():
            _refuse(job, {n: reason for part in parts for n, reason in _reasons(part).items()})
        _join(job, parts)
    if not skip_broken and job.broken.exists():
        _refuse(job, {int(n): reason for n, reason in json.loads(job.broken.read_text()).items()})


@dataclass(frozen=True)
class _Part:
    """Files first … last - 1 of a job."""

    first: int
    last: int
    rows: Path

    @property
    def note(self) -> Path:
        return self.rows.with_suffix(".json")

    @property
    def lock(self) -> Path:
        return self.rows.with_suffix(".lock")


def _cut(job: Job) -> Iterator[_Part]:
    first = 0
    for number, (name, _, _) in enumerate(job.stamps, 1):
        if (
            number == len(job.stamps)
            or zlib.crc32(name.encode("utf-8", "surrogateescape")) % _SIZE == 0
        ):
            yield _Part(first, number, job.folder / "parts" / f"{job.key(first, number)}.rows")
            first = number


def _compute(job: Job, part: _Part, bar: "tqdm[Any] | None", wait: bool) -> bool:
    """Compute a part, or find it computed; False where another process is at it and there is no time to wait."""
    try:
        with FileLock(part.lock, blocking=wait):
            # Whoever joined in the meantime has deleted the parts.
            if not part.note.exists() and not job.offsets.exists():
                _write(job, part, bar)
            elif bar is not None:
                bar.update(part.last - part.first)
    except Timeout:
        return False
    return True


def _write(job: Job, part: _Part, bar: "tqdm[Any] | None") -> None:
    counts, reasons = [], {}
    with part.rows.open("wb") as out:
        for number, file in enumerate(job.files[part.first : part.last]):
            try:
                rows = np.ascontiguousarray(job.work(file), dtype=job.dtype)
                out.write(rows.tobytes())
                counts.append(len(rows))
            except (AudioError, OSError) as error:
                counts.append(0)
                reasons[number] = str(error)
            if bar is not None:
                bar.update()
    _put(part.note, json.dumps({"counts": counts, "reasons": reasons}).encode())


def _reasons(part: _Part) -> dict[int, str]:
    if not part.note.exists():  # joined and deleted by another process
        return {}
    return {
        part.first + int(n): reason
        for n, reason in json.loads(part.note.read_text())["reasons"].items()
    }


def _refuse(job: Job, reasons: dict[int, str]) -> None:
    if reasons:
        raise BrokenFiles({job.files[number]: reason for number, reason in sorted(reasons.items())})


def _join(job: Job, parts: Sequence[_Part]) -> None:
    with FileLock(job.folder / "parts" / "join.lock"):
        if job.offsets.exists():
            return
        for part in parts:
            _compute(
                job, part, None, wait=True
            )  # another collection's join may have taken a part that both have
        notes = [json.loads(part.note.read_text()) for part in parts]
        offsets = np.cumsum(
            [0, *(count for note in notes for count in note["counts"])], dtype=np.int64
        )
        reasons = {n: reason for part in parts for n, reason in _reasons(part).items()}
        if offsets[-1] == 0:
            _refuse(job, reasons)
        staged = job.values.with_suffix(".staged")
        values = np.lib.format.open_memmap(staged, "w+", job.dtype, (int(offsets[-1]), job.width))
        for part in parts:
            first, last = int(offsets[part.first]), int(offsets[part.last])
            if last > first:
                values[first:last] = np.memmap(
                    part.rows, job.dtype, "r", shape=(last - first, job.width)
                )
        values.flush()
        del values
        staged.replace(job.values)
        if reasons:
            _put(job.broken, json.dumps(reasons).encode())
        with job.offsets.with_suffix(".staged").open("wb") as out:
            np.save(out, offsets)
        job.offsets.with_suffix(".staged").replace(job.offsets)
        for part in parts:
            for file in (part.note, part.rows, part.lock):
                file.unlink(missing_ok=True)


def _put(file: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    staged = file.with_name(f"{file.name}.{os.getpid()}")
    staged.write_bytes(content)
    staged.replace(file)
