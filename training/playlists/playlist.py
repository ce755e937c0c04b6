"""A playlist's entries, and each mood's songs: without repetitions or songs of two moods."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crnn.sources.previews import song_key
from crnn.sources.spotify import parse_track

_ID = re.compile(r"[0-9A-Za-z]{22}")


@dataclass(frozen=True)
class Entry:
    """A line of a playlist; the fields after kind are a song's. seconds: of the whole song."""

    kind: Literal["song", "local", "episode", "removed", "unreadable"]
    id: str = ""
    title: str = ""
    artists: tuple[str, ...] = ()
    seconds: float | None = None
    isrc: str | None = None

    @property
    def keys(self) -> set[str]:
        """What two entries of the same song have in common: id, ISRC, or title and first artist."""
        song = song_key(self.title, self.artists[0]) if self.artists else ""
        keys = {"id": self.id, "isrc": self.isrc, "song": song}
        return {f"{kind}:{value}" for kind, value in keys.items() if value}


@dataclass(frozen=True)
class Selection:
    """Which songs are used."""

    songs: Sequence[tuple[str, Entry]]  # (mood, song), in the playlists' order
    repeated: Counter[str]  # by mood, how often its playlist repeats a song
    contradictory: Sequence[tuple[Entry, Sequence[str]]]  # songs of several moods, and those moods


def select(lists: Mapping[str, Sequence[Entry]], keep_duplicates: bool = False) -> Selection:
    """Choose the songs of each mood, from its entries; keep_duplicates: songs of two moods stay.

    Songs are the same if they share the ISRC, or title and first artist (editions aside).
    """
    moods: defaultdict[str, set[str]] = defaultdict(set)
    for mood, own in lists.items():
        for key in set().union(*(entry.keys for entry in own)):
            moods[key].add(mood)
    songs: list[tuple[str, Entry]] = []
    repeated: Counter[str] = Counter()
    contradictory: list[tuple[Entry, Sequence[str]]] = []
    reported: set[str] = set()
    for mood, own in lists.items():
        seen: set[str] = set()
        for entry in own:
            keys = entry.keys
            song_moods = set().union(*(moods[key] for key in keys))
            if seen & keys:
                repeated[mood] += 1
            elif len(song_moods) == 1 or (keep_duplicates and keys):
                songs.append((mood, entry))
            if len(song_moods) > 1 and not keys & (seen | reported):
                contradictory.append((entry, sorted(song_moods)))
                reported |= keys
            seen |= keys
    return Selection(songs, repeated, contradictory)


def parse_entry(row: Any) -> Entry:
    """An item of a page of a playlist, whatever its form."""
    try:
        # "track" until February 2026, "item" since; for a while both.
        item = row["item"] if "item" in row else row.get("track")
        if row.get("is_local") or (item and item.get("is_local")):
            return Entry("local")
        if item is None or item.get("name") == "":  # "": what is left when a song's rights run out
            return Entry("removed")
        if item.get("type") in ("episode", "chapter"):
            return Entry("episode")
        if not _ID.fullmatch(item["id"]):
            return Entry("unreadable")
        info = parse_track(item["id"], item)
    except (TypeError, AttributeError, KeyError, IndexError, ValueError):
        return Entry("unreadable")
    # Only what finds the song elsewhere; the address of Spotify's own preview is not even stored.
    return Entry("song", info.id, info.title, info.artists, info.seconds, info.isrc)
