"""Log-mel features of many tracks: computed once, one file a track, read by every run.

    CACHE/<key>.npy    [F, M] in dB; the key covers front end, path, size and time of the audio file
    CACHE/<key>.note   what decode says of the file, such as that only part of it could be read
    CACHE/<key>.txt    why a file could not be decoded, instead

Files are written whole or not at all, so a stopped computation continues where it was. Processes
that start together share the work: each takes what is missing in an order of its own.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.errors import AudioError

Array = np.ndarray[Any, Any]

# Part of the key: raise it where decode or log_mel give other values than before.
_VERSION = 2

# dB values between −80 and 0 (or powers near them) keep three digits in half the memory.
DTYPE = np.float16


class BrokenFiles(AudioError):
    """Files that can't be decoded; reasons: what is wrong with each."""

    def __init__(self, reasons: dict[Path, str]) -> None:
        lines = bullets([f"{file}: {reason}" for file, reason in reasons.items()])
        super().__init__(
            f"{len(reasons)} of the files can't be decoded:\n{lines}\n"
            "Mend or remove them and start again; what was computed of the others is kept."
        )
        self.reasons = reasons


@dataclass(frozen=True)
class FeatureStore:
    """Spectrograms [F_i, M] in dB, or the .npy files that hold them; lengths: F_i."""

    tracks: tuple[Array | Path, ...]
    lengths: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tracks)

    def count(self, track: int) -> int:
        """Frames of one track."""
        return self.lengths[track]

    def mel(self, track: int, first: int = 0, width: int | None = None) -> Tensor:
        """One track, or `width` frames of it from `first`: [M, F] float32."""
        last = None if width is None else first + width
        return torch.from_numpy(np.array(self._values(track)[first:last], dtype=np.float32).T)

    def select(self, tracks: Iterable[int]) -> "FeatureStore":
        """Some of the tracks."""
        chosen = list(tracks)
        return FeatureStore(
            tuple(self.tracks[i] for i in chosen), tuple(self.lengths[i] for i in chosen)
        )

    def arrays(self) -> Iterator[Array]:
        """All values, track by track: [F_i, M]."""
        return (self._values(i) for i in range(len(self)))

    @property
    def offsets(self) -> list[int]:
        """Where tracks begin if they lie end to end, and where the last one ends: [N + 1]."""
        return [0, *np.cumsum(self.lengths, dtype=int).tolist()]

    def _values(self, track: int) -> Array:
        values = self.tracks[track]
        return values if isinstance(values, np.ndarray) else np.load(values, mmap_mode="r")

    @classmethod
    def from_mels(cls, mels: Iterable[Array]) -> "FeatureStore":
        """In memory, from spectrograms [M, F_i]."""
        tracks = tuple(np.ascontiguousarray(np.asarray(mel, dtype=DTYPE).T) for mel in mels)
        return cls(tracks, tuple(len(track) for track in tracks))


def from_audio(
    files: Sequence[Path], front_end: FrontEnd, cache: Path, skip_broken: bool = False
) -> FeatureStore:
    """Features of audio files by the code that serves, computed where `cache` lacks them.

    Raises BrokenFiles with every file that can't be decoded; with skip_broken these get no frames,
    unless that is all of them. They are reported, and so is what decode says of the others.
    """
    cache.mkdir(parents=True, exist_ok=True)
    places = [cache / f"{file_key(file, front_end.to_dict())}.npy" for file in files]
    missing = [n for n, place in enumerate(places) if read_array(place) is None]
    np.random.default_rng().shuffle(missing)
    for n in tqdm(missing, desc="log-mel", unit="track", disable=None):
        # Another process may have been here in the meantime.
        if read_array(places[n]) is None and not places[n].with_suffix(".txt").exists():
            _compute(files[n], front_end, places[n])
    tracks: list[Array | Path] = []
    lengths, reasons, notes = [], dict[Path, str](), list[str]()
    for file, place in zip(files, places, strict=True):
        values, note = read_array(place), place.with_suffix(".note")
        if values is None:
            reasons[file] = place.with_suffix(".txt").read_text("utf-8")
        elif note.exists():
            notes.append(f"{file}: {note.read_text('utf-8')}")
        tracks.append(np.empty((0, front_end.n_mels), DTYPE) if values is None else place)
        lengths.append(0 if values is None else len(values))
    if reasons and (not skip_broken or len(reasons) == len(files)):
        raise BrokenFiles(reasons)
    lost = [f"{file}: {reason}" for file, reason in reasons.items()]
    for what, lines in (("can't be decoded and are left out", lost), ("have a notice", notes)):
        if lines:
            print(f"{len(lines)} of {len(files)} files {what}:\n{bullets(lines)}", file=sys.stderr)
    return FeatureStore(tuple(tracks), tuple(lengths))


def read_array(place: Path) -> Array | None:
    """An array that `write` left, mapped into memory; None where it is missing or damaged."""
    try:
        values = np.load(place, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return values if isinstance(values, np.ndarray) else None


def write(place: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    staged = place.with_name(f"{place.stem}.{os.getpid()}-{get_ident()}")
    try:
        staged.write_bytes(content)
        staged.replace(place)
    finally:
        staged.unlink(missing_ok=True)


def file_key(file: Path, settings: dict[str, Any]) -> str:
    """Names what was computed from a file under these settings: twelve hex digits."""
    stat = file.stat()
    return digest(settings, str(file.resolve()), stat.st_size, stat.st_mtime_ns, _VERSION)


def bullets(lines: Sequence[str], limit: int = 50) -> str:
    """One line each, indented, and how many more there are."""
    more = [f"… and {len(lines) - limit} more"] if len(lines) > limit else []
    return "\n".join(f"  {line}" for line in [*lines[:limit], *more])


def digest(*parts: Any) -> str:
    """Twelve hex digits over parts: arrays by their values, anything else as JSON."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part).encode())
    return digest.hexdigest()[:12]


def _compute(file: Path, front_end: FrontEnd, place: Path) -> None:
    content = BytesIO()
    try:
        waveform = decode(file, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
        mel = log_mel(waveform.samples, front_end).numpy()
        np.save(content, np.ascontiguousarray(mel.T, dtype=DTYPE))
    except (AudioError, OSError) as error:
        write(place.with_suffix(".txt"), str(error).encode())
        return
    if waveform.notices:
        write(place.with_suffix(".note"), " ".join(waveform.notices).encode())
    write(place, content.getvalue())
