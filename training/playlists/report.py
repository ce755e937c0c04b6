"""The data set's properties, as the paper's Table III has them: songs by mood, lengths, what is missing."""

from collections import Counter
from typing import Any

import pandas as pd

from training.data.feature_store import bullets
from training.playlists.download import Built
from training.playlists.playlist import KINDS

# Artists of a mood that a split by artist needs (training.data.splits.grouped).
_FEWEST_ARTISTS = 5


def properties(built: Built) -> dict[str, Any]:
    """By mood, and of the whole set: JSON."""
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
    entries, selection = built.lists[mood], built.selection
    songs = [song for own, song in selection.songs if own == mood]
    records = [record for song in songs if (record := built.journal.previews.get((mood, song.id)))]
    previews = {record["song"]: record for record in records if record["outcome"] == "found"}
    lengths = [song.seconds for song in songs if song.id in previews and song.seconds]
    return {
        "entries": len(entries),
        "kinds": dict(Counter(entry.kind for entry in entries)),
        "repeated": selection.repeated.get(mood, 0),
        "under_another_mood": sum(mood in moods for _, moods in selection.contradictory),
        "songs": len(songs),
        "previews": len(previews),
        "services": dict(Counter(record["service"] for record in previews.values())),
        "missing": dict(Counter(r["reason"] for r in records if r["outcome"] == "none")),
        "later": built.later.get(mood, 0),
        "artists": len({song.artists[:1] for song in songs if song.id in previews}),
        "song_seconds_mean": round(sum(lengths) / len(lengths), 1) if lengths else None,
        "preview_minutes": round(sum(record["heard"] for record in previews.values()) / 60, 1),
    }


def text(found: dict[str, Any], keep_duplicates: bool = False) -> str:
    """The properties as a table and sentences for a terminal."""
    moods = pd.DataFrame.from_dict(found["moods"], orient="index")
    table = moods[["entries", "songs", "previews", "artists"]].assign(
        **{
            "mean song": moods["song_seconds_mean"].map(lambda s: f"{s:.0f} s", na_action="ignore"),
            "audio": moods["preview_minutes"].map("{:.1f} min".format),
        }
    )
    lines = [table.to_string(na_rep="–")]
    for mood, row in found["moods"].items():
        parts = [f"from {service}: {n}" for service, n in row["services"].items()]
        parts += [f"{reason}: {n}" for reason, n in row["missing"].items()]
        parts += [f"{KINDS[kind]}: {n}" for kind, n in row["kinds"].items() if kind != "song"]
        counts = {
            "twice in its playlist": row["repeated"],
            "in another mood's playlist, too": row["under_another_mood"],
            "to be asked for again": row["later"],
        }
        parts += [f"{words}: {n}" for words, n in counts.items() if n]
        lines.append(f"{mood} – {'; '.join(parts) or 'nothing in it'}.")
    return "\n".join(lines + _warnings(found, keep_duplicates))


def _warnings(found: dict[str, Any], keep_duplicates: bool) -> list[str]:
    lines = []
    if found["under_two_moods"]:
        what = "left out of all (--keep-duplicates keeps them)"
        songs = [
            f"{' & '.join(row['artists'])}: {row['title']} ({', '.join(row['moods'])})"
            for row in found["under_two_moods"]
        ]
        what = "kept under each" if keep_duplicates else what
        lines.append(f"In more than one mood's playlist, {what}:\n{bullets(songs)}")
    ratio = found["largest_to_smallest"]
    if ratio is None:
        lines.append("A mood has no preview at all: nothing can be learned of it.")
    elif ratio > 1.5:
        lines.append(
            f"Imbalance: the largest mood has {ratio:g} times the previews of the smallest. Read macro "
            "F1, not accuracy alone."
        )
    few = [mood for mood, row in found["moods"].items() if row["artists"] < _FEWEST_ARTISTS]
    if few:
        lines.append(
            f"Fewer than {_FEWEST_ARTISTS} artists: {', '.join(few)}. A split by artist needs more."
        )
    return lines
