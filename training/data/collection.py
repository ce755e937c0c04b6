"""The music collections: tracks, labels, and which must stay together. Nothing is downloaded."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crnn.audio.front_end import GTZAN_FRONT_END, FrontEnd
from crnn.audio.names import songs
from crnn.labels import GENRES, MOODS
from training.data.feature_store import DTYPE, Array, FeatureStore, digest, from_audio

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")

# The grid of mels_1024.npz: one frame every 46.4 ms.
HOP_1024 = replace(GTZAN_FRONT_END, hop_length=1024)

# A tag that fewer clips carry is too rare to be learned: 2.5 % of 810.
_TAGGED_CLIPS = 20

# GTZAN's repeated recordings (compare Sturm 2013, arXiv 1306.1461). The first fourteen pairs are
# byte-identical; the others differ in mastering or a short delay: their mel spectrograms correlate
# at 0.94 or more, any other two tracks at less than 0.93.
_DUPLICATES = (
    "disco 98 99, hiphop 39 45, hiphop 76 78, metal 34 94, metal 40 61, metal 41 62, metal 42 63, "
    "metal 43 64, metal 44 65, metal 45 66, metal 58 rock 16, pop 54 60, pop 67 71, reggae 81 82, "
    "jazz 33 51, jazz 34 53, jazz 35 55, jazz 36 58, jazz 37 60, jazz 38 62, jazz 39 65, "
    "jazz 40 67, jazz 42 68, jazz 43 69, jazz 44 70, jazz 45 71, jazz 46 72, reggae 73 74"
)


class DataError(Exception):
    """A data folder lacks what was looked for; says what was expected where."""


@dataclass(frozen=True)
class Collection:
    """Tracks with spectrograms and labels.

    Attributes:
        targets: [N] indices into labels.
        groups: [N]; tracks of one group (an artist, a recording) stay in one part of a split.
        reserved: Tracks that protocol N keeps for itself, and others by the same artists.
        tag_names, tags: [L] and [N, L] of 0 and 1.
        subsets: [N] of "train", "valid" or "test" in a collection with its own split, else empty.
        artists: [N] where known apart from groups, "" for a track whose artist is not; else empty.
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
    artists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        sizes = {len(self.names), len(self.targets), len(self.groups), len(self.features)}
        sizes |= set() if self.tags is None else {len(self.tags)}
        sizes |= {len(self.subsets)} if self.subsets else set()
        if len(sizes) != 1:
            raise ValueError(f"{self.name}: names, targets, features, … differ in length: {sizes}")

    @property
    def candidates(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Which classes a track may be of, [N, K]: here the one of its target."""
        one_hot: np.ndarray[Any, np.dtype[np.float32]]
        one_hot = np.eye(len(self.labels), dtype=np.float32)[self.targets]
        return one_hot

    @property
    def artist_groups(self) -> tuple[str, ...]:
        """The artist of each track, or its group where the artist is unknown, [N]."""
        pairs = zip(self.artists or self.groups, self.groups, strict=True)
        return tuple(artist or group for artist, group in pairs)

    @property
    def digest(self) -> str:
        """Twelve hex digits over all that a run depends on: runs on other data are other runs."""
        tracks = [self.names, self.targets.tolist(), self.groups, self.features.offsets]
        tags = [] if self.tags is None else [self.tag_names, self.tags]
        subsets = [self.subsets] if self.subsets else []
        return digest(tracks, *tags, *subsets, *self.features.arrays())


def data_folder(data: Path, name: str) -> Path:
    """Where a collection lies: data/name, or data itself."""
    return data / name if (data / name).is_dir() else data


def load(
    task: str,
    data: Path,
    cache: Path,
    front_end: FrontEnd | None = None,
    skip_broken: bool = False,
) -> Collection:
    """The collection behind a task: "genre", "mood", "quadrant", or "new-songs" (protocol N).

    front_end: default: of mels_1024.npz where one of the collections has it, else GTZAN_FRONT_END.
    skip_broken: leave out tracks whose audio is missing or can't be decoded.
    Raises DataError where the folder lacks what the task needs.
    """
    if task == "genre":
        return gtzan(data, front_end, cache, skip_broken)
    target = "genre" if task == "new-songs" else task
    return moods(data, front_end, cache, target, skip_broken)


def gtzan(
    data: Path, front_end: FrontEnd | None, cache: Path, skip_broken: bool = False
) -> Collection:
    """GTZAN, 10 genres × 100 tracks of 30 s (Tzanetakis & Cook 2002, IEEE TSAP 10(5)).

    From mels_1024.npz or mels.npz where they serve the front end, else from the original audio,
    <genre>/<genre>.00000.wav at any depth; all must be readable (jazz.00054 is not in some copies).
    """
    folder = data_folder(data, "gtzan")
    front_end = front_end or _default_front_end(data)
    mels = _mels_1024(folder, "name", 128, front_end)
    if not mels and (folder / "mels.npz").exists() and front_end == GTZAN_FRONT_END:
        mels = _mels_1709(folder / "mels.npz")
    if mels:
        names, features = tuple(mels), FeatureStore.from_mels(mels.values())
    else:
        files = [f for f in songs(folder) if f.parent.name in GENRES]
        if not files:
            raise DataError(
                f"No GTZAN in {data}: expected mels_1024.npz, or audio files such as "
                "blues/blues.00000.wav, there or in gtzan/."
            )
        features = from_audio(files, front_end, cache, skip_broken)
        decoded = np.flatnonzero(features.lengths)
        names, features = tuple(files[i].stem for i in decoded), features.select(decoded)
    genres = [name.split(".")[0] for name in names]
    if unknown := [name for name, own in zip(names, genres, strict=True) if own not in GENRES]:
        raise DataError(f"{folder}: {unknown[0]}: names such as blues.00000 are needed.")
    targets = np.array([GENRES.index(genre) for genre in genres])
    return Collection(
        "gtzan",
        GENRES,
        front_end,
        names,
        targets,
        gtzan_groups(names),
        features,
        artists=_gtzan_artists(folder, names),
    )


def _gtzan_artists(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Artists by gtzan/annotations.csv (Marchand & Peeters 2015); empty where it is not there."""
    if not (file := folder / "annotations.csv").exists():
        return ()
    table = read_table(file, dtype=str, keep_default_na=False)
    if "name" not in table or "artist" not in table:
        return ()  # moods4q's, in a folder of both
    known = dict(zip(table["name"], table["artist"], strict=True))
    return tuple(known.get(name, "") for name in names)


def lossless_clips(data: Path) -> list[Path]:
    """GTZAN's clips that lie there as lossless audio. DataError where there are none."""
    audio = data_folder(data, "gtzan") / "audio"
    files = [file for file in songs(audio) if file.suffix.lower() == ".flac"]
    if not files:
        raise DataError(f"Lossless clips are needed in {audio}/<genre>/*.flac; none are there.")
    return files


def gtzan_groups(names: Sequence[str]) -> tuple[str, ...]:
    """One group a recording: duplicates share the name of the first."""
    first: dict[str, str] = {}
    for entry in _DUPLICATES.split(", "):
        words = entry.split()
        if len(words) == 3:
            words.insert(2, words[0])
        original, duplicate = (f"{words[i]}.{int(words[i + 1]):05d}" for i in (0, 2))
        first[duplicate] = original
    return tuple(first.get(name, name) for name in names)


def moods(
    data: Path,
    front_end: FrontEnd | None,
    cache: Path,
    target: str = "mood",
    skip_broken: bool = False,
) -> Collection:
    """moods4q: clips by quadrant and mood (Panda, Malheiro & Paiva 2018, IEEE TAFFC 11(4)).

    target: "mood" (clips of one of the five), "quadrant" (all clips) or "genre" (clips whose only
    genre is one of GTZAN's: new songs for the genre network). Groups are artists.
    """
    column, labels = {
        "mood": ("mood", MOODS),
        "quadrant": ("quadrant", QUADRANTS),
        "genre": ("gtzan_genre", GENRES),
    }[target]
    table, folder = annotations(data), data_folder(data, "moods4q")
    front_end = front_end or _default_front_end(data)
    mels = _mels_1024(folder, "clip", 64, front_end)
    files = {} if mels else {f.stem: f for f in songs(folder / "audio")}
    there = table["clip"].isin([*mels, *files])
    missing = table["clip"][~there].tolist()
    if len(missing) == len(table) or (missing and not skip_broken):
        raise DataError(
            f"{folder / 'audio'} lacks {len(missing)} of {len(table)} annotated clips, the first: "
            f"{missing[0]}."
        )
    table = table[there]
    chosen = np.flatnonzero(table[column] != "")
    if mels:
        features = FeatureStore.from_mels(mels[clip] for clip in table["clip"].iloc[chosen])
    else:  # all clips in one cache, whichever labels are asked for
        features = from_audio(
            [files[clip] for clip in table["clip"]], front_end, cache, skip_broken
        )
        chosen = chosen[np.array(features.lengths)[chosen] > 0]
        features = features.select(chosen)
    tags = _tags(table).iloc[chosen]
    reserved = table.artist.isin(table.artist[table.gtzan_genre != ""])
    table = table.iloc[chosen]
    if unknown := sorted(set(table[column]) - set(labels)):
        raise DataError(
            f"{folder / 'annotations.csv'}: {column} is {unknown[0]!r}; one of "
            f"{', '.join(labels)}, or nothing, is needed."
        )
    return Collection(
        f"moods4q-{target}",
        labels,
        front_end,
        tuple(table["clip"]),
        np.array([labels.index(label) for label in table[column]]),
        tuple(table.artist),
        features,
        tuple(np.flatnonzero(reserved.iloc[chosen]).tolist()),
        tuple(tags.columns),
        tags.to_numpy(dtype=np.float32, copy=True),  # writable, as torch.from_numpy wants it
    )


def annotations(data: Path) -> pd.DataFrame:
    """moods4q's annotations.csv, a row a clip; unknown is "". DataError where there is none."""
    file = data_folder(data, "moods4q") / "annotations.csv"
    if not file.exists():
        raise DataError(
            f"No moods4q in {data}: expected annotations.csv, and mels_1024.npz or "
            "audio/<clip>.opus, there or in moods4q/."
        )
    table = read_table(file, dtype=str, keep_default_na=False)
    columns = ("clip", "artist", "quadrant", "mood", "mood_tags", "genres", "gtzan_genre")
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{file} lacks the columns {', '.join(missing)}.")
    return table


def read_table(file: Path, **options: Any) -> pd.DataFrame:
    """A CSV file, by pandas. DataError where it is none."""
    try:
        return pd.read_csv(file, **options)
    except ValueError as error:  # pandas's own errors are ValueErrors
        raise DataError(f"{file} is not a table in CSV (UTF-8): {error}") from error


def _tags(table: pd.DataFrame) -> pd.DataFrame:
    """Genres and mood words of at least _TAGGED_CLIPS clips, sorted: 0 or 1, [N, L]."""
    words = (table.genres + ";" + table.mood_tags).str.replace(r"\s*;\s*", ";", regex=True)
    tags = words.str.strip().str.get_dummies(";").drop(columns="", errors="ignore")
    return tags.loc[:, tags.sum() >= _TAGGED_CLIPS]


def _default_front_end(data: Path) -> FrontEnd:
    folders = [data_folder(data, name) for name in ("gtzan", "moods4q")]
    published = any((folder / "mels_1024.npz").exists() for folder in folders)
    return HOP_1024 if published else GTZAN_FRONT_END


def _mels_1024(folder: Path, ids: str, levels: int, front_end: FrontEnd) -> dict[str, Array]:
    """Spectrograms [M, F] by name from mels_1024.npz; none where it can't serve the front end.

    A front end that differs in a longer hop alone, as GTZAN_FRONT_END does, gets the nearest
    columns. ids: key of the tracks' names. levels: of X, between −80 and 0 dB.
    """
    hop = front_end.hop_length / HOP_1024.hop_length
    file = folder / "mels_1024.npz"
    if hop < 1 or replace(front_end, hop_length=1024) != HOP_1024 or not file.exists():
        return {}
    mels = {}
    with published_arrays(file, ids, "X", "n_frames or n_samples") as archive:
        names, values = archive[ids], archive["X"]
        counts = archive["n_frames"] if "n_frames" in archive else 1 + archive["n_samples"] // 1024
        counts = np.minimum(counts, values.shape[2])
        for name, steps, count in zip(names, values, counts, strict=True):
            columns = np.round(np.arange(0, count - 0.5, hop)).astype(int)
            mels[str(name)] = _decibels(steps[:, columns], 80.0, levels)
    return mels


def _mels_1709(file: Path) -> dict[str, Array]:
    """Spectrograms by name from mels.npz, GTZAN on the grid of GTZAN_FRONT_END."""
    with published_arrays(file, "name", "X", "range_db") as archive:
        tracks = zip(archive["name"], archive["X"], archive["range_db"], strict=True)
        return {str(name): _decibels(steps, float(width), 256) for name, steps, width in tracks}


@contextmanager
def published_arrays(file: Path, *arrays: str) -> Iterator[Any]:
    """A published .npz file while its arrays are read. DataError where it is damaged or another."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            yield archive
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(
            f"{file} is damaged or not the published file, which has the arrays "
            f"{', '.join(arrays)}. Download it again."
        ) from error


def _decibels(steps: Array, width: float, levels: int) -> Array:
    """Undo the quantisation; steps next to the floor are the floor: silence is as served."""
    decibels = (steps.astype(np.float32) + 0.5) / levels * width - width
    floor = -GTZAN_FRONT_END.top_db
    return np.where(decibels < floor + max(0.5, width / levels), floor, decibels).astype(DTYPE)
