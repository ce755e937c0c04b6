"""Segments for the network: random crops to train on, all segments in order to validate on."""

import math
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from crnn.audio.silence import audible_mask, runs
from crnn.model.segments import cut_segments, plan_segments
from training.data.collection import Collection
from training.data.partial_labels import PartiallyLabelled
from training.data.splits import Indices, Split
from training.data.teacher import TeacherOutputs
from training.distributed import ProcessGroup

TrainingItem = tuple[Tensor, Tensor, Tensor, Tensor]
ValidationItem = tuple[Tensor, Tensor, Tensor]


class RandomCrops(Dataset[TrainingItem]):
    """Random crops [1, M, W] with candidates [K], tags [L] and the teacher's outputs [D].

    Of each track as many as fit; tags and outputs are empty where there are none.

    An item is (epoch, index): where a crop starts depends on seed, epoch and index alone, so that a
    resumed run reads what it would have read. No crop reaches into silence.

    Args:
        tracks: indices in the collection.
        width: frames of a crop, W.
        fraction: fraction of the crops that fit, to be read in an epoch.
        teacher: its outputs on the collection's tracks.
    """

    def __init__(
        self,
        collection: Collection | PartiallyLabelled,
        tracks: Indices,
        width: int,
        seed: int,
        fraction: float = 1.0,
        teacher: TeacherOutputs | None = None,
    ) -> None:
        self.collection, self.width, self.seed = collection, width, seed
        self.teacher = teacher
        self.candidates = torch.from_numpy(collection.candidates)
        # Of each track, where crops may lie, and how many places there are in the runs before each.
        self.runs: dict[int, tuple[list[tuple[int, int]], list[int]]] = {}
        fitting = []
        for track in tracks:
            audible = audible_mask(collection.features.mel(int(track)), collection.front_end)
            long = [(first, end) for first, end in runs(audible) if end - first >= width]
            chosen = long or runs(audible)
            counts = [max(0, end - first - width) + 1 for first, end in chosen]
            self.runs[int(track)] = chosen, list(accumulate(counts, initial=0))
            fitting.append(audible.sum() / width)
        self.tracks = np.repeat(tracks, [math.ceil(fraction * count) for count in fitting])

    def __len__(self) -> int:
        return len(self.tracks)

    def __getitem__(self, item: tuple[int, int]) -> TrainingItem:
        epoch, index = item
        track = int(self.tracks[index])
        first, width = self._place(epoch, index, track)
        tags, outputs = self.collection.tags, torch.empty(0)
        known = torch.from_numpy(tags[track]) if tags is not None else torch.empty(0)
        if self.teacher is not None:
            hop = self.collection.front_end.hop_seconds
            outputs = self.teacher.of_crop(track, first * hop, width * hop)
        return self._crop(track, first, width), self.candidates[track], known, outputs

    def _place(self, epoch: int, index: int, track: int) -> tuple[int, int]:
        """A crop's first frame, and how many frames it has of the track's."""
        chosen, before = self.runs[track]
        place = int(np.random.default_rng((self.seed, epoch, index)).integers(before[-1]))
        run = bisect_right(before, place) - 1
        first, end = chosen[run]
        return first + place - before[run], min(self.width, end - first)

    def _crop(self, track: int, first: int, width: int) -> Tensor:
        crop = self.collection.features.mel(track, first, width)
        if crop.shape[1] == self.width:
            return crop.unsqueeze(0)
        return cut_segments(crop, plan_segments(crop.shape[1], self.width))[0]


class JoinedCrops(Dataset[TrainingItem]):
    """Crops of one collection, followed by those of another."""

    def __init__(self, first: RandomCrops, second: RandomCrops) -> None:
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, item: tuple[int, int]) -> TrainingItem:
        epoch, index = item
        beyond = index - len(self.first)
        return self.first[item] if beyond < 0 else self.second[epoch, beyond]


class EpochSampler(Sampler[tuple[int, int]]):
    """Items (epoch, index), shuffled each epoch; Lightning calls set_epoch, also after a restart.

    Of `world` processes each takes every world-th item, all equally many: the batches of one step,
    joined, are the batch of a single process.
    """

    def __init__(self, size: int, seed: int, group: ProcessGroup | None = None) -> None:
        self.size, self.seed, self.epoch = size, seed, 0
        self.group = group or ProcessGroup()

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.group.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.size)
        rank, world = self.group.rank, self.group.world
        for index in order[: len(self) * world][rank::world]:
            yield self.epoch, int(index)


class TrackSegments(Dataset[ValidationItem]):
    """Whole tracks: segments [S, 1, M, W], target, and the index of the track in the collection."""

    def __init__(self, collection: Collection, tracks: Indices, width: int) -> None:
        self.collection, self.tracks, self.width = collection, tracks, width

    def __len__(self) -> int:
        return len(self.tracks)

    def __getitem__(self, index: int) -> ValidationItem:
        track = int(self.tracks[index])
        mel = self.collection.features.mel(track)
        target = torch.tensor(int(self.collection.targets[track]))
        audible = audible_mask(mel, self.collection.front_end)
        segments = plan_segments(mel.shape[1], self.width, audible=audible)
        return cut_segments(mel, segments), target, torch.tensor(track)


class SegmentDataModule(pl.LightningDataModule):
    """A collection, a split and a segment width, as Lightning asks for them.

    Args:
        width: frames of a segment.
        batch_size: of all processes together.
        auxiliary: partially labelled clips.
        fraction: fraction of their crops that an epoch adds.
        workers: data-loading processes; crops do not depend on them.
        teacher: its outputs on the collection's tracks.
    """

    def __init__(
        self,
        collection: Collection,
        split: Split,
        width: int,
        batch_size: int,
        seed: int,
        auxiliary: PartiallyLabelled | None = None,
        fraction: float = 1.0,
        group: ProcessGroup | None = None,
        workers: int = 0,
        teacher: TeacherOutputs | None = None,
    ) -> None:
        super().__init__()
        self.collection, self.split, self.width, self.seed = collection, split, width, seed
        self.batch_size, self.group = batch_size, group or ProcessGroup()
        self.crops: RandomCrops | JoinedCrops = RandomCrops(
            collection, split.train, width, seed, teacher=teacher
        )
        if auxiliary is not None:
            tracks = np.arange(len(auxiliary.features))
            others = RandomCrops(auxiliary, tracks, width, seed, fraction)
            self.crops = JoinedCrops(self.crops, others)
        self.reading: dict[str, Any] = {
            "num_workers": workers,
            "pin_memory": self.group.on_gpu,  # memory that a GPU copies by itself
            "persistent_workers": workers > 0,
        }

    def train_dataloader(self) -> "DataLoader[Any]":
        return DataLoader(
            self.crops,
            self.group.per_process(self.batch_size),
            sampler=EpochSampler(len(self.crops), self.seed, self.group),
            drop_last=len(self.crops) > self.batch_size,
            # Its own, since each pass over a loader takes one number, which would shift dropout's.
            generator=torch.Generator().manual_seed(self.seed),
            **self.reading,
        )

    def val_dataloader(self) -> "DataLoader[Any] | list[Any]":
        if len(self.split.valid) == 0:
            return []
        # Every world-th track; the first ones repeat where a process would be one short, since all
        # take as many steps.
        rank, world = self.group.rank, self.group.world
        own = np.resize(self.split.valid, -(-len(self.split.valid) // world) * world)[rank::world]
        segments = TrackSegments(self.collection, own, self.width)
        return DataLoader(segments, batch_size=None, **self.reading)
