"""Segments for the network: random crops to train on, every segment in order to validate and test on."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from crnn.model.segments import Segments, cut, plan
from training.data.collection import Collection
from training.data.partial_labels import PartiallyLabelled
from training.data.splits import Indices, Split
from training.distributed import ProcessGroup

Item = tuple[Tensor, Tensor, Tensor]


class RandomCrops(Dataset[Item]):
    """Random crops [1, M, W] of some tracks with candidates [K] and tags [L]: as many of each track as segments fit in it, or a
    share of that.

    Item (epoch, index): where a crop starts depends on seed, epoch and index alone, so that a resumed run sees what it
    would have seen.
    """

    def __init__(
        self,
        collection: Collection | PartiallyLabelled,
        tracks: Indices,
        width: int,
        seed: int,
        stretch: float = 0.0,
        share: float = 1.0,
    ) -> None:
        self.collection, self.width, self.seed, self.stretch = collection, width, seed, stretch
        self.candidates = torch.from_numpy(collection.candidates)
        counts = [math.ceil(share * collection.features.count(int(t)) / width) for t in tracks]
        self.tracks = np.repeat(tracks, counts)

    def __len__(self) -> int:
        return len(self.tracks)

    def __getitem__(self, item: tuple[int, int]) -> Item:
        epoch, index = item
        track = int(self.tracks[index])
        tags = self.collection.tags
        known = torch.from_numpy(tags[track]) if tags is not None else torch.empty(0)
        return self._crop(epoch, index, track), self.candidates[track], known

    def _crop(self, epoch: int, index: int, track: int) -> Tensor:
        space = self.collection.features.count(track) - self.width
        if space <= 0:
            mel = self.collection.features.mel(track)
            return cut(mel, plan(mel.shape[1], self.width))[0]
        rng = np.random.default_rng((self.seed, epoch, index))
        if not self.stretch:
            mel = self.collection.features.mel(track, int(rng.integers(space + 1)), self.width)
            return mel.unsqueeze(0)
        # As many times longer as shorter, and never longer than the track.
        rate = float(np.exp(rng.uniform(-1, 1) * np.log1p(self.stretch)))
        taken = min(max(2, round(self.width * rate)), space + self.width)
        first = int(rng.integers(space + self.width - taken + 1))
        mel = self.collection.features.mel(track, first, taken)
        return functional.interpolate(
            mel.unsqueeze(0), size=self.width, mode="linear", align_corners=True
        )


class Joined(Dataset[Item]):
    """Crops of one collection, and after them those of another."""

    def __init__(self, first: RandomCrops, second: RandomCrops) -> None:
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, item: tuple[int, int]) -> Item:
        epoch, index = item
        if index < len(self.first):
            return self.first[epoch, index]
        return self.second[epoch, index - len(self.first)]


class EpochSampler(Sampler[tuple[int, int]]):
    """Items (epoch, index) in an order of the epoch's own; Lightning calls set_epoch, after a restart too.

    Of `world` processes each takes every world-th item, all equally many: the batches of one step, joined, are the batch
    that a single process would have had.
    """

    def __init__(self, size: int, seed: int, launch: ProcessGroup | None = None) -> None:
        self.size, self.seed, self.epoch = size, seed, 0
        self.launch = launch or ProcessGroup()

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.launch.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        rank, world = self.launch.rank, self.launch.world
        for index in order[: len(self) * world][rank::world]:
            yield self.epoch, int(index)


class TrackSegments(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Whole tracks: segments [S, 1, M, W], target, and the index of the track in the collection."""

    def __init__(
        self, collection: Collection, tracks: Indices, width: int, hop: int | None = None
    ) -> None:
        self.collection, self.tracks, self.width, self.hop = collection, tracks, width, hop

    def __len__(self) -> int:
        return len(self.tracks)

    def plan(self, track: int) -> Segments:
        """The segments of one track of the collection."""
        return plan(self.collection.features.count(track), self.width, self.hop)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        track = int(self.tracks[index])
        segments = cut(self.collection.features.mel(track), self.plan(track))
        return segments, torch.tensor(int(self.collection.targets[track])), torch.tensor(track)


class SegmentDataModule(pl.LightningDataModule):
    """A collection, a split and a segment width, as Lightning asks for them.

    batch_size: of all processes together. workers: processes that read crops ahead; which crops they read does not depend
    on them.
    """

    def __init__(
        self,
        collection: Collection,
        split: Split,
        width: int,
        batch_size: int,
        seed: int,
        stretch: float = 0.0,
        beside: PartiallyLabelled | None = None,
        share: float = 1.0,
        launch: ProcessGroup | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__()
        self.beside, self.share = beside, share
        self.collection, self.split, self.width, self.batch_size, self.seed = (
            collection,
            split,
            width,
            batch_size,
            seed,
        )
        self.stretch, self.launch = stretch, launch or ProcessGroup()
        # Pages that a GPU can fetch by itself.
        self.reading: dict[str, Any] = {
            "num_workers": workers,
            "pin_memory": self.launch.on_gpu,
            "persistent_workers": workers > 0,
        }

    def crops(self) -> RandomCrops | Joined:
        """What an epoch reads: the split's training part, and the share of what is beside it."""
        own = RandomCrops(self.collection, self.split.train, self.width, self.seed, self.stretch)
        if self.beside is None:
            return own
        others = np.arange(len(self.beside.features))
        return Joined(
            own, RandomCrops(self.beside, others, self.width, self.seed, self.stretch, self.share)
        )

    def train_dataloader(self) -> "DataLoader[Any]":
        crops = self.crops()
        order = EpochSampler(len(crops), self.seed, self.launch)
        # A generator of its own, since each pass over a loader draws one number, which would shift dropout's.
        own = torch.Generator().manual_seed(self.seed)
        drop_last = len(crops) > self.batch_size
        share = self.launch.share(self.batch_size)
        return DataLoader(
            crops, share, sampler=order, drop_last=drop_last, generator=own, **self.reading
        )

    def val_dataloader(self) -> "DataLoader[Any] | list[Any]":
        if len(self.split.valid) == 0:
            return []
        # Every world-th track; the first ones come again where that leaves a process one short: all take as many steps.
        rank, world = self.launch.rank, self.launch.world
        mine = np.resize(self.split.valid, -(-len(self.split.valid) // world) * world)[rank::world]
        return DataLoader(
            TrackSegments(self.collection, mine, self.width), batch_size=None, **self.reading
        )
