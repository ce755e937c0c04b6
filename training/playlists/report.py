"""A collection's properties, as in the paper's Table III: songs, lengths, and what is missing."""

from collections import Counter
from typing import Any

import pandas as pd

from training.data.feature_store import bullets
from training.playlists.download import Built

_MIN_ARTISTS = 5  # of a mood, for a split by artist (training.data.splits.grouped)
_KINDS = {
    "local": "files of their owner's computer",
    "episode": "podcast episodes",
    "removed": "songs that Spotify no longer has",
    "unreadable": "entries of an unknown form",
}


def properties(built: Built) -> dict[str, Any]:
    """Figures of each mood, and of the whole collection, as JSON."""
    moods = {mood: _mood(built, mood) for mood in built.lists}
    previews = [row["previews"] for row in moods.values()]
    return {
        "moods": moods,
        "previews": sum(previews),
        "largest_to_smallest": round(max(previews) / min(previews), 2) if min(previews) else None,
        "under_two_moods": [
            {"title": song.title, "artists": song.artists, "moods": own}
            for song, own in built.selection.contradictory
        ],
    }


def _mood(built: Built, mood: str) -> dict[str, Any]:
    entries, selection, journal = built.lists[mood], built.selection, built.journal
    songs = [song for own, song in selection.songs if own == mood]
    previews = [(song, row) for song in songs if (row := journal.fetched(mood, song))]
    missing = [reason for song in songs if (reason := journal.missing(mood, song))]
    lengths = [song.seconds for song, _ in previews if song.seconds]
    return {
        "entries": len(entries),
        "kinds": dict(Counter(entry.kind for entry in entries)),
        "repeated": selection.repeated[mood],
        "under_another_mood": sum(mood in moods for _, moods in selection.contradictory),
        "songs": len(songs),
        "previews": len(previews),
        "services": dict(Counter(row["service"] for _, row in previews)),
        "missing": dict(Counter(missing)),
        "later": built.later[mood],
        "artists": len({song.artists[:1] for song, _ in previews}),
        "song_seconds_mean": round(sum(lengths) / len(lengths), 1) if lengths else None,
        "preview_minutes": round(sum(row["heard"] for _, row in previews) / 60, 1),
    }


def text(properties: dict[str, Any], keep_duplicates: bool = False) -> str:
    """The properties as a table and sentences for a terminal."""
    moods = pd.DataFrame.from_dict(properties["moods"], orient="index")
    table = moods[["entries", "songs", "previews", "artists"]].copy()
    table["mean song"] = moods["song_seconds_mean"].map("{:.0f} s".format, na_action="ignore")
    table["audio"] = moods["preview_minutes"].map("{:.1f} min".format)
    lines = [table.to_string(na_rep="–")]
    for mood, row in properties["moods"].items():
        counts = {f"from {service}": n for service, n in row["services"].items()} | row["missing"]
        counts |= {_KINDS[kind]: n for kind, n in row["kinds"].items() if kind in _KINDS}
        counts |= {
            "repeated in its playlist": row["repeated"],
            "in another mood's playlist, too": row["under_another_mood"],
            "to be retried": row["later"],
        }
        parts = [f"{what}: {n}" for what, n in counts.items() if n]
        lines.append(f"{mood} – {'; '.join(parts) or 'an empty playlist'}.")
    if properties["under_two_moods"]:
        songs = [
            f"{' & '.join(row['artists'])}: {row['title']} ({', '.join(row['moods'])})"
            for row in properties["under_two_moods"]
        ]
        omitted = "left out of all (--keep-duplicates keeps them)"
        what = "kept in each" if keep_duplicates else omitted
        lines.append(f"In more than one mood's playlist, {what}:\n{bullets(songs)}")
    ratio = properties["largest_to_smallest"]
    if ratio is None:
        lines.append("A mood has no preview at all: a network can't learn it.")
    elif ratio > 1.5:
        how_much = f"the largest mood has {ratio:g} times the previews of the smallest"
        lines.append(f"Imbalance: {how_much}. Read macro F1, not accuracy alone.")
    if few := [mood for mood, row in properties["moods"].items() if row["artists"] < _MIN_ARTISTS]:
        names = ", ".join(few)
        lines.append(f"Fewer than {_MIN_ARTISTS} artists: {names}. A split by artist needs more.")
    return "\n".join(lines)
