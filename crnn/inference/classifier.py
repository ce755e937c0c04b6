"""Checkpoint + log-mel spectrogram → Prediction."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.silence import Mask, audible_mask, runs
from crnn.errors import CheckpointError
from crnn.inference import onnx
from crnn.inference.prediction import Array, Prediction
from crnn.model.checkpoint import Checkpoint
from crnn.model.hub import Progress
from crnn.model.network import CRNN
from crnn.model.segments import Segments, cut_segments, plan_segments, pool_segments

# Segments per batch: of the convolutions, where larger batches are no faster on a CPU, and of the
# GRUs, where a step takes little longer for many segments.
_BATCH_SIZE, _RECURRENT_BATCH_SIZE = 8, 64

# Values in the largest feature map of a batch, 16 MB as float32; networks with larger maps get
# smaller batches. The bundled genre network takes 8 segments (10 MB), the mood network 7 (15 MB).
_BATCH_VALUES = 4_000_000

# Segments that cover each frame; the hop is the segment length divided by it. With segments of 3 s,
# 3 instead of 1 raised track accuracy on validation data from 0.584 to 0.599 (genre, protocol F)
# and from 0.623 to 0.631 (mood quadrants). Networks with segments of 6 s, such as the bundled ones,
# were evaluated with 2. Between the two lengths nothing was measured; the limit lies there.
_COVERAGE, _COVERAGE_LONG, _LONG_SECONDS = 3, 2, 5.0


class Classifier:
    """A checkpoint ready to predict; safe to share between threads.

    Attributes:
        checkpoint, network: the network is in evaluation mode.
        batch_size: segments that the convolutions take at once.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.network = checkpoint.model.eval()
        self._onnx = onnx.load(checkpoint)
        self._lock = threading.Lock()
        self.batch_size = max(1, min(_BATCH_SIZE, _BATCH_VALUES // self.network.config.largest_map))

    @property
    def front_end(self) -> FrontEnd:
        """Settings of the log-mel spectrograms that the network expects."""
        return self.checkpoint.front_end

    def plan(
        self, n_frames: int, hop_seconds: float | None = None, audible: Mask | None = None
    ) -> Segments:
        """Segments of a track of n_frames frames.

        Args:
            hop_seconds: time between segment starts; one longer than a segment is taken as its
                length, so that every frame is covered. Default: a third of the segment length, or
                half of it for segments of 5 s or more.
            audible: mask of the frames to cover, [F]; default: all.
        """
        width = self.network.config.frames
        is_long = self.checkpoint.segment_seconds >= _LONG_SECONDS
        coverage = _COVERAGE_LONG if is_long else _COVERAGE
        hop = (
            max(1, width // coverage) if hop_seconds is None else self.front_end.frames(hop_seconds)
        )
        return plan_segments(n_frames, width, min(width, hop), audible)

    @contextmanager
    def exclusive(self) -> Iterator[CRNN]:
        """The network, locked, so that forward hooks see no other thread's segments.

        Use only the network inside: the classifier's own methods wait for the same lock, forever.
        """
        with self._lock:
            yield self.network

    def logits(self, mel: Tensor, segments: Segments, progress: Progress | None = None) -> Tensor:
        """Logits of each segment, before temperature scaling. Shape: mel [M, F] dB -> [S, K].

        Computed by PyTorch, also where `predict` uses ONNX Runtime.
        """
        maps = self._forward_batches(self.network.convolve, mel, segments, progress)
        return self._run_grus(maps, self.network.linear)

    def embedding(self, mel: Tensor) -> Array:
        """Embedding of a track: the linear layer's input, averaged over segments one length apart.

        Silence is left out; a segment that overlaps its predecessor counts only for its new frames.
        Shape: mel [M, F] dB -> [H].
        """
        audible = audible_mask(mel, self.front_end)
        segments = plan_segments(mel.shape[1], self.network.config.frames, audible=audible)
        maps = self._forward_batches(self.network.convolve, mel, segments)
        return pool_segments(self._run_grus(maps).double().numpy(), segments)

    def predict(
        self,
        mel: Tensor,
        hop_seconds: float | None = None,
        progress: Progress | None = None,
        audible: Mask | None = None,
    ) -> Prediction:
        """Predict the classes of each segment and of the track.

        Args:
            mel: [M, F] in dB, computed with this checkpoint's front end.
            hop_seconds: time between segment starts; default: see `plan`.
            progress: called with the fraction done.
            audible: mask of the frames that count, [F]; default: all but silence
                (crnn.audio.silence).

        Raises:
            CheckpointError: the network's outputs are NaN or infinite.
        """
        audible = audible_mask(mel, self.front_end) if audible is None else audible
        segments, hop = self.plan(mel.shape[1], hop_seconds, audible), self.front_end.hop_seconds
        if self._onnx is not None:
            outputs = self._forward_batches(self._onnx, mel, segments, progress)
            probabilities = outputs.double().numpy()
        else:
            logits = self.logits(mel, segments, progress).double()
            probabilities = self.checkpoint.scaled(logits).softmax(dim=-1).numpy()
        return Prediction(
            task=self.checkpoint.task,
            labels=self.checkpoint.labels,
            probabilities=probabilities,
            starts=np.asarray(segments.starts) * hop,
            segment_seconds=self.checkpoint.segment_seconds,
            overall=pool_segments(probabilities, segments),
            repeated=segments.repeated,
            seconds=mel.shape[1] * hop,
            silent=tuple((first * hop, end * hop) for first, end in runs(~audible)),
        )

    @torch.inference_mode()
    def _forward_batches(
        self,
        forward: Callable[[Tensor], Tensor],
        mel: Tensor,
        segments: Segments,
        progress: Progress | None = None,
    ) -> Tensor:
        """Apply `forward` to all segments, in batches. Shape: mel [M, F] -> [S, …]."""
        total, outputs = len(segments.starts), []
        for first in range(0, total, self.batch_size):
            last = min(first + self.batch_size, total)
            with self._lock:
                outputs.append(forward(cut_segments(mel, segments, first, last)))
            if progress is not None:
                progress(last / total)
        return self._finite(torch.cat(outputs))

    @torch.inference_mode()
    def _run_grus(self, maps: Tensor, head: torch.nn.Module | None = None) -> Tensor:
        """Run the GRUs, then another layer. Shape: last feature maps [S, C, 1, W'] -> [S, …]."""
        head = torch.nn.Identity() if head is None else head
        with self._lock:
            batches = torch.split(maps, _RECURRENT_BATCH_SIZE)
            outputs = [head(self.network.recur(batch)) for batch in batches]
        return self._finite(torch.cat(outputs))

    def _finite(self, result: Tensor) -> Tensor:
        """Return the result. Raises CheckpointError where it is not finite: weights overflowed."""
        if not bool(result.isfinite().all()):
            raise CheckpointError(
                f"The {self.checkpoint.task} network's outputs for this track are not numbers (NaN "
                "or infinite). Choose another checkpoint."
            )
        return result
