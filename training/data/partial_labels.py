"""Partial labels: clips of moods4q that may be of several classes.

For genre, AllMusic's genres are mapped to candidate sets of GTZAN's classes: "Pop/Rock" may be
pop, rock, metal or disco, but not jazz. For mood, clips of the third quadrant whose tags say
neither may be Dark or Sad. A network learns from such a clip by the total probability of its
candidates (training.engine.module).
"""

from collections.abc import Collection as Names
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crnn.audio.front_end import FrontEnd
from crnn.labels import GENRES, MOOD_QUADRANTS, MOODS
from training.data.collection import Collection, annotations, moods
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
    """Auxiliary tracks to train on: candidates [N, K] is 1 where a track may be of a class.

    groups: artists, where some may be tested on; tags [N, L]: as the collection trained on has
    them, or None.
    """

    name: str
    front_end: FrontEnd
    features: FeatureStore
    candidates: np.ndarray[Any, np.dtype[np.float32]]
    groups: tuple[str, ...] = ()
    tags: np.ndarray[Any, np.dtype[np.float32]] | None = None

    def without(self, groups: Names[str]) -> "PartiallyLabelled":
        """The tracks of other groups."""
        chosen = [i for i, group in enumerate(self.groups) if group not in groups]
        if len(chosen) == len(self.groups):
            return self
        return replace(
            self,
            features=self.features.select(chosen),
            candidates=self.candidates[chosen],
            groups=tuple(self.groups[i] for i in chosen),
            tags=None if self.tags is None else self.tags[chosen],
        )

    @property
    def digest(self) -> str:
        """Twelve hex digits over features, candidates and tags."""
        tags = [] if self.tags is None else [self.tags]
        return digest(self.features.offsets, self.candidates, *tags, *self.features.arrays())


def auxiliary_clips(
    data: Path,
    cache: Path,
    front_end: FrontEnd | None = None,
    skip_broken: bool = False,
    task: str = "genre",
) -> PartiallyLabelled:
    """moods4q's partially labelled clips for a task.

    Genre: those with a genre of CANDIDATES, without artists that protocol N tests on. Mood: those
    of Q3 without a mood.
    """
    collection = moods(data, front_end, cache, "quadrant", skip_broken)
    if task == "mood":
        return _moodless(collection, annotations(data).set_index("clip").mood)
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


def _moodless(collection: Collection, moods_of: "pd.Series[str]") -> PartiallyLabelled:
    """Clips without a mood, which are all of Q3."""
    chosen = np.flatnonzero(moods_of[list(collection.names)].to_numpy() == "")
    quadrant = MOOD_QUADRANTS["Dark"]
    row = [MOOD_QUADRANTS[mood] == quadrant for mood in MOODS]
    return PartiallyLabelled(
        "moods4q, clips of Q3 that are Dark or Sad",
        collection.front_end,
        collection.features.select(chosen.tolist()),
        np.tile(np.array(row, dtype=np.float32), (len(chosen), 1)),
        tuple(collection.groups[i] for i in chosen),
        None if collection.tags is None else collection.tags[chosen],
    )
