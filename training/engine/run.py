"""One training run and its folder.

runs/<name>/config.json   what was run: recipe, split, seed, front end, code revision, versions
runs/<name>/history.csv   losses and validation accuracy by epoch
runs/<name>/last.ckpt     Lightning's state after the last epoch, deleted when the run is done
runs/<name>/best.ckpt     the epoch with the lowest validation loss, in a run that may stop early
                          (a recipe with `patience`, a split with validation); deleted likewise
runs/<name>/checkpoint/   config.json + model.safetensors, as crnn.model.checkpoint reads them
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
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
from pytorch_lightning.utilities.exceptions import SIGTERMException

from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from training.data import splits
from training.data.collection import Collection
from training.data.datamodule import SegmentDataModule
from training.data.partial_labels import PartiallyLabelled
from training.data.teacher import TeacherOutputs
from training.distributed import ProcessGroup
from training.engine.module import TrainingModule
from training.engine.recipes import Recipe


@dataclass(frozen=True)
class RunSpec:
    """What names a run's folder. It is reused if spec, front end, data and auxiliary clips match.

    The precision and the weights of `initial_run` are not compared.
    """

    task: str
    recipe_name: str
    recipe: Recipe
    split: str
    seed: int

    @property
    def name(self) -> str:
        split = self.split.replace(":", "").replace("/", "-")
        return f"{self.task}-{self.recipe_name}-{split}-seed{self.seed}"


def train(
    spec: RunSpec,
    collection: Collection,
    runs: Path,
    precision: str = "auto",
    progress: bool = True,
    initial_run: Path | None = None,
    auxiliary: PartiallyLabelled | None = None,
    workers: int | None = None,
    teacher: TeacherOutputs | None = None,
) -> Path:
    """Train a run or resume it, unless it is finished.

    Under torchrun all processes train it together: each batch is divided among them, so that the
    recipe's batch size holds for any number of processes, and the first one writes the folder. A
    run may be resumed on a different number of processes.

    Args:
        spec: what to train.
        collection: the tracks that its split indexes.
        runs: folder of all runs.
        precision: "auto" (see `resolve_precision`), or as Lightning names it.
        progress: show a progress bar.
        initial_run: folder of the finished run whose weights initialise a recipe with `init_from`.
        auxiliary: partially labelled clips, for a recipe with `auxiliary` above 0.
        workers: data-loading processes; default: up to four with a GPU, none without one, where
            loading is not the bottleneck.
        teacher: its outputs on the collection's tracks, for a recipe with `distillation` above 0; a
            finished run does without.

    Returns:
        The run's folder.

    Raises:
        ValueError: the folder holds a different run or a damaged one; batches don't divide among
            the processes; the hosts don't share the folder; `initial_run`, `auxiliary` or
            `teacher` is missing for a recipe that needs it, or was passed to one that doesn't; the
            initial run's network differs in more than classes.
        SystemExit: the process received SIGTERM. The folder holds the state after the last finished
            epoch.
    """
    if (initial_run is not None) != bool(spec.recipe.init_from):
        raise ValueError(
            f"recipe {spec.recipe_name} has init_from={spec.recipe.init_from!r}: pass initial_run "
            "if it names a run, and only then"
        )
    folder, group = runs / spec.name, ProcessGroup.current()
    group.join()
    split = splits.from_name(spec.split, collection)
    if auxiliary is not None:
        # Leave out auxiliary clips by artists who are in the collection, but not in this split's
        # training part. (The clips of the genre task name no artists: none is left out.)
        training_groups = {collection.groups[track] for track in split.train}
        auxiliary = auxiliary.without(set(collection.groups) - training_groups)
    is_finished = group.run_on_first(
        lambda: _write_or_check_config(folder, spec, collection, auxiliary, teacher, group)
    )
    group.run_on_all(lambda: _check_shared(folder))
    if is_finished:
        return folder
    started = time.monotonic()
    pl.seed_everything(spec.seed, workers=True, verbose=False)
    recipe, front_end = spec.recipe, collection.front_end
    if workers is None:
        workers = min(4, (os.cpu_count() or 1) // group.local_world) if group.on_gpu else 0
    data = SegmentDataModule(
        collection,
        split,
        front_end.frames(recipe.segment_seconds),
        recipe.batch_size,
        spec.seed,
        auxiliary,
        recipe.auxiliary,
        group,
        workers,
        teacher,
    )
    steps = recipe.epochs * max(1, len(data.crops) // recipe.batch_size)
    classes, tags = len(collection.labels), len(collection.tag_names)
    outputs = teacher.size if teacher is not None else 0
    module = TrainingModule(recipe, front_end, classes, spec.seed, steps, tags, outputs)
    if initial_run is not None:
        init_from(module.network, Checkpoint.load(initial_run / "checkpoint").model)
    group.sync_batch_norm(module.network)
    stop_early = len(split.valid) > 0 and recipe.patience > 0
    precision = resolve_precision(precision)
    trainer = pl.Trainer(
        max_epochs=recipe.epochs,
        callbacks=_callbacks(folder, recipe, stop_early, progress),
        logger=False,
        precision=precision,  # type: ignore[arg-type]
        num_sanity_val_steps=0,
        enable_progress_bar=progress,
        enable_model_summary=False,
        **group.trainer_settings(),
    )
    last, best = folder / "last.ckpt", folder / "best.ckpt"

    def unfinished() -> Path | None:
        if not last.exists():
            return None
        # Only to check it: Lightning's own error would not say what to do about a damaged file.
        _read_lightning_checkpoint(last)
        return last

    resume_from = group.run_on_all(unfinished)
    try:
        trainer.fit(module, data, ckpt_path=resume_from, weights_only=True)
    except SIGTERMException:
        print(f"{folder}: stopped. The same command continues this run.", file=sys.stderr)
        raise SystemExit(128 + signal.SIGTERM) from None
    data_name = f"{collection.name}, split {spec.split}, {len(split.train)} tracks"
    if auxiliary is not None:
        data_name += f"; auxiliary: {len(auxiliary.features)} of {auxiliary.name}"
    checkpoint = Checkpoint(
        task=spec.task,
        labels=collection.labels,
        front_end=front_end,
        segment_seconds=recipe.segment_seconds,
        model=module.network.eval(),
        # The revision that started the run, even if a later one resumed it.
        revision=_config(folder)["revision"],
        data=data_name,
    )
    outcome: dict[str, Any] = {"precision": precision}
    if group.world > 1:
        # Of the weights in memory after the last epoch. Equal digests show that all processes
        # trained the same network.
        outcome |= {"processes": group.world, "weights_of_each": group.gather(checkpoint.digest)}

    def finish() -> None:
        # Not from memory: the file holds the chosen epoch's weights, averaged where the recipe
        # says so, also when a resumed run had no epoch left to train.
        stored = _read_lightning_checkpoint(best if stop_early else last)
        module.load_state_dict(stored["state_dict"])
        checkpoint.save(folder / "checkpoint")
        for file in (last, best):
            file.unlink(missing_ok=True)
        config = _config(folder)
        # Wall time of this process; epochs before a resume are not in it.
        config |= {"seconds": round(time.monotonic() - started, 1)} | outcome
        (folder / "config.json").write_text(json.dumps(config, indent=1))

    group.run_on_first(finish)
    return folder


def finished(folder: Path) -> bool:
    """Whether a run's folder has its checkpoint."""
    return (folder / "checkpoint" / "config.json").exists()


def _read_lightning_checkpoint(file: Path) -> dict[str, Any]:
    """The state that Lightning stored in a file; no code in the file is run."""
    try:
        state: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
        if {"state_dict", "loops", "optimizer_states", "callbacks"} <= state.keys():
            return state
        reason = "it is something else"
    except (
        OSError,
        RuntimeError,
        ValueError,
        EOFError,
        LookupError,
        AttributeError,
        TypeError,
        pickle.UnpicklingError,
    ) as error:
        reason = type(error).__name__
    raise ValueError(
        f"{file} is damaged, or not a state of this run ({reason}). Delete it, and the same "
        "command trains the run from its beginning."
    )


def history(folder: Path) -> dict[str, list[Any] | None]:
    """A run's history.csv without val_segment: a list by epoch per column, None if not measured."""
    table = _read_history(folder / "history.csv")
    columns = ("epoch", "train_loss", "val_loss", "val_track")
    return {name: None if table[name].isna().all() else table[name].tolist() for name in columns}


def init_from(network: CRNN, initial: CRNN) -> None:
    """Copy all weights except the last layer's. ValueError if more than the classes differ."""
    if replace(network.config, n_classes=initial.config.n_classes) != initial.config:
        raise ValueError(
            f"{network.config} can't be initialised from {initial.config}: they differ in more "
            "than classes"
        )
    weights = {k: v for k, v in initial.state_dict().items() if not k.startswith("linear.")}
    network.load_state_dict(weights, strict=False)


def resolve_precision(precision: str) -> str:
    """Lightning's name of a precision: "auto" becomes bf16 where the hardware has it, else 32 bit.

    That is a GPU that supports bf16, or a CPU with AMX tiles: with AVX-512 alone it is slower (a
    step of 64 segments took 1.2 times as long as in 32 bit).
    """
    if precision != "auto":
        return precision
    if torch.cuda.is_available():
        has_bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bf16-mixed" if has_bf16 else "32-true"
    return "bf16-mixed" if torch.cpu._is_amx_tile_supported() else "32-true"  # noqa: SLF001


def code_revision() -> str:
    """The commit that ran, "+" appended if files had changed; "unknown" outside a repository."""

    def git(*arguments: str) -> str:
        root = Path(__file__).parents[2]
        command = ["git", *arguments]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--", "crnn", "training").strip()
        return git("rev-parse", "HEAD").strip()[:12] + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _callbacks(folder: Path, recipe: Recipe, stop_early: bool, progress: bool) -> list[Callback]:
    def save(name: str, **criterion: Any) -> Callback:
        return ModelCheckpoint(folder, filename=name, enable_version_counter=False, **criterion)

    # The last epoch, whatever its loss: an interrupted run resumes from it.
    callbacks = [_History(folder / "history.csv"), save("last", monitor=None, save_top_k=1)]
    if stop_early:
        callbacks.append(save("best", monitor="val_loss"))
        callbacks.append(
            EarlyStopping("val_loss", min_delta=recipe.delta, patience=recipe.patience)
        )
    if recipe.averaging:
        callbacks.append(EMAWeightAveraging(decay=recipe.averaging))
    if progress:
        callbacks.append(TQDMProgressBar(refresh_rate=10, leave=False))
    return callbacks


def _check_shared(folder: Path) -> None:
    """Check that this host sees the folder that the first process wrote."""
    if not (folder / "config.json").exists():
        raise ValueError(
            f"{folder} is missing on some hosts: --runs must be a folder that all hosts share."
        )


def _write_or_check_config(
    folder: Path,
    spec: RunSpec,
    collection: Collection,
    auxiliary: PartiallyLabelled | None,
    teacher: TeacherOutputs | None,
    group: ProcessGroup,
) -> bool:
    """Write a run's settings, or check the stored ones; returns whether the run is finished."""
    group.per_process(spec.recipe.batch_size)  # raises where batches don't divide
    if (auxiliary is not None) != (spec.recipe.auxiliary > 0):
        raise ValueError(
            f"recipe {spec.recipe_name} has auxiliary={spec.recipe.auxiliary:g}: pass "
            "partially labelled clips if it is above 0, and only then"
        )
    distilled = spec.recipe.distillation > 0
    missing = distilled and teacher is None and not finished(folder)
    if missing or (teacher is not None and not distilled):
        raise ValueError(
            f"recipe {spec.recipe_name} has distillation={spec.recipe.distillation:g}: pass the "
            "teacher's outputs if it is above 0, and only then"
        )
    settings = asdict(spec) | {
        "front_end": collection.front_end.to_dict(),
        "data": collection.digest,
    }
    if auxiliary is not None:
        settings["beside"] = auxiliary.digest  # the key of earlier runs' configs
    if teacher is not None:
        settings["teacher"] = teacher.digest
    settings = json.loads(json.dumps(settings))  # as stored: tuples become lists
    file = folder / "config.json"
    if file.exists():
        stored = _config(folder)
        # Settings of earlier versions, under today's names and as stored.
        stored["recipe"] = json.loads(json.dumps(Recipe().changed(stored["recipe"]).to_dict()))
        changed = [key for key, value in settings.items() if stored.get(key) != value]
        if changed:
            raise ValueError(
                f"{folder} holds a run that differs in {' and '.join(changed)}. "
                "Move or delete that folder, or choose another with --runs."
            )
        return finished(folder)
    folder.mkdir(parents=True, exist_ok=True)
    versions = {name: version(name) for name in ("torch", "pytorch_lightning", "numpy")}
    settings |= {"revision": code_revision(), "versions": versions}
    file.write_text(json.dumps(settings, indent=1))
    return False


def _read_history(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file)
        return table[["epoch", *_History.columns]]
    except (ValueError, KeyError) as error:  # pandas's own errors are ValueErrors
        raise ValueError(f"{file} is damaged; delete it.") from error


def _config(folder: Path) -> dict[str, Any]:
    """A run's config.json."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        # Raises where these are missing or of another type.
        return config | {"recipe": config["recipe"] | {}, "revision": config["revision"]}
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{folder / 'config.json'} is damaged. Move or delete that folder."
        ) from error


class _History(Callback):
    """Writes history.csv, one row per epoch, as soon as it is measured.

    Lightning's CSVLogger would overwrite the file when a run is resumed.
    """

    # Mean losses in nats; accuracies of segments and tracks as fractions.
    columns = ("train_loss", "val_loss", "val_segment", "val_track")

    def __init__(self, file: Path) -> None:
        self.file = file

    @rank_zero_only
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics, epoch = trainer.callback_metrics, trainer.current_epoch
        table = pd.DataFrame({"epoch": epoch} | {c: [metrics.get(c)] for c in self.columns})
        if self.file.exists():
            # An epoch that was interrupted after its row was written is trained again.
            earlier = _read_history(self.file)
            table = pd.concat([earlier[earlier["epoch"] < epoch], table])
        table.astype({"epoch": int} | dict.fromkeys(self.columns, float)).to_csv(
            self.file, index=False, float_format="%.4f"
        )
