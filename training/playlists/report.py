"""What a set is like, as the paper's Table III says of its own: songs by mood, how long they are, what is missing."""

from collections import Counter
from typing import Any

from training.data.feature_store import bullets
from training.playlists.download import Built
from training.playlists.playlist import KINDS

# Artists of a mood below which no split by artist has some to train, validate and test on (training.data.splits.grouped).
_FEWEST_ARTISTS = 5


def properties(built: Built) -> dict[str, Any]:
    """By mood, and what can be said of all: JSON."""
    moods = {mood: _mood(built, mood) for mood in built.lists}
    found = [row["previews"] for row in moods.values()]
    return {
        "moods": moods,
        "previews": sum(found),
        "largest_to_smallest": round(max(found) / min(found), 2) if min(found) else None,
        "under_two_moods": [
            {"title": song.title, "artists": song.artists, "moods": moods_of}
            for song, moods_of in built.choice.contradictory
        ],
    }


def _mood(built: Built, mood: str) -> dict[str, Any]:
    entries = built.lists[mood]
    kept = [song for own, song in built.choice.songs if own == mood]
    records = [record for song in kept if (record := built.journal.previews.get((mood, song.id)))]
    found = [record for record in records if record["outcome"] == "found"]
    got = {record["song"] for record in found}
    lengths = [song.seconds for song in kept if song.id in got and song.seconds]
    return {
        "entries": len(entries),
        "kinds": dict(Counter(entry.kind for entry in entries)),
        "repeated": built.choice.repeated.get(mood, 0),
        "under_another_mood": sum(mood in moods for _, moods in built.choice.contradictory),
        "songs": len(kept),
        "previews": len(found),
        "services": dict(Counter(record["service"] for record in found)),
        "missing": dict(
            Counter(record["reason"] for record in records if record["outcome"] == "none")
        ),
        "later": built.later.get(mood, 0),
        "artists": len({song.artists[:1] for song in kept if song.id in got}),
        "song_seconds_mean": round(sum(lengths) / len(lengths), 1) if lengths else None,
        "preview_minutes": round(sum(record["heard"] for record in found) / 60, 1),
    }


def text(found: dict[str, Any], keep_duplicates: bool = False) -> str:
    """The properties as a table and sentences for a terminal."""
    head = ["mood", "entries", "songs", "previews", "artists", "mean song", "audio"]
    rows = [
        [
            mood,
            str(row["entries"]),
            str(row["songs"]),
            str(row["previews"]),
            str(row["artists"]),
            f"{row['song_seconds_mean']:.0f} s" if row["song_seconds_mean"] else "–",
            f"{row['preview_minutes']:.1f} min",
        ]
        for mood, row in found["moods"].items()
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    for mood, row in found["moods"].items():
        parts = [f"from {service}: {n}" for service, n in row["services"].items()]
        parts += [f"{reason}: {n}" for reason, n in row["missing"].items()]
        parts += [f"{KINDS[kind]}: {n}" for kind, n in row["kinds"].items() if kind != "song"]
        parts += [f"{words}: {n}" for n, words in _counts(row) if n]
        lines.append(f"{mood} – {'; '.join(parts) or 'nothing in it'}.")
    lines += _warnings(found, keep_duplicates)
    return "\n".join(lines)


def _counts(row: dict[str, Any]) -> list[tuple[int, str]]:
    return [
        (row["repeated"], "twice in its list"),
        (row["under_another_mood"], "under another mood, too"),
        (row["later"], "to be asked for again"),
    ]


def _warnings(found: dict[str, Any], keep_duplicates: bool) -> list[str]:
    lines = []
    if found["under_two_moods"]:
        what = (
            "kept under each"
            if keep_duplicates
            else "left out of all (--keep-duplicates keeps them)"
        )
        songs = [
            f"{' & '.join(row['artists'])}: {row['title']} ({', '.join(row['moods'])})"
            for row in found["under_two_moods"]
        ]
        lines.append(f"Under more than one mood, {what}:\n{bullets(songs)}")
    ratio = found["largest_to_smallest"]
    if ratio is None:
        lines.append("A mood has no preview at all: nothing can be learned of it.")
    elif ratio > 1.5:
        lines.append(
            f"Imbalance: the largest mood has {ratio:g} times the previews of the smallest. Read macro F1, not accuracy alone."
        )
    few = [mood for mood, row in found["moods"].items() if row["artists"] < _FEWEST_ARTISTS]
    if few:
        lines.append(
            f"Fewer than {_FEWEST_ARTISTS} artists: {', '.join(few)}. A split by artist needs more."
        )
    return lines
