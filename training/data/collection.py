"""The music collections: which tracks there are, what they are called, and who must stay together.

Each loader says where the collection comes from. None downloads anything: the folder is the user's.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.labels import GENRES, MOODS
from training.data.feature_store import FeatureStore, from_audio

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")

# Frames that are read at once for a digest: 16 MB.
_BLOCK = 65_536

# A tag that fewer clips carry is too rare to be learned: 2.5 % of 810.
_TAGGED_CLIPS = 20

# GTZAN's repeated recordings (compare Sturm 2013, arXiv 1306.1461): one side of any split gets all of a group. The
# first fourteen pairs are byte-identical; the others are the same recording in another mastering or a hair later: their
# mel spectrograms correlate at 0.94 or more, any other two tracks at less than 0.93.
_DUPLICATES = (
    "disco 98 99, hiphop 39 45, hiphop 76 78, metal 34 94, metal 40 61, metal 41 62, metal 42 63, metal 43 64, "
    "metal 44 65, metal 45 66, metal 58 rock 16, pop 54 60, pop 67 71, reggae 81 82, "
    "jazz 33 51, jazz 34 53, jazz 35 55, jazz 36 58, jazz 37 60, jazz 38 62, jazz 39 65, jazz 40 67, jazz 42 68, "
    "jazz 43 69, jazz 44 70, jazz 45 71, jazz 46 72, reggae 73 74"
)


class DataError(Exception):
    """A data folder without what was looked for; says what was expected where."""


@dataclass(frozen=True)
class Collection:
    """Tracks with spectrograms and labels.

    names [N]; targets [N] index into labels; groups [N]: tracks of one group (an artist, a recording and its
    copies) never stand on two sides of a split. reserved: indices of the tracks that protocol N keeps for itself, and of others by
    the same artists. tags [N, L] of 0 and 1: what else is known of each track, named by tag_names [L]; none where L is 0.
    sides [N]: "train", "valid" or "test" where the collection itself says who is tested, else empty.
    """

    name: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    names: tuple[str, ...]
    targets: np.ndarray[Any, np.dtype[np.int64]]
    groups: tuple[str, ...]
    features: FeatureStore
    reserved: tuple[int, ...] = ()
    tag_names: tuple[str, ...] = ()
    tags: np.ndarray[Any, np.dtype[np.float32]] | None = None
    subsets: tuple[str, ...] = ()

    @property
    def candidates(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Which classes a track may be of, [N, K]: here the one that its target names."""
        rows: np.ndarray[Any, np.dtype[np.float32]] = np.eye(len(self.labels), dtype=np.float32)[
            self.targets
        ]
        return rows

    @property
    def digest(self) -> str:
        """Twelve hex digits over names, targets, groups, tags, sides and frames: runs on other data are other runs."""
        identity = [self.names, self.targets.tolist(), self.groups, self.features.offsets.tolist()]
        found = hashlib.sha256(json.dumps(identity).encode())
        if self.tags is not None:
            found.update(json.dumps(self.tag_names).encode() + self.tags.tobytes())
        if self.subsets:
            found.update(json.dumps(self.subsets).encode())
        values = self.features.values
        for first in range(0, len(values), _BLOCK):  # a memory map may be larger than memory
            found.update(np.ascontiguousarray(values[first : first + _BLOCK]).tobytes())
        return found.hexdigest()[:12]

    def __post_init__(self) -> None:
        sizes = {len(self.names), len(self.targets), len(self.groups), len(self.features)}
        if self.tags is not None:
            sizes.add(len(self.tags))
        if self.subsets:
            sizes.add(len(self.subsets))
        if len(sizes) != 1:
            raise ValueError(
                f"{self.name}: names, targets, groups, tags, sides and frames differ in length: {sizes}"
            )


def gtzan(data: Path, front_end: FrontEnd | None, cache: Path) -> Collection:
    """GTZAN, 10 genres × 100 tracks of 30 s (Tzanetakis & Cook 2002, IEEE TSAP 10(5)).

    data: a folder with mels.npz (its own grid, no other front end), or the original one of audio files,
    <genre>/<genre>.00000.wav, at any depth. Unreadable files (jazz.00054 in some copies) are named, not skipped.
    """
    folder = data / "gtzan" if (data / "gtzan").is_dir() else data
    if (folder / "mels.npz").exists() and front_end in (None, GTZAN_FRONT_END):
        with np.load(folder / "mels.npz", allow_pickle=False) as archive:
            names = tuple(str(name) for name in archive["name"])
            width = np.asarray(archive["range_db"], dtype=np.float32)[:, None, None]
            decibels = (archive["X"].astype(np.float32) + 0.5) / 256 * width - width
        # Half a step above the floor is the floor: silence reads −80, as served.
        decibels[decibels < -GTZAN_FRONT_END.top_db + 0.5] = -GTZAN_FRONT_END.top_db
        frames = FeatureStore.from_mels(list(decibels))
        front_end = GTZAN_FRONT_END
    else:
        front_end = front_end or GTZAN_FRONT_END
        files = sorted(
            f
            for f in folder.rglob("*")
            if f.suffix.lower() in AUDIO_SUFFIXES and f.parent.name in GENRES
        )
        if not files:
            raise DataError(
                f"No GTZAN in {data}: expected mels.npz, or audio files such as blues/blues.00000.wav, there or in gtzan/."
            )
        names = tuple(f.stem for f in files)
        frames = from_audio(files, front_end, cache)
    targets = np.array([GENRES.index(name.split(".")[0]) for name in names])
    return Collection("gtzan", GENRES, front_end, names, targets, gtzan_groups(names), frames)


def lossless_clips(data: Path) -> list[Path]:
    """GTZAN's clips that lie there as lossless audio. DataError where there are none."""
    folder = data / "gtzan" if (data / "gtzan").is_dir() else data
    files = sorted((folder / "audio").rglob("*.flac"))
    if not files:
        raise DataError(
            f"Lossless clips are needed in {folder / 'audio'}/<genre>/*.flac; none are there."
        )
    return files


def gtzan_groups(names: Sequence[str]) -> tuple[str, ...]:
    """One group a recording: copies share the name of the first."""
    first: dict[str, str] = {}
    for entry in _DUPLICATES.split(", "):
        words = entry.split()
        if len(words) == 3:
            words.insert(2, words[0])
        original, copy = (f"{words[i]}.{int(words[i + 1]):05d}" for i in (0, 2))
        first[copy] = original
    return tuple(first.get(name, name) for name in names)


def moods(data: Path, front_end: FrontEnd | None, cache: Path, target: str = "mood") -> Collection:
    """moods4q: clips annotated by quadrant and mood (Panda, Malheiro & Paiva 2018, IEEE TAFFC 11(4)).

    target: "mood" (the five, clips whose tags say neither left out), "quadrant" (all clips) or "genre" (the
    clips whose only genre is one of GTZAN's: new songs for the genre network). Groups are artists.
    """
    column, labels = {
        "mood": ("mood", MOODS),
        "quadrant": ("quadrant", QUADRANTS),
        "genre": ("gtzan_genre", GENRES),
    }[target]
    folder = data / "moods4q" if (data / "moods4q").is_dir() else data
    table = folder / "annotations.csv"
    if not table.exists():
        raise DataError(
            f"No moods4q in {data}: expected annotations.csv and audio/<clip>.opus, there or in moods4q/."
        )
    front_end = front_end or GTZAN_FRONT_END
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    by_stem = {f.stem: f for f in sorted((folder / "audio").iterdir())}
    missing = [row["clip"] for row in rows if row["clip"] not in by_stem]
    if missing:
        raise DataError(
            f"{folder / 'audio'} lacks {len(missing)} of {len(rows)} annotated clips, the first: {missing[0]}."
        )
    # All clips in one cache, whichever labels are asked for.
    frames = from_audio([by_stem[row["clip"]] for row in rows], front_end, cache)
    keep = [i for i, row in enumerate(rows) if row[column]]
    kept = [rows[i] for i in keep]
    new_artists = {row["artist"] for row in rows if row["gtzan_genre"]}
    tag_names, tags = _tags(rows)
    return Collection(
        f"moods4q-{target}",
        labels,
        front_end,
        tuple(row["clip"] for row in kept),
        np.array([labels.index(row[column]) for row in kept]),
        tuple(row["artist"] for row in kept),
        _subset(frames, keep),
        tuple(i for i, row in enumerate(kept) if row["artist"] in new_artists),
        tag_names,
        tags[keep],
    )


def _tags(
    rows: Sequence[dict[str, str]],
) -> tuple[tuple[str, ...], np.ndarray[Any, np.dtype[np.float32]]]:
    """Genres and mood words of moods4q's clips that at least _TAGGED_CLIPS carry: names [L], and 0 or 1 for each clip [N, L]."""
    words = [
        {word.strip() for column in ("genres", "mood_tags") for word in row[column].split(";")}
        - {""}
        for row in rows
    ]
    counts = Counter(word for own in words for word in own)
    names = tuple(sorted(word for word, count in counts.items() if count >= _TAGGED_CLIPS))
    values = [[word in own for word in names] for own in words]
    return names, np.array(values, dtype=np.float32).reshape(len(rows), len(names))


def _subset(frames: FeatureStore, tracks: Sequence[int]) -> FeatureStore:
    return FeatureStore.from_mels([frames.mel(i).numpy() for i in tracks])


def load(task: str, data: Path, cache: Path, front_end: FrontEnd | None = None) -> Collection:
    """The collection behind a task: "genre", "mood", "quadrant", or "new-songs" (protocol N)."""
    if task == "genre":
        return gtzan(data, front_end, cache)
    return moods(data, front_end, cache, "genre" if task == "new-songs" else task)
