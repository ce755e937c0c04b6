"""Hand-crafted features of whole collections, one row a track.

GTZAN's are the published features_30_sec.csv, since most of its audio is not available; it lacks
spectral flux. moods4q's are computed from audio. `agreement` compares the two ways.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.names import songs
from crnn.baseline import features
from crnn.baseline.svm import Array
from crnn.errors import AudioError
from crnn.labels import GENRES
from training.data.collection import (
    Collection,
    DataError,
    data_folder,
    gtzan_groups,
    load,
    read_table,
)
from training.data.feature_store import FeatureStore, read_array, write

TABLE = "features_30_sec.csv"
# Columns of the published table that we compute as well.
SHARED = tuple(name for name in features.NAMES if not name.startswith("spectral_flux"))
# Largest relative difference between the published table and ours, on the same clip.
AGREEMENT = 0.01


@dataclass(frozen=True)
class FeatureTable:
    """Features of a collection's tracks: values [N, D], columns [D]; task as `load` names it."""

    task: str
    collection: Collection
    columns: tuple[str, ...]
    values: Array


def gtzan_table(data: Path) -> FeatureTable:
    """GTZAN's published features; needs no audio. Raises DataError where the table is missing."""
    table = _published(data).sort_index()
    values = (
        table[list(SHARED)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64, copy=True)
    )
    if not (finite := np.isfinite(values).all(axis=1)).all():
        raise DataError(f"{TABLE}: {table.index[~finite][0]} has a value that is not a number.")
    names = tuple(table.index)
    targets = np.array([GENRES.index(name.split(".")[0]) for name in names])
    without_mels = FeatureStore.from_mels(np.zeros((len(names), 1, 0)))
    collection = Collection(
        "gtzan", GENRES, GTZAN_FRONT_END, names, targets, gtzan_groups(names), without_mels
    )
    return FeatureTable("genre", collection, SHARED, values)


def _published(data: Path) -> pd.DataFrame:
    """The published table by track name ("blues.00000")."""
    file = data_folder(data, "gtzan") / TABLE
    if not file.exists():
        raise DataError(
            f"No {TABLE} in {data}: expected there or in gtzan/, as published with GTZAN's audio."
        )
    table = read_table(file)
    missing = [f"column {name}" for name in ("filename", "length", *SHARED) if name not in table]
    if not missing:
        table.index = pd.Index(table["filename"].astype(str).str.removesuffix(".wav"))
        genres = table.index.str.split(".").str[0]
        missing = [f"a genre for {name}" for name in table.index[~genres.isin(GENRES)]]
    if missing:
        raise DataError(
            f"{file} lacks {missing[0]}; the published table has 1000 rows and {len(SHARED)} of "
            "our columns."
        )
    return table


def agreement(data: Path) -> dict[str, Any]:
    """Largest relative difference of each column between our features and the published ones.

    Compared on every clip that is available as audio in full. Raises DataError beyond 1 %.
    """
    table = _published(data)
    clips, unreadable = [], []
    largest = pd.Series(0.0, SHARED)
    for file in songs(data_folder(data, "gtzan")):
        if file.stem not in table.index:
            continue
        try:
            samples = decode(file).samples
        except AudioError:
            unreadable.append(file.stem)  # such as jazz.00054 in some copies
            continue
        row = table.loc[file.stem]
        if len(samples) != int(row["length"]):
            continue
        clips.append(file.stem)
        ours, theirs = pd.Series(features.extract(samples))[list(SHARED)], row[list(SHARED)]
        difference = ((ours - theirs).abs() / theirs.abs().clip(lower=1e-12)).astype(float)
        if difference.max() > AGREEMENT:
            column = difference.idxmax()
            raise DataError(
                f"{column} of {file.stem} is {ours[column]:.6g} from its audio, {theirs[column]} "
                f"in {TABLE}: more than {AGREEMENT:.0%} apart. An SVM trained on that table would "
                "see other features at inference; use the published one."
            )
        largest = np.maximum(largest, difference)
    return {
        "clips": clips,
        "unreadable": unreadable,
        "largest_relative_difference": largest.to_dict(),
    }


def moods_table(data: Path, runs: Path, task: str, columns: tuple[str, ...]) -> FeatureTable:
    """moods4q's features from its audio; task: "mood", "quadrant" or "new-songs"."""
    collection = load(task, data, runs / "frames")
    files = songs(data_folder(data, "moods4q") / "audio")
    by_clip = _extract(files, runs / "features")
    chosen = [features.NAMES.index(column) for column in columns]
    values = np.array([by_clip[name][chosen] for name in collection.names])
    return FeatureTable(task, collection, columns, values)


def _extract(files: Sequence[Path], cache: Path) -> dict[str, Array]:
    """All features of every file by its stem; cached until a file or the extractor changes."""
    code = sha256(Path(features.__file__).read_bytes()).hexdigest()
    identity = [code, [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    stored = cache / f"features-{sha256(json.dumps(identity).encode()).hexdigest()[:16]}.npy"
    values = read_array(stored)
    if values is None:
        rows = []
        for file in tqdm(files, desc="features", unit="track", disable=None):
            try:
                rows.append(list(features.extract(decode(file).samples).values()))
            except AudioError as error:
                raise AudioError(
                    f"{file}: {error} Remove it from the collection and start again."
                ) from error
        cache.mkdir(parents=True, exist_ok=True)
        content, values = BytesIO(), np.array(rows)
        np.save(content, values)
        write(stored, content.getvalue())
    return dict(zip((f.stem for f in files), values, strict=True))
