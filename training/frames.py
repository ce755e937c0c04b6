"""Log-mel frames of many tracks in one memory-mapped array: computed once, read by every run."""

import hashlib
import json
import shutil
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
from training.launch import Launch

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


def from_audio(files: Sequence[Path], front_end: FrontEnd, cache: Path, launch: Launch | None = None) -> Frames:
    """Decode and transform files with the code that serves; kept under `cache` for the next run.

    The cache's name covers the front end and every file's name, size and time, so a changed file is computed afresh. Of several
    processes (launch; default: those that torchrun started) each computes a share.
    """
    launch = launch or Launch.here()
    identity = [front_end.to_dict(), [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    values_file, offsets_file = cache / f"frames-{key}.npy", cache / f"offsets-{key}.npy"
    if launch.world > 1 and not launch.first(offsets_file.exists):
        shares = cache / f"shares-{key}"
        mine = files[launch.rank :: launch.world]
        launch.together(lambda: from_audio(mine, front_end, shares, Launch()) if mine else None)
        count = min(launch.world, len(files))
        launch.first(lambda: _join_shares(files, front_end, shares, count, (values_file, offsets_file)))
        launch.together(lambda: _seen(offsets_file))
    elif not offsets_file.exists():
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


def _join_shares(
    files: Sequence[Path], front_end: FrontEnd, shares: Path, count: int, targets: tuple[Path, Path]
) -> None:
    """Lay the shares (file i is in share i modulo count) end to end in one array, a track at a time, and drop them."""
    # Found, not computed: each process has just done its own.
    parts = [from_audio(files[i::count], front_end, shares, Launch()) for i in range(count)]
    places = [(parts[i % count], i // count) for i in range(len(files))]
    offsets = np.cumsum([0, *(part.count(track) for part, track in places)])
    values = np.lib.format.open_memmap(targets[0], "w+", _DTYPE, (int(offsets[-1]), front_end.n_mels))
    for i, (part, track) in enumerate(places):
        values[offsets[i] : offsets[i + 1]] = part.values[part.offsets[track] : part.offsets[track + 1]]
    values.flush()
    np.save(targets[1], offsets)
    shutil.rmtree(shares)


def _seen(file: Path) -> None:
    if not file.exists():
        raise AudioError(
            f"{file} was written by another host and is not there on this one: --runs and --data must name folders that all "
            "hosts share, with equal file times."
        )
