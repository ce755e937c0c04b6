"""Log-mel frames of many tracks in one memory-mapped array: computed once, read by every run."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from crnn.audio import decode
from crnn.errors import AudioError
from crnn.spectrogram import FrontEnd, log_mel

# dB values between −80 and 0 (or powers near them) keep three digits in half the memory.
_DTYPE = np.float16


@dataclass(frozen=True)
class Frames:
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
    def from_mels(cls, mels: Sequence[np.ndarray[Any, Any]]) -> "Frames":
        """Join spectrograms [M, F_i]."""
        offsets = np.cumsum([0, *(mel.shape[1] for mel in mels)])
        return cls(np.concatenate([np.asarray(mel, dtype=_DTYPE).T for mel in mels]), offsets)


def from_audio(files: Sequence[Path], front_end: FrontEnd, cache: Path) -> Frames:
    """Decode and transform files with the code that serves; kept under `cache` for the next run.

    The cache's name covers the front end and every file's name, size and time, so a changed file is computed afresh.
    """
    identity = [front_end.to_dict(), [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    values_file, offsets_file = cache / f"frames-{key}.npy", cache / f"offsets-{key}.npy"
    if not offsets_file.exists():
        mels = []
        for file in tqdm(files, desc="log-mel", unit="track"):
            try:
                waveform = decode(file, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
                mels.append(log_mel(waveform.samples, front_end).numpy())
            except AudioError as error:
                raise AudioError(f"{file}: {error} Remove it from the collection and start again.") from error
        frames = Frames.from_mels(mels)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(values_file, frames.values)
        np.save(offsets_file, frames.offsets)  # last: its presence says that the pair is complete
    return Frames(np.load(values_file, mmap_mode="r"), np.load(offsets_file))
