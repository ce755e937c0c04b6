"""Training speed against a plain PyTorch loop with features on the fly; what more data costs.

One thread, seconds of processor time: what else runs on the machine is left out. The audio is made
here.
"""

import json
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytorch_lightning as pl
import soundfile
import torch
from pytorch_lightning.callbacks import Callback
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.labels import GENRES
from crnn.model.network import CRNN
from training.data.collection import Collection
from training.data.datamodule import SegmentDataModule
from training.data.feature_store import from_audio
from training.data.splits import Split
from training.engine.module import TrainingModule
from training.engine.recipes import PAPER, RECIPES, Recipe

TRACKS, SECONDS = 16, 30
GROWTH = (1, 4, 16)
# Without its augmentation, which the plain loop has not; the paper's recipe has none.
BUNDLED = replace(
    PAPER, batch_size=32, channels=RECIPES["genre"].channels, gru=RECIPES["genre"].gru
)
NETWORKS = {"bundled network": BUNDLED, "paper's network": PAPER}
SMALL = replace(PAPER, batch_size=32, channels=(8, 16, 16, 16), gru=16)


def tracks(folder: Path, suffix: str) -> list[Path]:
    """Notes of a quarter of a second over soft noise, mono, 22 050 Hz."""
    rate, files = GTZAN_FRONT_END.sample_rate, []
    time_axis = np.arange(SECONDS * rate) / rate
    for number in range(TRACKS):
        random = np.random.default_rng(number)
        hertz = 110 * 2 ** (random.integers(0, 36, 4 * SECONDS)[(time_axis * 4).astype(int)] / 12)
        sound = 0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / rate) + 0.02 * random.standard_normal(
            len(time_axis)
        )
        files.append(folder / f"{number:03d}{suffix}")
        with soundfile.SoundFile(files[-1], "w", rate, channels=1) as out:
            for second in np.split(
                sound.astype(np.float32), SECONDS
            ):  # libsndfile's Vorbis fails on long pieces
                out.write(second)
    return files


def collection(files: Sequence[Path], cache: Path) -> Collection:
    """Those files as a collection, their features in a memory-mapped array."""
    names, targets = tuple(file.stem for file in files), np.arange(len(files)) % len(GENRES)
    return Collection(
        "made here",
        GENRES,
        GTZAN_FRONT_END,
        names,
        targets,
        names,
        from_audio(files, GTZAN_FRONT_END, cache),
    )


class OnTheFly(Dataset[tuple[torch.Tensor, int]]):
    """The usual way: librosa reads 3 s and computes their mel spectrogram on each access."""

    def __init__(self, files: Sequence[Path], crops: int) -> None:
        self.files, self.crops, self.random = files, crops, np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.files) * self.crops

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        track, length = index // self.crops, PAPER.segment_seconds
        start = float(self.random.uniform(0, SECONDS - length))
        samples, rate = librosa.load(
            self.files[track],
            sr=GTZAN_FRONT_END.sample_rate,
            offset=start,
            duration=length,
            mono=True,
        )
        mel = librosa.feature.melspectrogram(
            y=samples,
            sr=rate,
            n_fft=GTZAN_FRONT_END.n_fft,
            hop_length=GTZAN_FRONT_END.hop_length,
            n_mels=GTZAN_FRONT_END.n_mels,
        )
        decibels = librosa.power_to_db(mel, ref=np.max)
        width = GTZAN_FRONT_END.frames(length)
        return torch.from_numpy(decibels[None, :, :width].astype(np.float32)), track % len(GENRES)


def plain(files: Sequence[Path], recipe: Recipe) -> float:
    """Segments per second of an epoch in a plain PyTorch loop."""
    loader = DataLoader(OnTheFly(files, crops=10), recipe.batch_size, shuffle=True, drop_last=True)
    network = CRNN(recipe.model_config(GTZAN_FRONT_END, len(GENRES)))
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    start = time.process_time()
    for mel, target in loader:
        optimizer.zero_grad()
        functional.cross_entropy(network(mel), target).backward()
        optimizer.step()
    return len(loader) * recipe.batch_size / (time.process_time() - start)


class _Clock(Callback):
    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.start = time.process_time()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds = time.process_time() - self.start


def _data(tracks: Collection, recipe: Recipe) -> SegmentDataModule:
    nobody = np.array([], dtype=np.int64)
    split = Split(np.arange(len(tracks.names)), nobody, nobody)
    return SegmentDataModule(
        tracks, split, GTZAN_FRONT_END.frames(recipe.segment_seconds), recipe.batch_size, seed=0
    )


def epoch(tracks: Collection, recipe: Recipe, epochs: int = 1) -> tuple[float, float]:
    """Seconds of one epoch of our training, and its segments per second."""
    clock, data = _Clock(), _data(tracks, recipe)
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        precision="32-true",
    )
    trainer.fit(TrainingModule(recipe, GTZAN_FRONT_END, len(GENRES), 0, 1), data)
    seconds = clock.seconds / epochs
    return seconds, len(data.train_dataloader()) * recipe.batch_size / seconds


def reading(loader: "DataLoader[Any]") -> float:
    """Segments per second that a loader delivers to nobody."""
    start = time.process_time()
    count = sum(len(batch[0]) for batch in loader)
    return count / (time.process_time() - start)


def speed(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Rows of segments per second, everything taken in turns; the first turn only warms up."""
    wav, ogg = tracks(folder, ".wav"), tracks(folder, ".ogg")
    ours = collection(wav, folder / "cache")
    fetch: dict[str, Callable[[], float]] = {
        "memory-mapped features": lambda: reading(_data(ours, BUNDLED).train_dataloader()),
        "librosa from WAV": lambda: reading(DataLoader(OnTheFly(wav, 10), BUNDLED.batch_size)),
        "librosa from Ogg Vorbis": lambda: reading(
            DataLoader(OnTheFly(ogg, 10), BUNDLED.batch_size)
        ),
    }
    tasks = {f"reading alone, {name}": task for name, task in fetch.items()}
    for name, recipe in NETWORKS.items():
        tasks[f"{name}, ours: Lightning, memory-mapped features"] = lambda recipe=recipe: epoch(
            ours, recipe
        )[1]
        tasks[f"{name}, plain PyTorch loop, librosa from WAV"] = lambda recipe=recipe: plain(
            wav, recipe
        )
        tasks[f"{name}, plain PyTorch loop, librosa from Ogg Vorbis"] = lambda recipe=recipe: plain(
            ogg, recipe
        )
    turns = [{name: task() for name, task in tasks.items()} for _ in range(rounds + 1)][1:]
    rows = []
    for name in tasks:
        rows.append(_row(name, [turn[name] for turn in turns], "segments/s"))
        about, _, what = name.partition(", ")
        if "librosa" in what:
            yardstick = next(
                other for other in tasks if other.startswith(about) and "memory-mapped" in other
            )
            ratios = [turn[yardstick] / turn[name] for turn in turns]
            rows.append(_row(f"{about}, ours to {what}", ratios, "times as fast"))
    return rows


def growth(folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Rows of what ×1, ×4 and ×16 tracks cost a small network: features once, then every epoch."""
    originals = tracks(folder, ".wav")
    collections, once = {}, {}
    for times in GROWTH:
        files = [
            folder / f"x{times}-{copy}-{file.name}" for copy in range(times) for file in originals
        ]
        for file in files:
            file.hardlink_to(folder / file.name.split("-")[-1])
        start = time.process_time()
        collections[times] = collection(files, folder / f"cache-{times}")
        once[times] = time.process_time() - start
    # Short epochs are taken several times.
    turns = [
        {times: epoch(collections[times], SMALL, max(1, 4 // times))[0] for times in GROWTH}
        for _ in range(rounds + 1)
    ][1:]
    rows = [
        _row(f"×{times} ({times * TRACKS} tracks), features, once", [once[times]], "s")
        for times in GROWTH
    ]
    for times in GROWTH:
        name = f"×{times} ({times * TRACKS} tracks), an epoch"
        rows.append(_row(name, [turn[times] for turn in turns], "s"))
        if times > 1:
            rows.append(
                _row(
                    f"×{times}, an epoch to that of ×1",
                    [turn[times] / turn[1] for turn in turns],
                    "times",
                )
            )
    return rows


def _row(name: str, values: list[float], unit: str) -> dict[str, Any]:
    value = float(f"{statistics.median(values):.3g}")
    return {"name": name, "value": int(value) if value >= 100 else value, "unit": unit}


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning announces every fit."""
    logger = logging.getLogger("pytorch_lightning")
    before = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logger.setLevel(before)


def measure(rounds: int = 4) -> dict[str, Any]:
    """Both, medians over rounds, as the Results page reads it."""
    torch.set_num_threads(1)
    with _quiet(), tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        rows = speed(Path(one), rounds) + growth(Path(other), max(1, rounds - 1))
    return {
        "table": "scale",
        "title": "How fast training is, and what more data costs",
        "context": (
            f"One thread of a processor, seconds of processor time, median of {rounds} rounds "
            f"taken in turns. {TRACKS} made-up tracks of {SECONDS} s, segments of "
            f"{PAPER.segment_seconds:g} s in both ways, no augmentation; the plain loop reads each "
            "segment's 3 s alone, by librosa, whenever it needs them. ×1, ×4, ×16: a network of "
            f"{', '.join(map(str, SMALL.channels))} filters. Batches of {PAPER.batch_size} for the "
            f"paper's network, of {BUNDLED.batch_size} for the others."
        ),
        "rows": rows,
    }


def write(result: dict[str, Any], folder: Path) -> None:
    """The JSON that Results shows."""
    (folder / "scale.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
