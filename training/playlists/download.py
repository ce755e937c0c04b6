"""Download 30 s of each mood's songs into a folder, and write a manifest to train on.

OUT/audio/<mood>/<id>.mp3   previews, as Deezer (mp3) or Apple (m4a) sent them
OUT/journal.jsonl           what was done, a JSON object a line, for the next start
OUT/manifest.csv            path, label, group (the artist), and where to hear each song in full
OUT/properties.json         the figures of the report
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import requests
from filelock import FileLock, Timeout
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.errors import AudioError, SourceError
from crnn.sources.http import FetchError, Session
from crnn.sources.previews import NoPreview, find_preview
from crnn.sources.spotify import TrackInfo
from training.data.manifest import TABLE
from training.playlists.playlist import Entry, Selection, select
from training.playlists.rate_limit import LONGEST_WAIT
from training.playlists.spotify_login import Client

_COLUMNS = ["path", "label", "group", "title", "service", "page", "spotify"]
_SUFFIXES = {"Deezer": ".mp3", "Apple": ".m4a"}
_TEMPORARY = (429, 500, 502, 503, 504)
_MAX_FAILURES = 5  # songs in a row without any answer, after which the run stops


class Journal:
    """An output folder's journal, so that a second start fetches only what is missing.

    The last record of a playlist or preview counts; a line that a crash cut short is skipped.
    """

    def __init__(self, out: Path) -> None:
        self.out, self._file = out, out / "journal.jsonl"
        self.lists: dict[str, list[Entry]] = {}  # by playlist
        self._previews: dict[tuple[str, str], dict[str, Any]] = {}  # by mood and song
        text = self._file.read_text("utf-8", "replace") if self._file.exists() else ""
        for line in text.split("\n"):
            with suppress(ValueError, KeyError, TypeError):
                self._take(json.loads(line))
        if text and not text.endswith("\n"):
            self._append("\n")

    def add(self, **record: Any) -> None:
        """Record a playlist that was read to its end, or a song's preview: fetched, or missing."""
        self._append(json.dumps(record, ensure_ascii=False) + "\n")
        self._take(record)

    def fetched(self, mood: str, song: Entry) -> dict[str, Any] | None:
        """The record of a song's preview, if it is in the folder."""
        record = self._previews.get((mood, song.id), {})
        return record if "file" in record and (self.out / record["file"]).is_file() else None

    def missing(self, mood: str, song: Entry) -> str | None:
        """Why no service had a preview of a song, if that is so."""
        return self._previews.get((mood, song.id), {}).get("reason")

    def _append(self, text: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(text)

    def _take(self, record: dict[str, Any]) -> None:
        if record["kind"] == "playlist":
            rows = [Entry(**row | {"artists": tuple(row["artists"])}) for row in record["entries"]]
            self.lists[record["playlist"]] = rows
        elif record["kind"] == "preview":
            self._previews[record["mood"], record["song"]] = record


@dataclass(frozen=True)
class Built:
    """A collection so far."""

    lists: Mapping[str, Sequence[Entry]]  # by mood
    selection: Selection
    journal: Journal
    later: Counter[str]  # by mood, songs that no service could be asked about this time
    stopped: str  # why the run stopped early, or ""


def build(
    playlists: Mapping[str, str], out: Path, client: Client, keep_duplicates: bool, again: bool
) -> Built:
    """Read the playlists that the journal lacks, fetch the previews it lacks, write the manifest.

    playlists: ids by mood. again: read all playlists again, and retry songs without a preview.
    Raises SourceError where a playlist can't be read, or another run works in the folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", blocking=False):
            journal = Journal(out)
            lists = _read(playlists, journal, client, again)
            selection = select(lists, keep_duplicates)
            later, stopped = _fetch(selection.songs, journal, client.session, again)
            _write_manifest(selection.songs, journal)
    except Timeout as error:
        raise SourceError(f"{out}: another run is at work there; wait for it.") from error
    return Built(lists, selection, journal, later, stopped)


def _read(
    playlists: Mapping[str, str], journal: Journal, client: Client, again: bool
) -> dict[str, list[Entry]]:
    """Entries by mood; reads all playlists that can be read before it reports those that can't."""
    refused: defaultdict[str, list[str]] = defaultdict(list)
    for mood, playlist in playlists.items():
        if again or playlist not in journal.lists:
            try:
                rows = [asdict(entry) for entry in client.entries(playlist)]
                journal.add(kind="playlist", playlist=playlist, entries=rows)
            except FetchError as error:
                if error.status not in (403, 404):
                    raise
                refused[str(error)].append(mood)
    if refused:
        lines = [f"{', '.join(moods)}: {message}" for message, moods in refused.items()]
        raise SourceError("\n".join(lines))
    return {mood: journal.lists[playlist] for mood, playlist in playlists.items()}


def _fetch(
    songs: Sequence[tuple[str, Entry]], journal: Journal, session: Session, again: bool
) -> tuple[Counter[str], str]:
    """Fetch missing previews: how many of each mood are left for later, and why it stopped."""
    todo = [pair for pair in songs if not journal.fetched(*pair)]
    if not again:
        todo = [pair for pair in todo if not journal.missing(*pair)]
    later: Counter[str] = Counter()
    failures = 0
    for done, (mood, song) in enumerate(tqdm(todo, desc="previews", unit="song", disable=None), 1):
        try:
            record = _preview(mood, song, journal.out, session)
            journal.add(kind="preview", mood=mood, song=song.id, **record)
            failures = 0
        except FetchError as error:
            later[mood] += 1
            failures += 1
            if error.retry_after > LONGEST_WAIT or failures == _MAX_FAILURES:
                later.update(other for other, _ in todo[done:])
                return later, str(error)
    return later, ""


def _preview(mood: str, song: Entry, out: Path, session: Session) -> dict[str, Any]:
    """Fetch a preview: its record. Raises FetchError where a service should be asked later."""
    info = TrackInfo(song.id, song.title, song.artists, song.seconds, song.isrc)
    try:
        # Without Spotify's own audio, which find_preview fetches only on request.
        preview = (fetched := find_preview(info, session)).preview
        seconds = decode(fetched.data).seconds
    except NoPreview as error:
        for failure in sorted(error.failures, key=lambda failure: -failure.retry_after):
            unreachable = isinstance(failure.__cause__, requests.RequestException)
            if unreachable or failure.status in _TEMPORARY:
                raise failure from error
        reason = "no service has a preview of it"
        if error.failures:
            gone = any(failure.status in (401, 403, 404, 410) for failure in error.failures)
            reason = "its preview's address had expired" if gone else "an answer of another form"
        return {"outcome": "none", "reason": reason, "words": str(error)}
    except AudioError as error:
        words = f"{preview.service}: {error}"
        return {"outcome": "none", "reason": "audio that can't be decoded", "words": words}
    folder = re.sub(r"[^\w-]+", "-", mood).strip("-") or "mood"
    file = out / "audio" / folder / f"{song.id}{_SUFFIXES[preview.service]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(fetched.data)
    return {
        "outcome": "found",
        "service": preview.service,
        "file": file.relative_to(out).as_posix(),
        "heard": round(seconds, 2),
        "page": preview.page,
    }


def _write_manifest(songs: Sequence[tuple[str, Entry]], journal: Journal) -> None:
    rows = []
    for mood, song in songs:
        if record := journal.fetched(mood, song):
            artist, link = (*song.artists, song.id)[0], TrackInfo(song.id, song.title).link
            source = (record["service"], record["page"], link)
            rows.append((record["file"], mood, artist, song.title, *source))
    staged = journal.out / f"{TABLE}.part"
    pd.DataFrame(rows, columns=_COLUMNS).to_csv(staged, index=False)
    staged.replace(journal.out / TABLE)
