"""Hand-made features of whole collections, one row a track: GTZAN's as published, moods4q's from its audio.

GTZAN's features_30_sec.csv is taken as it is, since most of its audio is not at hand; `agreement` holds it against
crnn.baseline.features on the clips that are. It has no spectral flux.
"""

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from crnn.audio.decode import AUDIO_SUFFIXES, decode
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.baseline import features
from crnn.baseline.svm import Array
from crnn.errors import AudioError
from crnn.labels import GENRES
from training.data.collection import Collection, DataError, gtzan_groups, load
from training.data.feature_store import FeatureStore

TABLE = "features_30_sec.csv"
# What the published table and our extractor both have.
SHARED = tuple(name for name in features.NAMES if not name.startswith("spectral_flux"))
# Columns further apart than this on a clip that both have whole would be other features in serving than in training.
AGREEMENT = 0.01


@dataclass(frozen=True)
class FeatureTable:
    """Features of a collection's tracks: values [N, D] in crnn.baseline.features' units, columns [D].

    task: "genre", "mood", "quadrant" or "new-songs", as `collections.load` names them.
    """

    task: str
    collection: Collection
    columns: tuple[str, ...]
    values: Array


def gtzan_table(data: Path) -> FeatureTable:
    """The published features of GTZAN by track name; a row for every track, no audio needed. DataError if there is none."""
    rows = _published(data)
    names = tuple(sorted(rows))
    targets = np.array([GENRES.index(name.split(".")[0]) for name in names])
    values = np.array([[float(rows[name][column]) for column in SHARED] for name in names])
    if not np.isfinite(values).all():
        raise DataError(
            f"{TABLE}: {names[int(np.argmin(np.isfinite(values).all(axis=1)))]} has a value that is no number."
        )
    no_frames = FeatureStore.from_mels(
        np.zeros((len(names), 1, 0))
    )  # splits look at names and groups
    collection = Collection(
        "gtzan", GENRES, GTZAN_FRONT_END, names, targets, gtzan_groups(names), no_frames
    )
    return FeatureTable("genre", collection, SHARED, values)


def _gtzan_folder(data: Path) -> Path:
    return data / "gtzan" if (data / "gtzan").is_dir() else data


def _published(data: Path) -> dict[str, dict[str, str]]:
    """Rows of the table by track name ("blues.00000")."""
    file = _gtzan_folder(data) / TABLE
    if not file.exists():
        raise DataError(
            f"No {TABLE} in {data}: expected there or in gtzan/, as published with GTZAN's audio."
        )
    with file.open(newline="", encoding="utf-8") as lines:
        rows = {row["filename"].removesuffix(".wav"): row for row in csv.DictReader(lines)}
    missing = [name for name in ("length", *SHARED) if name not in next(iter(rows.values()), {})]
    strange = [name for name in rows if name.split(".")[0] not in GENRES]
    if missing or strange:
        what = f"column {missing[0]}" if missing else f"a genre for {strange[0]}"
        raise DataError(
            f"{file} lacks {what}; the published table has 1000 rows and {len(SHARED)} of our columns."
        )
    return rows


def agreement(data: Path) -> dict[str, Any]:
    """How far our extractor is from the published table, on every clip whose audio is at hand whole: by column the
    largest |ours − published| / |published|. DataError beyond 1 %."""
    rows = _published(data)
    clips, unreadable = [], []
    worst = dict.fromkeys(SHARED, 0.0)
    for file in sorted(
        f
        for f in _gtzan_folder(data).rglob("*")
        if f.suffix.lower() in AUDIO_SUFFIXES and f.stem in rows
    ):
        try:
            samples = decode(file).samples
        except AudioError:
            unreadable.append(file.stem)  # such as jazz.00054 in some copies
            continue
        row = rows[file.stem]
        if len(samples) != int(row["length"]):
            continue
        clips.append(file.stem)
        ours = features.extract(samples)
        for column in SHARED:
            apart = abs(ours[column] - float(row[column])) / max(abs(float(row[column])), 1e-12)
            worst[column] = max(worst[column], apart)
            if apart > AGREEMENT:
                raise DataError(
                    f"{column} of {file.stem} is {ours[column]:.6g} from its audio, {row[column]} in {TABLE}: more than "
                    f"{AGREEMENT:.0%} apart. An SVM trained on that table would be served other features; use the published one."
                )
    return {"clips": clips, "unreadable": unreadable, "largest_relative_difference": worst}


def moods_table(data: Path, runs: Path, task: str, columns: tuple[str, ...]) -> FeatureTable:
    """Features of moods4q from its audio; task: "mood", "quadrant" or "new-songs". The same clips and folds as the networks'."""
    collection = load(task, data, runs / "frames")
    folder = (data / "moods4q" if (data / "moods4q").is_dir() else data) / "audio"
    by_clip = _extracted(sorted(folder.iterdir()), runs / "features")
    chosen = [features.NAMES.index(column) for column in columns]
    return FeatureTable(
        task, collection, columns, np.array([by_clip[name][chosen] for name in collection.names])
    )


def _extracted(files: Sequence[Path], cache: Path) -> dict[str, Array]:
    """Features [D of NAMES] of every file by its stem, kept under `cache`; a changed file or extractor computes them afresh."""
    code = hashlib.sha256(Path(features.__file__).read_bytes()).hexdigest()
    identity = [code, [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    stored = (
        cache / f"features-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]}.npy"
    )
    if not stored.exists():
        rows = []
        for file in tqdm(files, desc="features", unit="track"):
            try:
                rows.append(list(features.extract(decode(file).samples).values()))
            except AudioError as error:
                raise AudioError(
                    f"{file}: {error} Remove it from the collection and start again."
                ) from error
        cache.mkdir(parents=True, exist_ok=True)
        np.save(stored, np.array(rows))
    return dict(zip((f.stem for f in files), np.load(stored), strict=True))
