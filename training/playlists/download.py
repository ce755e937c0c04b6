"""Download 30 s of each mood's songs into a folder, and write a manifest to train on.

OUT/audio/<mood>/<id>.mp3   previews, as Deezer (mp3) or Apple (m4a) sent them
OUT/journal.jsonl           what was done, a JSON object a line, for the next start
OUT/manifest.csv            path, label, group (the artist), and where each song can be heard in full
OUT/properties.json         the figures of the report
"""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from filelock import FileLock, Timeout
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.errors import AudioError, SourceError
from crnn.sources.http import FetchError
from crnn.sources.previews import NoPreview, find_preview
from crnn.sources.spotify import TrackInfo
from training.data.manifest import TABLE
from training.playlists.playlist import Entry, Page, Selection, entries, select
from training.playlists.rate_limit import LONGEST_WAIT, RateLimitedSession

_SUFFIXES = {"Deezer": ".mp3", "Apple": ".m4a"}
_TEMPORARY = (429, 500, 502, 503, 504)
_MAX_FAILURES = 5  # songs in a row without any answer, after which the run stops


class Journal:
    """journal.jsonl of an output folder, so that a second start fetches only what is missing.

    The last line of a playlist or preview counts; a line that a crash cut short is skipped.

    Attributes:
        lists: Entries by playlist.
        previews: Records by (mood, song).
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lists: dict[str, list[Entry]] = {}
        self.previews: dict[tuple[str, str], dict[str, Any]] = {}
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        for line in text.splitlines():
            self._take(line)
        if text and not text.endswith("\n"):
            with file.open("a", encoding="utf-8") as out:
                out.write("\n")

    def add_playlist(self, playlist: str, rows: list[Entry]) -> None:
        """A playlist was read to its end."""
        rows_as_json = [entry.to_dict() for entry in rows]
        self._add({"kind": "playlist", "playlist": playlist, "entries": rows_as_json})

    def add_preview(self, mood: str, song: str, **facts: Any) -> None:
        """A preview is on the disk: service, file, heard (its seconds), page (at that service)."""
        self._add({"kind": "preview", "mood": mood, "song": song, "outcome": "found"} | facts)

    def add_missing(self, mood: str, song: str, reason: str, words: str) -> None:
        """No service has a preview."""
        record = {"kind": "preview", "mood": mood, "song": song, "outcome": "none"}
        self._add(record | {"reason": reason, "words": words})

    def _add(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False)
        with self.file.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        self._take(line)

    def _take(self, line: str) -> None:
        try:
            record = json.loads(line)
            if record["kind"] == "playlist":
                rows = [Entry.from_dict(entry) for entry in record["entries"]]
                self.lists[record["playlist"]] = rows
            elif record["kind"] == "preview":
                self.previews[record["mood"], record["song"]] = record
        except (ValueError, KeyError, TypeError):
            return


@dataclass(frozen=True)
class Built:
    """What there is now.

    Attributes:
        lists: Mood → entries of its playlist.
        later: Songs of each mood that no service could be asked about this time.
        stopped: Why not all was asked, "" if all was.
    """

    lists: Mapping[str, Sequence[Entry]]
    selection: Selection
    journal: Journal
    later: Mapping[str, int]
    stopped: str = ""


def build(
    playlists: Mapping[str, str],
    out: Path,
    page: Page,
    session: RateLimitedSession,
    keep_duplicates: bool = False,
    again: bool = False,
) -> Built:
    """Read the playlists that the journal lacks, fetch the previews it lacks, write the manifest.

    Args:
        playlists: Mood → playlist.
        page: Reads one page of a playlist; called only where one is needed.
        again: Read all playlists anew, and ask again for songs without a preview.

    Raises:
        SourceError: A playlist can't be read, or another run works in the folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", blocking=False):
            journal = Journal(out / "journal.jsonl")
            lists = _read(journal, page, playlists, again)
            selection = select(lists, keep_duplicates)
            later, stopped = _fetch(selection.songs, out, journal, session, again)
            _write_manifest(selection.songs, out, journal)
    except Timeout as error:
        raise SourceError(
            f"{out}: another run is at work there. Wait for it, or choose another folder."
        ) from error
    return Built(lists, selection, journal, later, stopped)


def _read(
    journal: Journal, page: Page, playlists: Mapping[str, str], again: bool
) -> dict[str, list[Entry]]:
    """Entries by mood; reads all playlists that can be read before it reports those that can't."""
    refused: defaultdict[str, list[str]] = defaultdict(list)
    for mood, playlist in playlists.items():
        if again or playlist not in journal.lists:
            try:
                journal.add_playlist(playlist, entries(page, playlist))
            except FetchError as error:
                if error.status not in (403, 404):
                    raise
                refused[str(error)].append(mood)
    if refused:
        lines = [f"{', '.join(moods)}: {words}" for words, moods in refused.items()]
        raise SourceError("\n".join(lines))
    return {mood: journal.lists[playlist] for mood, playlist in playlists.items()}


def _fetch(
    songs: Sequence[tuple[str, Entry]],
    out: Path,
    journal: Journal,
    session: RateLimitedSession,
    again: bool,
) -> tuple[dict[str, int], str]:
    """Fetch missing previews: how many of each mood are left for later, and why it was stopped."""
    todo = [(mood, song) for mood, song in songs if _missing(journal, out, mood, song, again)]
    later: Counter[str] = Counter()
    failures = 0
    for done, (mood, song) in enumerate(tqdm(todo, desc="previews", unit="song", disable=None)):
        try:
            _preview(mood, song, out, journal, session)
            failures = 0
        except FetchError as error:
            later[mood] += 1
            failures += 1
            if error.retry_after > LONGEST_WAIT or failures == _MAX_FAILURES:
                later.update(other for other, _ in todo[done + 1 :])
                return later, str(error)
    return later, ""


def _missing(journal: Journal, out: Path, mood: str, song: Entry, again: bool) -> bool:
    record = journal.previews.get((mood, song.id))
    if record is None:
        return True
    return not (out / record["file"]).is_file() if record["outcome"] == "found" else again


def _preview(
    mood: str, song: Entry, out: Path, journal: Journal, session: RateLimitedSession
) -> None:
    """Fetch one. Raises FetchError where a service should be asked later."""
    info = TrackInfo(song.id, song.title, song.artists, song.seconds, song.isrc)
    try:
        # Without Spotify's own audio, which find_preview fetches only when asked to.
        fetched = find_preview(info, session)
    except NoPreview as error:
        temporary = [failure for failure in error.failures if _is_temporary(failure)]
        if temporary:
            raise max(temporary, key=lambda failure: failure.retry_after) from error
        journal.add_missing(mood, song.id, _reason(error), str(error))
        return
    service = fetched.preview.service
    try:
        seconds = decode(fetched.data).seconds
    except AudioError as error:
        reason = "audio that can't be decoded"
        journal.add_missing(mood, song.id, reason, f"{service}: {error}")
        return
    folder = re.sub(r"[^\w-]+", "-", mood).strip("-") or "mood"
    file = out / "audio" / folder / f"{song.id}{_SUFFIXES[service]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_suffix(".part")
    staged.write_bytes(fetched.data)
    staged.replace(file)
    journal.add_preview(
        mood,
        song.id,
        service=service,
        file=file.relative_to(out).as_posix(),
        heard=round(seconds, 2),
        page=fetched.preview.page,
    )


def _is_temporary(failure: FetchError) -> bool:
    return failure.status in _TEMPORARY or isinstance(failure.__cause__, requests.RequestException)


def _reason(error: NoPreview) -> str:
    if not error.failures:
        return "nobody has a preview of it"
    if any(failure.status in (401, 403, 404, 410) for failure in error.failures):
        return "its preview's address had expired"
    return "an answer of another form"


def _write_manifest(songs: Sequence[tuple[str, Entry]], out: Path, journal: Journal) -> None:
    staged = out / f"{TABLE}.part"
    with staged.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(["path", "label", "group", "title", "service", "page", "spotify"])
        for mood, song in songs:
            record = journal.previews.get((mood, song.id), {})
            if record.get("outcome") == "found":
                artist = song.artists[0] if song.artists else song.id
                link = TrackInfo(song.id, song.title).link
                source = (song.title, record["service"], record["page"] or "", link)
                rows.writerow([record["file"], mood, artist, *source])
    staged.replace(out / TABLE)
