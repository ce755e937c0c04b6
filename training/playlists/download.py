"""Songs of one mood each → thirty seconds of each in a folder, and a manifest to train on.

OUT/audio/<mood>/<id>.mp3   previews, as Deezer (mp3) or Apple (m4a) sent them
OUT/journal.jsonl           what was done, for the next start
OUT/manifest.csv            path, label, group (the artist), and where each song can be heard in full
OUT/properties.json         the figures of the report
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.errors import AudioError, SourceError
from crnn.sources.http import FetchError
from crnn.sources.previews import NoPreview, find_preview
from crnn.sources.spotify import TrackInfo
from training.data.manifest import TABLE
from training.playlists.journal import Journal
from training.playlists.playlist import Entry, Page, entries
from training.playlists.rate_limit import LONGEST, RateLimitedSession
from training.playlists.selection import Choice, choose

_SUFFIXES = {"Deezer": ".mp3", "Apple": ".m4a"}
_TEMPORARY = (429, 500, 502, 503, 504)
_IN_A_ROW = 5  # songs that no service answered for, after which there is no point in asking on


@dataclass(frozen=True)
class Built:
    """What there is now. lists: mood → entries of its playlist. later: songs that no service could be asked about this time.
    stopped: why not all was asked, "" if all was."""

    lists: Mapping[str, Sequence[Entry]]
    choice: Choice
    journal: Journal
    later: Mapping[str, int]
    stopped: str = ""


def build(
    wishes: Mapping[str, str],
    out: Path,
    page: Page,
    session: RateLimitedSession,
    keep_duplicates: bool = False,
    again: bool = False,
) -> Built:
    """Read the playlists that the journal lacks, fetch the previews it lacks, write the manifest.

    wishes: mood → playlist. page: reads one page of a playlist; called only where one is needed. again: read all playlists anew,
    and ask again for songs that nobody had. Raises SpotifyError where a playlist can't be read.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", blocking=False):
            journal = Journal(out / "journal.jsonl")
            lists = _lists(journal, page, wishes, again)
            choice = choose(lists, keep_duplicates)
            later, stopped = _fetch(choice.songs, out, journal, session, again)
            _write(choice.songs, out, journal)
    except Timeout as error:
        raise SourceError(
            f"{out}: another run is at work there. Wait for it, or choose another folder."
        ) from error
    return Built(lists, choice, journal, later, stopped)


def _lists(
    journal: Journal, page: Page, wishes: Mapping[str, str], again: bool
) -> dict[str, list[Entry]]:
    """All that can be read is read before those that can't be are told, together."""
    refused: dict[str, list[str]] = {}
    for mood, playlist in wishes.items():
        if again or playlist not in journal.lists:
            try:
                journal.read(playlist, entries(page, playlist))
            except FetchError as error:
                if error.status not in (403, 404):
                    raise
                refused.setdefault(str(error), []).append(mood)
    if refused:
        raise SourceError(
            "\n".join(f"{', '.join(moods)}: {words}" for words, moods in refused.items())
        )
    return {mood: journal.lists[playlist] for mood, playlist in wishes.items()}


def _fetch(
    songs: Sequence[tuple[str, Entry]],
    out: Path,
    journal: Journal,
    session: RateLimitedSession,
    again: bool,
) -> tuple[dict[str, int], str]:
    """Previews of the songs that have none yet: how many of each mood stay for later, and why it was stopped."""
    todo = [(mood, song) for mood, song in songs if _missing(journal, out, mood, song, again)]
    later: dict[str, int] = {}
    stopped, unanswered = "", 0
    for done, (mood, song) in enumerate(tqdm(todo, desc="previews", unit="song", disable=None)):
        try:
            _preview(mood, song, out, journal, session)
            unanswered = 0
        except FetchError as error:
            later[mood] = later.get(mood, 0) + 1
            unanswered += 1
            if error.retry_after > LONGEST or unanswered == _IN_A_ROW:
                stopped = str(error)
                for other, _ in todo[done + 1 :]:
                    later[other] = later.get(other, 0) + 1
                break
    return later, stopped


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
        found = find_preview(
            info, session
        )  # Spotify's own audio is off unless it is asked for, and nothing here does
    except NoPreview as error:
        passing = [failure for failure in error.failures if _passes(failure)]
        if passing:
            raise max(passing, key=lambda failure: failure.retry_after) from error
        journal.missed(mood, song.id, _reason(error), str(error))
        return
    service = found.preview.service
    try:
        heard = decode(found.data).seconds
    except AudioError as error:
        journal.missed(mood, song.id, "audio that can't be heard", f"{service}: {error}")
        return
    file = out / "audio" / folder(mood) / f"{song.id}{_SUFFIXES[service]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_suffix(".part")
    staged.write_bytes(found.data)
    staged.replace(file)
    journal.found(
        mood,
        song.id,
        service=service,
        file=file.relative_to(out).as_posix(),
        heard=round(heard, 2),
        page=found.preview.page,
    )


def _passes(failure: FetchError) -> bool:
    return failure.status in _TEMPORARY or isinstance(failure.__cause__, requests.RequestException)


def _reason(error: NoPreview) -> str:
    if not error.failures:
        return "nobody has a preview of it"
    if any(failure.status in (401, 403, 404, 410) for failure in error.failures):
        return "its preview's address had expired"
    return "an answer of another form"


def folder(mood: str) -> str:
    """A name for a mood's folder."""
    return re.sub(r"[^\w-]+", "-", mood).strip("-") or "mood"


def _write(songs: Sequence[tuple[str, Entry]], out: Path, journal: Journal) -> None:
    staged = out / f"{TABLE}.part"
    with staged.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(["path", "label", "group", "title", "service", "page", "spotify"])
        for mood, song in songs:
            record = journal.previews.get((mood, song.id))
            if record and record["outcome"] == "found":
                artist = song.artists[0] if song.artists else song.id
                link = TrackInfo(song.id, song.title).link
                rows.writerow(
                    [
                        record["file"],
                        mood,
                        artist,
                        song.title,
                        record["service"],
                        record["page"] or "",
                        link,
                    ]
                )
    staged.replace(out / TABLE)
