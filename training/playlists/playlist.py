"""A playlist's entries, and the songs that each mood keeps: each once, and none that is in two moods."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from crnn.sources.previews import song_key
from crnn.sources.spotify import parse_track

Kind = Literal["song", "local", "episode", "removed", "unreadable"]
KINDS: dict[Kind, str] = {
    "song": "songs",
    "local": "files of their owner's computer",
    "episode": "podcast episodes",
    "removed": "songs that Spotify no longer has",
    "unreadable": "entries of an unknown form",
}
_ID = re.compile(r"[0-9A-Za-z]{22}")
Page = Callable[[str, int], dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A line of a playlist; the fields after kind are a song's. seconds: of the whole song."""

    kind: Kind
    id: str = ""
    title: str = ""
    artists: tuple[str, ...] = ()
    seconds: float | None = None
    isrc: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Entry":
        return cls(**(stored | {"artists": tuple(stored["artists"])}))

    @property
    def keys(self) -> set[str]:
        """What two entries of the same song have in common: id, ISRC, or title and first artist."""
        if self.kind != "song":
            return set()
        song = song_key(self.title, self.artists[0]) if self.artists else ""
        keys = {"id": self.id, "isrc": self.isrc, "song": song}
        return {f"{kind}:{value}" for kind, value in keys.items() if value}


@dataclass(frozen=True)
class Selection:
    """Which songs are kept.

    Attributes:
        songs: (mood, song), in the playlists' order.
        repeated: Times that a mood's playlist has a song again.
        contradictory: Songs of more than one mood, and those moods.
    """

    songs: tuple[tuple[str, Entry], ...]
    repeated: Mapping[str, int]
    contradictory: tuple[tuple[Entry, tuple[str, ...]], ...]


def entries(page: Page, playlist: str) -> list[Entry]:
    """All of a playlist, by a function that gives its page from an offset.

    `next` says whether there is more, but its address is not followed: it would receive the token.
    """
    result: list[Entry] = []
    while True:
        part = page(playlist, len(result))
        result += [_entry(row) for row in part["items"]]
        if not part["items"] or not part.get("next"):
            return result


def select(lists: Mapping[str, Sequence[Entry]], keep_duplicates: bool = False) -> Selection:
    """Choose the songs of each mood.

    Songs are the same if they have the same ISRC, or the same title and first artist (editions aside).

    Args:
        lists: Mood → entries of its playlist.
        keep_duplicates: Songs of two moods stay, under both.
    """
    moods: defaultdict[str, set[str]] = defaultdict(set)
    for mood, own in lists.items():
        for key in set().union(*(entry.keys for entry in own)):
            moods[key].add(mood)
    songs: list[tuple[str, Entry]] = []
    repeated: Counter[str] = Counter()
    contradictory: list[tuple[Entry, tuple[str, ...]]] = []
    listed: set[str] = set()
    for mood, own in lists.items():
        seen: set[str] = set()
        for entry in own:
            keys = entry.keys
            if seen & keys:
                repeated[mood] += 1
            elif keys:
                under = set().union(*(moods[key] for key in keys))
                if len(under) > 1:
                    if not listed & keys:
                        contradictory.append((entry, tuple(sorted(under))))
                    listed |= keys
                if len(under) == 1 or keep_duplicates:
                    songs.append((mood, entry))
            seen |= keys
    return Selection(tuple(songs), dict(repeated), tuple(contradictory))


def _entry(row: Any) -> Entry:
    if not isinstance(row, dict):
        return Entry("unreadable")
    # "track" until February 2026, "item" since; for a while both.
    item = row["item"] if "item" in row else row.get("track")
    if row.get("is_local") or (isinstance(item, dict) and item.get("is_local")):
        return Entry("local")
    if item is None:
        return Entry("removed")
    if not isinstance(item, dict):
        return Entry("unreadable")
    if item.get("type") in ("episode", "chapter"):
        return Entry("episode")
    identity, name = item.get("id"), item.get("name")
    if name == "":  # what is left of a song whose rights ran out
        return Entry("removed")
    if not isinstance(identity, str) or not _ID.fullmatch(identity) or not isinstance(name, str):
        return Entry("unreadable")
    try:
        info = parse_track(identity, item)
    except (TypeError, AttributeError, KeyError, IndexError, ValueError):
        return Entry("unreadable")
    # Only what finds the song elsewhere; the address of Spotify's own preview is not even kept.
    return Entry("song", info.id, info.title, info.artists, info.seconds, info.isrc)
