"""One training run and its folder: config.json, history, resumable Lightning checkpoint, and the finished checkpoint.

runs/<name>/config.json        what was run: recipe, split, seed, front end, code revision, versions
runs/<name>/history.csv        losses and validation accuracy by epoch
runs/<name>/last.ckpt          state after the last epoch, deleted when the run is done
runs/<name>/checkpoint/        config.json + model.safetensors, as crnn.model.checkpoint reads them
"""

import csv
import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    ModelCheckpoint,
    TQDMProgressBar,
)
from pytorch_lightning.utilities import rank_zero_only

from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from training.data.collection import Collection
from training.data.datamodule import SegmentDataModule
from training.data.partial_labels import PartiallyLabelled
from training.data.splits import from_name
from training.distributed import ProcessGroup
from training.engine.module import TrainingModule
from training.engine.recipes import Recipe


@dataclass(frozen=True)
class RunSpec:
    """What identifies a run: equal specs are the same run, and its folder is reused."""

    task: str
    recipe_name: str
    recipe: Recipe
    split: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.task}-{self.recipe_name}-{self.split.replace(':', '').replace('/', '-')}-seed{self.seed}"

    def to_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "recipe_name": self.recipe_name,
            "recipe": self.recipe.to_dict(),
            "split": self.split,
            "seed": self.seed,
        }


def train(
    spec: RunSpec,
    collection: Collection,
    runs: Path,
    precision: str = "auto",
    progress: bool = True,
    donor: Path | None = None,
    teacher: Path | None = None,
    beside: PartiallyLabelled | None = None,
    workers: int | None = None,
) -> Path:
    """Train (or finish, or find finished) a run; returns its folder.

    donor: the finished run that it begins from; teacher: the one whose answers it learns, for a recipe with `teacher`; beside:
    clips that a recipe with `beside` asks for; workers: processes that read crops ahead (default: none without a GPU, which
    reading does not hold up; up to four with one).

    Under torchrun all processes train it together: each takes its share of every batch, so that a recipe means the same
    on one or many, and the first one writes the folder. A run that one number of processes began, another may go on with.

    Raises ValueError when the folder holds a run of the same name with other settings, or batches do not divide among the
    processes.
    """
    folder, launch = runs / spec.name, ProcessGroup.current()
    launch.join()
    finished = launch.run_on_first(
        lambda: _claim(folder, spec, collection, teacher, beside, launch)
    )
    launch.run_on_all(lambda: _seen(folder))
    if finished:
        return folder
    started = time.monotonic()
    pl.seed_everything(spec.seed, workers=True, verbose=False)
    split = from_name(spec.split, collection)
    recipe, front_end = spec.recipe, collection.front_end
    width = front_end.frames(recipe.segment_seconds)
    if workers is None:
        workers = min(4, (os.cpu_count() or 1) // launch.local_world) if launch.on_gpu else 0
    data = SegmentDataModule(
        collection,
        split,
        width,
        recipe.batch_size,
        spec.seed,
        recipe.stretch,
        beside,
        recipe.beside,
        launch,
        workers,
    )
    steps = recipe.epochs * max(1, len(data.crops()) // recipe.batch_size)
    taught_by = Checkpoint.load(teacher / "checkpoint").model if teacher is not None else None
    module = TrainingModule(
        recipe,
        front_end,
        len(collection.labels),
        spec.seed,
        steps,
        len(collection.tag_names),
        taught_by,
    )
    if donor is not None:
        init_from(module.network, Checkpoint.load(donor / "checkpoint").model)
    launch.sync_batch_norm(module.network)
    stops = len(split.valid) > 0 and recipe.patience > 0
    callbacks: list[Callback] = [
        _History(folder / "history.csv"),
        # After every epoch, whatever it brought: what a stopped run goes on from.
        ModelCheckpoint(
            folder, filename="last", monitor=None, save_top_k=1, enable_version_counter=False
        ),
    ]
    if stops:
        callbacks.append(
            ModelCheckpoint(
                folder, filename="best", monitor="val_loss", enable_version_counter=False
            )
        )
        callbacks.append(
            EarlyStopping("val_loss", min_delta=recipe.delta, patience=recipe.patience)
        )
    if recipe.averaging:
        callbacks.append(EMAWeightAveraging(decay=recipe.averaging))
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10, leave=False))
    trainer = pl.Trainer(
        max_epochs=recipe.epochs,
        callbacks=callbacks,
        logger=False,
        precision=resolve_precision(precision),  # type: ignore[arg-type]
        num_sanity_val_steps=0,
        enable_progress_bar=progress,
        enable_model_summary=False,
        log_every_n_steps=10,
        **launch.trainer_settings(),
    )
    last = folder / "last.ckpt"
    # Our own file of a moment ago, not a download: full state (optimiser, callbacks) is needed to go on.
    trainer.fit(module, data, ckpt_path=last if last.exists() else None, weights_only=False)
    checkpoint = Checkpoint(
        task=spec.task,
        labels=collection.labels,
        front_end=front_end,
        segment_seconds=recipe.segment_seconds,
        model=module.network.eval(),
        revision=json.loads((folder / "config.json").read_text())[
            "revision"
        ],  # of the code that began the run
        data=f"{collection.name}, split {spec.split}, {len(split.train)} tracks"
        + (f"; beside them {len(beside.features)} of {beside.name}" if beside is not None else ""),
    )
    facts: dict[str, Any] = {"precision": resolve_precision(precision)}
    if launch.world > 1:
        # Equal digests: the processes had the same weights to the end.
        facts |= {"processes": launch.world, "weights_of_each": launch.gather(checkpoint.digest)}
    best = folder / "best.ckpt"

    def finish() -> None:
        # Read back rather than taken from memory: it holds the averaged weights even if fit had nothing left to do.
        kept = torch.load(best if stops else last, weights_only=True, map_location="cpu")[
            "state_dict"
        ]
        module.load_state_dict(kept)
        checkpoint.save(folder / "checkpoint")
        for file in (last, best):
            file.unlink(missing_ok=True)
        _amend(folder / "config.json", {"seconds": round(time.monotonic() - started, 1)} | facts)

    launch.run_on_first(finish)
    return folder


def history(folder: Path) -> dict[str, list[Any] | None]:
    """What a run wrote down by epoch: a list a column, None for what it did not measure."""
    with (folder / "history.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    found: dict[str, list[Any] | None] = {"epoch": [int(row["epoch"]) for row in rows]}
    for column in ("train_loss", "val_loss", "val_track"):
        found[column] = [float(row[column]) for row in rows] if rows and rows[0][column] else None
    return found


def init_from(network: CRNN, donor: CRNN) -> None:
    """Copy all weights but the last layer's. Raises ValueError if the networks differ in more than their classes."""
    if replace(network.config, n_classes=donor.config.n_classes) != donor.config:
        raise ValueError(
            f"{donor.config} can't be the start of {network.config}: they differ in more than classes"
        )
    kept = {
        name: value for name, value in donor.state_dict().items() if not name.startswith("linear.")
    }
    network.load_state_dict(kept, strict=False)


def resolve_precision(precision: str) -> str:
    """ "auto": bf16 on GPUs that have it and on processors with tiles for it (AMX), else 32 bit.

    AVX-512's bf16 alone does not pay: a step of 64 segments took 1.2 times as long with it as in 32 bit.
    """
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    return "bf16-mixed" if torch.cpu._is_amx_tile_supported() else "32-true"


def code_revision() -> str:
    """The commit that ran, "+" after it where files had changed; "unknown" outside a repository."""
    root = Path(__file__).parents[1]
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=True
        ).stdout
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--", "../crnn", "."],
            cwd=root,
            capture_output=True,
            text=True,
        )
        return commit.strip()[:12] + ("+" if changed.stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _seen(folder: Path) -> None:
    """What the first process has written, every host reads."""
    if not (folder / "config.json").exists():
        raise ValueError(
            f"{folder} is not there on every host: --runs must name a folder that all of them share."
        )


def _claim(
    folder: Path,
    spec: RunSpec,
    collection: Collection,
    teacher: Path | None,
    beside: PartiallyLabelled | None,
    launch: ProcessGroup,
) -> bool:
    """Write what will be run, or check that it is what was run; whether it is finished."""
    launch.share(spec.recipe.batch_size)
    file = folder / "config.json"
    if (beside is not None) != (spec.recipe.beside > 0):
        raise ValueError(
            f"recipe {spec.recipe_name} has beside={spec.recipe.beside:g}; other clips are needed just where it is above 0"
        )
    taught = spec.recipe.distillation > 0
    if taught != (teacher is not None) or taught != bool(spec.recipe.teacher):
        raise ValueError(
            f"recipe {spec.recipe_name} has teacher={spec.recipe.teacher!r} and distillation={spec.recipe.distillation:g}; a "
            "teacher is needed just where distillation is above 0"
        )
    settings = spec.to_dict() | {
        "front_end": collection.front_end.to_dict(),
        "data": collection.digest,
    }
    if beside is not None:
        settings |= {"beside": beside.digest}
    identity = json.loads(json.dumps(settings))
    if file.exists():
        stored = json.loads(file.read_text())
        # A setting that came later was at its default.
        stored["recipe"] = json.loads(json.dumps(Recipe(**stored["recipe"]).to_dict()))
        changed = [key for key, value in identity.items() if stored.get(key) != value]
        if changed:
            raise ValueError(
                f"{folder} holds a run with another {' and '.join(changed)}. "
                "Move or delete that folder, or choose another with --runs."
            )
        return (folder / "checkpoint" / "config.json").exists()
    folder.mkdir(parents=True, exist_ok=True)
    versions = {
        "torch": str(torch.__version__),
        "pytorch_lightning": version("pytorch_lightning"),
        "numpy": np.__version__,
    }
    file.write_text(
        json.dumps(identity | {"revision": code_revision(), "versions": versions}, indent=1)
    )
    return False


def _amend(file: Path, values: dict[str, Any]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values, indent=1))


class _History(Callback):
    """One row an epoch, written as soon as it is known."""

    columns: Sequence[str] = ("epoch", "train_loss", "val_loss", "val_segment", "val_track")

    def __init__(self, file: Path) -> None:
        self.file = file

    @rank_zero_only
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        new = not self.file.exists()
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        with self.file.open("a", newline="") as out:
            rows = csv.writer(out)
            if new:
                rows.writerow(self.columns)
            rows.writerow(
                [
                    trainer.current_epoch,
                    *(f"{metrics[c]:.4f}" if c in metrics else "" for c in self.columns[1:]),
                ]
            )
