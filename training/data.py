"""Segments for the network: random crops to train on, every segment in order to validate and test on."""

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from crnn.segments import Segments, cut, plan
from training.collections import Collection
from training.splits import Indices, Split


class Crops(Dataset[tuple[Tensor, int]]):
    """Random crops [1, M, W] of some tracks, for one epoch: as many of each track as segments fit in it.

    Where a crop starts depends on seed, epoch and its number alone, so that a resumed run sees what it would have seen.
    """

    def __init__(self, collection: Collection, tracks: Indices, width: int, seed: int, epoch: int) -> None:
        self.collection, self.width, self.random_state = collection, width, (seed, epoch)
        counts = [math.ceil(collection.frames.count(int(t)) / width) for t in tracks]
        self.tracks = np.repeat(tracks, counts)

    def __len__(self) -> int:
        return len(self.tracks)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        track = int(self.tracks[index])
        space = self.collection.frames.count(track) - self.width
        if space <= 0:
            mel = self.collection.frames.mel(track)
            return cut(mel, plan(mel.shape[1], self.width))[0], int(self.collection.targets[track])
        first = int(np.random.default_rng((*self.random_state, index)).integers(space + 1))
        return self.collection.frames.mel(track, first, self.width).unsqueeze(0), int(self.collection.targets[track])


class TrackSegments(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Whole tracks: segments [S, 1, M, W], target, and the index of the track in the collection."""

    def __init__(self, collection: Collection, tracks: Indices, width: int, hop: int | None = None) -> None:
        self.collection, self.tracks, self.width, self.hop = collection, tracks, width, hop

    def __len__(self) -> int:
        return len(self.tracks)

    def plan(self, track: int) -> Segments:
        """The segments of one track of the collection."""
        return plan(self.collection.frames.count(track), self.width, self.hop)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        track = int(self.tracks[index])
        segments = cut(self.collection.frames.mel(track), self.plan(track))
        return segments, torch.tensor(int(self.collection.targets[track])), torch.tensor(track)


class SegmentData(pl.LightningDataModule):
    """A collection, a split and a segment width, as Lightning asks for them."""

    def __init__(self, collection: Collection, split: Split, width: int, batch_size: int, seed: int) -> None:
        super().__init__()
        self.collection, self.split, self.width, self.batch_size, self.seed = collection, split, width, batch_size, seed

    def train_dataloader(self) -> "DataLoader[Any]":
        # Rebuilt every epoch (reload_dataloaders_every_n_epochs=1), each with its own crops and order.
        epoch = self.trainer.current_epoch if self.trainer else 0
        crops = Crops(self.collection, self.split.train, self.width, self.seed, epoch)
        order = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
        return DataLoader(crops, self.batch_size, shuffle=True, generator=order, drop_last=len(crops) > self.batch_size)

    def val_dataloader(self) -> "DataLoader[Any] | list[Any]":
        if len(self.split.valid) == 0:
            return []
        return DataLoader(TrackSegments(self.collection, self.split.valid, self.width), batch_size=None)
