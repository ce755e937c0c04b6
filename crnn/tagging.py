"""Genre and mood as tags of audio files: plan, write, undo; playlists. Needs the extra `tags`.

A plan is a table with one row a file, kept as CSV: what to write, what was there before, and what
was predicted. A row is written only while the file still holds what the plan says it held, and
undone only while it still holds what the plan wrote.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from crnn.audio.names import songs
from crnn.errors import CrnnError
from crnn.format import percent
from crnn.labels import display
from crnn.untrusted import one_line

if TYPE_CHECKING:
    from crnn.inference.analysis import Analysis

try:
    import mutagen
    from mutagen.flac import FLAC
    from mutagen.id3 import TCON, TMOO
    from mutagen.mp3 import MP3
    from mutagen.mp4 import MP4
    from mutagen.ogg import OggFileType
except ModuleNotFoundError:
    mutagen = None

FIELDS = ("genre", "mood")
COLUMNS = (
    "file",
    *FIELDS,
    *(f"{field}_before" for field in FIELDS),
    *(f"{field}_{column}" for field in FIELDS for column in ("predicted", "probability")),
    "error",
)
# A top class below this probability is not written. In artist-disjoint tests more than four in five
# of the genres and moods above it are correct, and about half of the tracks have one.
MIN_CONFIDENCE = 0.7

Tags = dict[str, str]  # by FIELDS
Row = dict[str, str]  # by COLUMNS; file: its path inside the folder

_ATOMS = {"genre": "\xa9gen", "mood": "----:com.apple.iTunes:MOOD"}
_SEPARATOR = "\\\\"  # two backslashes between the values of one tag, as in Mp3tag
_FORMULA = r"'*[=+\-@＝＋－＠\t\r]"  # where spreadsheets begin to compute


def require() -> None:
    """Raises CrnnError where mutagen is not installed."""
    if mutagen is None:
        raise CrnnError("Tags need the package mutagen: pip install mutagen")


def read(file: Path) -> Tags:
    """Genre and mood that a file is tagged with, empty where it is not.

    Raises:
        CrnnError: it can't be read, or its format has no such tags.
    """
    song = _open(file)
    return {field: _SEPARATOR.join(map(str, _get(song, field))) for field in FIELDS}


def write(file: Path, values: Tags) -> None:
    """Set tags by field, or remove those whose value is empty; all or nothing.

    A copy beside the file is changed and then takes its place. Other tags and links stay as they
    are; where the audio packets would not, nothing is written.

    Raises:
        CrnnError: the file or its folder can't be written.
    """
    file = file.resolve()
    song = _open(file)
    copy = None
    try:
        if song.tags is None:
            song.add_tags()
        for field, value in values.items():
            _set(song, field, value.split(_SEPARATOR) if value else [])
        # In a tag of version 2.3, mutagen by default joins several values to one.
        old = isinstance(song, MP3) and song.tags.version[:2] == (2, 3)
        options: dict[str, Any] = {"v2_version": 3, "v23_sep": None} if old else {}
        with file.open("r+b"):  # a file that is read-only stays as it is
            # "._": should this process be killed, what it leaves is not taken for a song.
            number, copy = tempfile.mkstemp(file.suffix, "._", file.parent)
        os.close(number)
        shutil.copy2(file, copy)
        with suppress(OSError, AttributeError):  # not everyone may, nor on every system
            os.chown(copy, file.stat().st_uid, file.stat().st_gid)
        song.save(copy, **options)
        if _packets(copy) != _packets(file):  # damaged Ogg, MP4 in fragments
            raise ValueError("the audio would change")
        with Path(copy).open("r+b") as stream:
            os.fsync(stream.fileno())
        Path(copy).replace(file)
    except Exception as error:  # whatever mutagen and FFmpeg raise for damaged files
        raise CrnnError(f"The file can't be written: {_reason(error)}.") from error
    finally:
        if copy is not None:
            with suppress(OSError):  # it took the file's place
                Path(copy).unlink()


def _open(file: Path) -> Any:
    require()
    try:
        song = mutagen.File(file)
        if isinstance(song, MP3) and song.tags and song.tags.version[:2] == (2, 3):
            song.load(file, translate=False)  # else mutagen makes it 2.4 and drops frames
    except Exception as error:  # whatever mutagen raises for damaged files
        raise CrnnError(f"The tags can't be read: {_reason(error)}.") from error
    if not isinstance(song, (MP3, FLAC, OggFileType, MP4)):
        raise CrnnError("Tags can be written to MP3, FLAC, Ogg, Opus and MP4 files only.")
    return song


def _packets(file: str | Path) -> bytes:
    """A digest of the audio as it is stored, without the container."""
    digest = hashlib.sha256()
    with av.open(str(file)) as media:
        for packet in media.demux(media.streams.audio):
            digest.update(bytes(packet))
    return digest.digest()


def _reason(error: Exception) -> str:
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    return getattr(cause, "strerror", None) or str(error).strip(" .") or type(error).__name__


def _get(song: Any, field: str) -> Sequence[str]:
    tags = song.tags or {}
    if isinstance(song, MP3):
        frame = tags.get("TCON" if field == "genre" else "TMOO")
        # Genres may be numbers of a list.
        return getattr(frame, "genres" if field == "genre" else "text", ())
    if isinstance(song, MP4):
        values = tags.get(_ATOMS[field], ())
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
    return tags.get(field, ())  # type: ignore[no-any-return]


def _set(song: Any, field: str, values: Sequence[str]) -> None:
    tags = song.tags
    if isinstance(song, MP3):
        frame = TCON if field == "genre" else TMOO
        tags.setall(frame.__name__, [frame(encoding=3, text=values)] if values else [])
        return
    key = _ATOMS[field] if isinstance(song, MP4) else field
    if values:
        freeform = key.startswith("----")
        tags[key] = [value.encode() for value in values] if freeform else values
    elif key in tags:
        del tags[key]


def plan(name: str, file: Path, analysis: Analysis, min_confidence: float = MIN_CONFIDENCE) -> Row:
    """The row of a file: classes as people read them, empty below the confidence.

    Args:
        name: the file's path inside the folder.
        min_confidence: probability that a track's top class needs. Out of distribution, a
            prediction is not written however probable it is.
    """
    row = dict.fromkeys(COLUMNS, "") | {"file": name}
    for prediction in analysis.predictions:
        (label, probability), *_ = prediction.ranked()
        is_ood = prediction.ood is not None and prediction.ood.is_ood
        field = prediction.task
        row[f"{field}_predicted"] = display(label) + " ?" * is_ood
        row[f"{field}_probability"] = percent(probability)
        row[field] = display(label) if probability >= min_confidence and not is_ood else ""
    try:
        return row | {f"{field}_before": value for field, value in read(file).items()}
    except CrnnError as error:
        return row | {"error": str(error)}


def apply(row: Row, file: Path, overwrite: bool = False) -> Tags:
    """Write a row's tags; those that were there before only with `overwrite`.

    Returns:
        What was written, by field.

    Raises:
        CrnnError: the file can't be written, or its tags are not those of the plan any more.
    """

    def value(field: str, now: str) -> str:
        if row[field] in ("", now):
            return now
        if now != row[f"{field}_before"]:
            raise CrnnError("Its tags have changed since the plan was made; make a new plan.")
        return now if now and not overwrite else row[field]

    return _change(file, value)


def undo(row: Row, file: Path) -> Tags:
    """Put back what was there before, where the file still holds what the row wrote.

    Returns and raises as `apply`.
    """

    def value(field: str, now: str) -> str:
        return row[f"{field}_before"] if row[field] and row[field] == now else now

    return _change(file, value)


def _change(file: Path, value: Callable[[str, str], str]) -> Tags:
    before = read(file)
    values = {field: value(field, before[field]) for field in FIELDS}
    changes = {field: new for field, new in values.items() if new != before[field]}
    if changes:
        write(file, changes)
    return changes


def to_csv(rows: Iterable[Row]) -> bytes:
    """A plan as a file that spreadsheets and `from_csv` read."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: f"'{text}" if re.match(_FORMULA, text) else text for k, text in row.items()}
        )
    return out.getvalue().encode("utf-8-sig", "surrogateescape")


def from_csv(file: Path, folder: Path) -> list[Row]:
    """The rows of a plan, also as a spreadsheet has saved it.

    Rows of files that are not in the folder have an error that says so.

    Raises:
        CrnnError: it can't be read, or columns are missing.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
        delimiter = ";" if text.startswith("file;") else ","
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        absent = set(COLUMNS) - set(reader.fieldnames or ())
        table = list(reader)
    except (OSError, csv.Error) as error:
        raise CrnnError(f"The plan {file} can't be read: {_reason(error)}.") from error
    if absent:
        raise CrnnError(f"{file} is no plan: it has no column {', '.join(sorted(absent))}.")
    here = {song.relative_to(folder).as_posix() for song in songs(folder)}
    rows = []
    for line in table:
        cells = {column: line[column] or "" for column in COLUMNS}
        row = {k: text[1:] if re.match(f"'{_FORMULA}", text) else text for k, text in cells.items()}
        row |= {field: one_line(row[field]).strip() for field in FIELDS}
        if row["file"] not in here:
            missing = {"file": row["file"], "error": "No such file in the folder."}
            row = dict.fromkeys(COLUMNS, "") | missing
        rows.append(row)
    return rows


def playlists(
    rows: Iterable[Row], folder: Path, target: Path, overwrite: bool = False
) -> dict[str, bytes]:
    """One M3U playlist a genre and a mood, as the files are tagged once the plan is written.

    Args:
        folder: of the files.
        target: of the playlists, relative to which they name the files.

    Returns:
        The playlists' content by file name.
    """
    lists: dict[str, tuple[str, list[str]]] = {}
    for row in rows:
        path = Path(os.path.relpath(folder / row["file"], target)).as_posix()
        for field in FIELDS:
            before, value = row[f"{field}_before"], row[field]
            tag = value if value and (overwrite or not before) else before
            for each in filter(None, tag.split(_SEPARATOR)):
                # Some systems take names for equal that differ in case.
                name = re.sub(r"[^\w &'()+-]", "_", f"{field.title()} - {each}")[:80]
                _, paths = lists.setdefault(name.casefold(), (f"{name}.m3u8", []))
                if not re.search(r"[\r\n]", path) and path not in paths:
                    paths.append(f"./{path}" if path.startswith("#") else path)
    return {
        name: "\n".join(["#EXTM3U", *paths, ""]).encode("utf-8", "surrogateescape")
        for name, paths in lists.values()
    }
