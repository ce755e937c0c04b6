"""Small collections made on the spot: ten "genres" that differ by the band their energy lies in."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.torchaudio_shim import torchaudio
from crnn.labels import GENRES
from tests.conftest import encode
from training.data.collection import Collection
from training.data.feature_store import FeatureStore

RATE = 22_050


def banded(label: int, frames: int, seed: int) -> np.ndarray:
    """A log-mel spectrogram [128, F] loud in bands 12·label … 12·label + 11."""
    mel = -80 + 30 * np.random.default_rng(seed).random((128, frames))
    mel[12 * label : 12 * label + 12] += 45
    return np.clip(mel, -80, 0)


def toy_collection() -> Collection:
    """40 tracks of four classes, each a group of its own."""
    targets = np.arange(40) % 4
    mels = [banded(int(t), 90 + i % 5, seed=i) for i, t in enumerate(targets)]
    return Collection(
        "toy",
        ("low", "middle", "high", "top"),
        GTZAN_FRONT_END,
        tuple(f"t{i}" for i in range(40)),
        targets,
        tuple(f"g{i}" for i in range(40)),
        FeatureStore.from_mels(mels),
    )


@pytest.fixture(scope="session")
def toy() -> Collection:
    return toy_collection()


def buzz(hertz: float, seconds: float, seed: int) -> np.ndarray:
    """A noisy tone [T]."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return np.asarray(
        0.3 * np.sign(np.sin(2 * np.pi * hertz * time)) + 0.02 * noise, dtype=np.float32
    )


@contextmanager
def filtered_lists() -> Iterator[None]:
    """Lists of protocol F that divide the twenty tracks of GTZAN that `data` has."""
    first, second = ([f"{genre}.{i:05d}" for genre in GENRES] for i in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        for part, tracks in (("train", first), ("valid", second[:5]), ("test", second[5:])):
            patch.setattr(torchaudio.datasets.gtzan, f"filtered_{part}", tracks)
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both collections in their original forms: audio, and annotations of moods4q."""
    root = tmp_path_factory.mktemp("data")
    for number, genre in enumerate(GENRES):
        (root / "gtzan" / genre).mkdir(parents=True)
        for i in range(2):
            samples = buzz(60 * 1.5**number, 4, seed=10 * number + i)
            (root / "gtzan" / genre / f"{genre}.{i:05d}.wav").write_bytes(encode(samples))
    moods = {"Happy": "Q1", "Energetic": "Q2", "Relaxing": "Q4", "Sad": "Q3", "Dark": "Q3"}
    (root / "moods4q" / "audio").mkdir(parents=True)
    with (root / "moods4q" / "annotations.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(
            ["clip", "artist", "title", "quadrant", "mood", "mood_tags", "genres", "gtzan_genre"]
        )
        for i in range(60):
            mood = [*moods, ""][i % 6]
            # Every other one is calm jazz; one word stands on too few to be learned.
            words = ("Calm; Rare" if i < 6 else "Calm", "Jazz") if i % 2 else ("", "")
            genre = "jazz" if i < 4 else ""
            rows.writerow(
                [
                    f"C{i}",
                    f"artist {(i + 1) // 2}",
                    "a song",
                    moods.get(mood, "Q3"),
                    mood,
                    *words,
                    genre,
                ]
            )
            samples = buzz(80 * 1.7 ** (i % 6), 4, seed=100 + i)
            (root / "moods4q" / "audio" / f"C{i}.flac").write_bytes(encode(samples, kind="FLAC"))
    return root
