"""Partial labels: AllMusic genres of moods4q's clips, mapped to candidate sets of GTZAN classes.

"Pop/Rock" may be GTZAN's pop, rock, metal or disco, but not its jazz. A network learns from such a
clip by the total probability of its candidates (training.engine.module).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crnn.audio.front_end import FrontEnd
from crnn.labels import GENRES
from training.data.collection import annotations, moods
from training.data.feature_store import FeatureStore, digest

# AllMusic's genres, and what GTZAN may call such a clip. Others say nothing about GTZAN's ten.
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
    """Auxiliary tracks to train on: candidates [N, K] is 1 where a track may be of a class."""

    name: str
    front_end: FrontEnd
    features: FeatureStore
    candidates: np.ndarray[Any, np.dtype[np.float32]]
    tags: None = None

    @property
    def digest(self) -> str:
        """Twelve hex digits over features and candidates."""
        return digest(self.features.offsets, self.candidates, *self.features.arrays())


def auxiliary_clips(
    data: Path, cache: Path, front_end: FrontEnd | None = None, skip_broken: bool = False
) -> PartiallyLabelled:
    """moods4q's clips with a genre of CANDIDATES, without artists that protocol N tests on."""
    collection = moods(data, front_end, cache, "quadrant", skip_broken)
    chosen, rows = [], []
    of_clips = annotations(data).set_index("clip").genres
    for i, genres in enumerate(of_clips[list(collection.names)]):
        words = [word.strip() for word in genres.split(";")]
        candidates = {genre for word in words for genre in CANDIDATES.get(word, ())}
        if candidates and i not in collection.reserved:
            chosen.append(i)
            rows.append([genre in candidates for genre in GENRES])
    return PartiallyLabelled(
        "moods4q, partial genre labels",
        collection.front_end,
        collection.features.select(chosen),
        np.array(rows, dtype=np.float32).reshape(len(chosen), len(GENRES)),
    )
