"""Which songs a mood keeps: each once, and none that stands under two moods."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crnn.sources.previews import song_key
from training.playlists.playlist import Entry


@dataclass(frozen=True)
class Choice:
    """songs: (mood, song) that are kept, in the playlists' order. repeated: times that a mood's list names a song again.
    contradictory: songs under more than one mood, and those moods."""

    songs: tuple[tuple[str, Entry], ...]
    repeated: Mapping[str, int]
    contradictory: tuple[tuple[Entry, tuple[str, ...]], ...]


def choose(lists: Mapping[str, Sequence[Entry]], keep_duplicates: bool = False) -> Choice:
    """Songs are the same if they have the same ISRC, or the same title and first artist (editions aside).

    keep_duplicates: songs under two moods stay, under both.
    """
    moods: defaultdict[str, set[str]] = defaultdict(set)
    for mood, entries in lists.items():
        for entry in entries:
            for key in keys(entry):
                moods[key].add(mood)
    songs: list[tuple[str, Entry]] = []
    repeated: Counter[str] = Counter()
    contradictory: dict[str, tuple[Entry, tuple[str, ...]]] = {}
    told: set[str] = set()
    for mood, entries in lists.items():
        seen: set[str] = set()
        for entry in entries:
            own = keys(entry)
            if entry.kind != "song":
                continue
            if seen & own:
                repeated[mood] += 1
                seen |= own
                continue
            seen |= own
            under = set().union(*(moods[key] for key in own))
            if len(under) > 1:
                if not told & own:
                    contradictory[entry.id] = (entry, tuple(sorted(under)))
                told |= own
                if not keep_duplicates:
                    continue
            songs.append((mood, entry))
    return Choice(tuple(songs), dict(repeated), tuple(contradictory.values()))


def keys(entry: Entry) -> set[str]:
    """What two entries of the same song have in common."""
    if entry.kind != "song":
        return set()
    song = song_key(entry.title, entry.artists[0]) if entry.artists else ""
    named = {"id": entry.id, "isrc": entry.isrc, "song": song}
    return {f"{kind}:{value}" for kind, value in named.items() if value}
