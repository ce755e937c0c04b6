"""Checkpoint + log-mel → Prediction: how the classes are distributed over each segment and over the track."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from crnn.inference.prediction import Array, Prediction
from crnn.model.checkpoint import Checkpoint
from crnn.model.hub import Progress
from crnn.model.network import CRNN
from crnn.model.segments import Segments, average, cut, plan

# Segments run through the network at once: more is not faster on a CPU, and 8 keep its feature maps near 15 MB.
_BATCH = 8

# Numbers in the largest feature map of such a batch. The bundled networks stay far below; larger ones take fewer segments at once.
_BATCH_NUMBERS = 4_000_000

# How often each moment is read, in segments that overlap. On validation three readings against one moved the right tracks
# from 0.584 to 0.599 (F) and from 0.623 to 0.631 (quadrants), and left them at 0.602 (moods).
_READINGS = 3


class Classifier:
    """A checkpoint ready to answer; safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.network = checkpoint.model.eval()
        self._lock = threading.Lock()
        self.batch_size = max(1, min(_BATCH, _BATCH_NUMBERS // self.network.config.largest_map))

    def plan(self, n_frames: int, hop_seconds: float | None = None) -> Segments:
        """The segments of a track of so many frames; hop_seconds: distance of their starts, default a third of a segment."""
        width = self.network.config.frames
        hop = (
            max(1, width // _READINGS)
            if hop_seconds is None
            else self.checkpoint.front_end.frames(hop_seconds)
        )
        return plan(n_frames, width, min(width, hop))

    @contextmanager
    def exclusive(self) -> Iterator[CRNN]:
        """The network while no other thread runs it: for forward hooks, which would see everyone's segments."""
        with self._lock:
            yield self.network

    @torch.inference_mode()
    def logits(self, mel: Tensor, segments: Segments, progress: Progress | None = None) -> Tensor:
        """Shape: mel [M, F] dB -> [S, K], before temperature."""
        total, parts = len(segments.starts), []
        batch_size = self.batch_size
        for first in range(0, total, batch_size):
            with self._lock:
                parts.append(self.network(cut(mel, segments, first, first + batch_size)))
            if progress is not None:
                progress(min(first + batch_size, total) / total)
        return torch.cat(parts)

    @torch.inference_mode()
    def embedding(self, mel: Tensor) -> Array:
        """What the network makes of a track before it names a class: mean over segments laid end to end.

        Shape: mel [M, F] dB -> [H].
        """
        segments = plan(mel.shape[1], self.network.config.frames)
        parts = []
        batch_size = self.batch_size
        for first in range(0, len(segments.starts), batch_size):
            with self._lock:
                parts.append(self.network.embed(cut(mel, segments, first, first + batch_size)))
        return average(torch.cat(parts).double().numpy(), segments)

    def predict(
        self, mel: Tensor, hop_seconds: float | None = None, progress: Progress | None = None
    ) -> Prediction:
        """Shape: mel [M, F] in dB, made by this checkpoint's front end."""
        segments = self.plan(mel.shape[1], hop_seconds)
        logits = self.logits(mel, segments, progress).double()
        probabilities = (logits / self.checkpoint.temperature).softmax(dim=-1).numpy()
        return Prediction(
            task=self.checkpoint.task,
            labels=self.checkpoint.labels,
            probabilities=probabilities,
            starts=np.asarray(segments.starts) * self.checkpoint.front_end.hop_seconds,
            segment_seconds=self.checkpoint.segment_seconds,
            overall=average(probabilities, segments),
            repeated=segments.repeated,
        )
