"""Log-mel frames of many tracks in one memory-mapped array: computed once, read by every run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from training.data.feature_cache import Job, collect

# dB values between −80 and 0 (or powers near them) keep three digits in half the memory.
_DTYPE = np.float16


@dataclass(frozen=True)
class FeatureStore:
    """Spectrograms end to end: values [total frames, M] in dB, offsets [N + 1]; track i is offsets[i]:offsets[i + 1]."""

    values: np.ndarray[Any, Any]
    offsets: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def count(self, track: int) -> int:
        """Frames of one track."""
        return int(self.offsets[track + 1] - self.offsets[track])

    def mel(self, track: int, first: int = 0, width: int | None = None) -> Tensor:
        """One track, or `width` frames of it from `first`: [M, F] float32."""
        start, end = int(self.offsets[track]) + first, int(self.offsets[track + 1])
        end = end if width is None else min(end, start + width)
        return torch.from_numpy(np.array(self.values[start:end], dtype=np.float32).T)

    @classmethod
    def from_mels(cls, mels: Sequence[np.ndarray[Any, Any]]) -> "FeatureStore":
        """Join spectrograms [M, F_i]."""
        offsets = np.cumsum([0, *(mel.shape[1] for mel in mels)])
        return cls(np.concatenate([np.asarray(mel, dtype=_DTYPE).T for mel in mels]), offsets)


def from_audio(
    files: Sequence[Path], front_end: FrontEnd, cache: Path, skip_broken: bool = False
) -> FeatureStore:
    """Decode and transform files with the code that serves; kept under `cache` for the next run.

    The cache's name covers the front end and every file's name, size and time, so a changed file is computed afresh. A
    computation that was stopped goes on, and processes that want the same frames at once share it (training/data/feature_cache.py).
    Raises BrokenFiles, which names every file that can't be heard; with skip_broken these get no frames.
    """

    def frames(file: Path) -> np.ndarray[Any, Any]:
        """One file: [F, M]."""
        waveform = decode(file, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
        return log_mel(waveform.samples, front_end).numpy().T

    job = Job(files, frames, front_end.n_mels, _DTYPE, front_end.to_dict(), cache)
    collect(job, skip_broken)
    return FeatureStore(np.load(job.values, mmap_mode="r"), np.load(job.offsets))
