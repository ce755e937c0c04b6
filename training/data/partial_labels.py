"""Clips whose genre is known in part: one of several of GTZAN's, by the words that another collection has for it.

moods4q's clips carry genres of AllMusic's kind. "Pop/Rock" may be what GTZAN calls pop, rock, metal or disco, and is surely not
what it calls jazz; a clip of "Blues" and "Country" is one of two. A network can learn from that (training.engine.module: the candidates'
probabilities are added up) without anyone having named the one.
"""

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crnn.labels import GENRES
from training.data.collection import moods
from training.data.feature_store import FeatureStore

# AllMusic's words, and what GTZAN may call such a clip. Others say nothing about GTZAN's ten.
CANDIDATES: dict[str, tuple[str, ...]] = {
    "Blues": ("blues",),
    "Classical": ("classical",),
    "Country": ("country",),
    "Electronic": ("disco", "hiphop", "pop"),
    "Folk": ("country",),
    "Jazz": ("jazz",),
    "Pop/Rock": ("disco", "metal", "pop", "rock"),
    "R&B": ("blues", "disco", "hiphop", "pop"),
    "Rap": ("hiphop",),
    "Reggae": ("reggae",),
}


@dataclass(frozen=True)
class PartiallyLabelled:
    """Tracks to train on beside a collection, never to test: candidates [N, K] is 1 where a track may be of a class."""

    name: str
    features: FeatureStore
    candidates: np.ndarray[Any, np.dtype[np.float32]]
    tags: None = None

    @property
    def digest(self) -> str:
        """Twelve hex digits over frames and candidates."""
        found = hashlib.sha256(
            json.dumps(self.features.offsets.tolist()).encode() + self.candidates.tobytes()
        )
        found.update(np.ascontiguousarray(self.features.values).tobytes())
        return found.hexdigest()[:12]


def auxiliary_clips(data: Path, cache: Path) -> PartiallyLabelled:
    """moods4q's clips with a word of CANDIDATES, but for those of artists that protocol N asks about."""
    collection = moods(data, None, cache, "quadrant")
    folder = data / "moods4q" if (data / "moods4q").is_dir() else data
    with (folder / "annotations.csv").open(newline="", encoding="utf-8") as lines:
        words = {row["clip"]: row["genres"].split(";") for row in csv.DictReader(lines)}
    reserved = set(collection.reserved)
    kept, rows = [], []
    for i, name in enumerate(collection.names):
        named = {genre for word in words[name] for genre in CANDIDATES.get(word.strip(), ())}
        if named and i not in reserved:
            kept.append(i)
            rows.append([genre in named for genre in GENRES])
    return PartiallyLabelled(
        "moods4q, genre known in part",
        FeatureStore.from_mels([collection.features.mel(i).numpy() for i in kept]),
        np.array(rows, dtype=np.float32).reshape(len(kept), len(GENRES)),
    )
