"""A playlist → what stands in it: songs, and what is none (podcasts, local files, songs that are gone)."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

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


def entries(page: Page, playlist: str) -> list[Entry]:
    """All of a playlist, by a function that gives its page from an offset.

    `next` says whether there is more, but its address is not followed: the token would go wherever it points.
    """
    found: list[Entry] = []
    while True:
        part = page(playlist, len(found))
        found += [_entry(row) for row in part["items"]]
        if not part["items"] or not part.get("next"):
            return found


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
    if item.get("name") == "":  # what is left of a song whose rights ran out
        return Entry("removed")
    identity = item.get("id")
    if (
        not isinstance(identity, str)
        or not _ID.fullmatch(identity)
        or not isinstance(item.get("name"), str)
    ):
        return Entry("unreadable")
    try:
        info = parse_track(identity, item)
    except (TypeError, AttributeError, KeyError, IndexError, ValueError):
        return Entry("unreadable")
    # Of what Spotify says only what finds the song elsewhere; the address of its own preview is not even kept.
    return Entry("song", info.id, info.title, info.artists, info.seconds, info.isrc)
