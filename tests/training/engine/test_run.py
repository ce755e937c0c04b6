"""A tiny network overfits a toy collection; a stopped run resumes; settings can't be mixed up."""

import csv
import json
import os
import pickle
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from tests.training.tiny import TINY, run
from training.data.collection import Collection
from training.data.datamodule import EpochSampler
from training.engine.module import TrainingModule
from training.engine.run import _History, init_from
from training.evaluation.metrics import scores, track_logits


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as lines:
        return list(csv.DictReader(lines))


def test_overfits_a_toy_collection(toy: Collection, tmp_path: Path) -> None:
    folder = run(toy, tmp_path, replace(TINY, epochs=15, conv_dropout=0.0))
    classifier = Classifier(Checkpoint.load(folder / "checkpoint"))
    result = scores(track_logits(classifier, toy, np.arange(40)), 1.0, toy.labels)
    assert result["track_accuracy"] == 1.0
    assert float(history(folder)[-1]["train_loss"]) < 0.3


def test_a_run_folder_tells_what_was_run(toy: Collection, tmp_path: Path) -> None:
    folder = run(toy, tmp_path, replace(TINY, epochs=1), "fold:0/valid")
    config = json.loads((folder / "config.json").read_text())
    assert config["recipe"]["learning_rate"] == TINY.learning_rate
    assert (config["split"], config["seed"], config["front_end"]["hop_length"]) == (
        "fold:0/valid",
        0,
        1709,
    )
    assert {"revision", "versions", "seconds"} <= set(config)
    row = history(folder)[0]
    assert all(
        float(row[name]) >= 0 for name in ("train_loss", "val_loss", "val_segment", "val_track")
    )


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_stopped_run_ends_as_if_it_had_not_been(
    toy: Collection, tmp_path: Path, averaging: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(
        TINY,
        epochs=3,
        mixup=0.3,
        frequency_mask=16,
        gain_db=3.0,
        schedule="one-cycle",
        averaging=averaging,
    )
    straight = run(toy, tmp_path / "straight", recipe)
    original = EpochSampler.__iter__

    def stop_at_two(self: EpochSampler) -> Iterator[tuple[int, int]]:
        if self.epoch == 2:
            raise KeyboardInterrupt
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(EpochSampler, "__iter__", stop_at_two)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run(toy, tmp_path / "stopped", recipe)
    stopped = tmp_path / "stopped" / straight.name
    assert not (stopped / "checkpoint").exists()
    assert (stopped / "last.ckpt").exists()
    with (stopped / "history.csv").open("a") as out:
        out.write("2,9,,,\r\n")  # as if it had stopped after this row, before last.ckpt
    run(toy, tmp_path / "stopped", recipe)
    assert [row["epoch"] for row in history(stopped)] == ["0", "1", "2"]
    assert history(stopped) == history(straight)
    one, other = (
        Checkpoint.load(folder / "checkpoint").model.state_dict() for folder in (straight, stopped)
    )
    for name in one:
        torch.testing.assert_close(one[name], other[name], msg=name)


@pytest.mark.parametrize("split", ["all", "fold:0/valid"])
@pytest.mark.parametrize("place", ["before its row", "after its row", "after one checkpoint"])
def test_a_stop_at_an_epochs_end_doubles_none(
    toy: Collection, tmp_path: Path, split: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=3, patience=9)
    straight = run(toy, tmp_path / "straight", recipe, split)
    method, when = {
        "before its row": (_History.on_train_epoch_end, "before"),
        "after its row": (_History.on_train_epoch_end, "after"),
        "after one checkpoint": (ModelCheckpoint._save_checkpoint, "after"),
    }[place]

    def stopping(self: object, trainer: Any, other: Any) -> None:
        if when == "before" and trainer.current_epoch == 1:
            raise KeyboardInterrupt
        method(self, trainer, other)  # type: ignore[arg-type]
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        owner = ModelCheckpoint if "checkpoint" in place else _History
        patch.setattr(owner, method.__name__, stopping)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            run(toy, tmp_path / "stopped", recipe, split)
    again = run(toy, tmp_path / "stopped", recipe, split)
    assert history(again) == history(straight)
    digests = {Checkpoint.load(folder / "checkpoint").digest for folder in (straight, again)}
    assert len(digests) == 1


def test_sigterm_leaves_a_run_to_be_continued_and_another_status_than_0(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=3)
    straight = run(toy, tmp_path / "straight", recipe)
    original = EpochSampler.__iter__

    def terminated(self: EpochSampler) -> Iterator[tuple[int, int]]:
        if self.epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(EpochSampler, "__iter__", terminated)
        with pytest.raises(SystemExit) as left:
            run(toy, tmp_path / "stopped", recipe)
    assert left.value.code == 143
    stopped = tmp_path / "stopped" / straight.name
    assert (stopped / "last.ckpt").exists()
    run(toy, tmp_path / "stopped", recipe)
    assert history(stopped) == history(straight)


class Trap:
    """A pickle that would make a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.place),)


@pytest.mark.parametrize("file", ["last.ckpt", "config.json", "history.csv"])
def test_a_damaged_run_is_a_sentence_and_runs_nothing(
    toy: Collection, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(toy, tmp_path, replace(recipe))
    (folder,) = tmp_path.iterdir()
    contents = [(folder / file).read_bytes()[:-400], b"", b"\x00" * 50, b"[]"]
    if file == "history.csv":
        (folder / "last.ckpt").unlink()  # so that it is read
        contents = [b"", b"\x00" * 50, b"a,b\n1,2\n"]
    trap = tmp_path / "trapped"
    torch.save({"state_dict": Trap(trap)}, folder / "trap")
    if file == "last.ckpt":
        contents += [(folder / "trap").read_bytes(), pickle.dumps(Trap(trap))]
        torch.save({"state_dict": {}}, folder / "trap")
        contents += [(folder / "trap").read_bytes()]
    for content in contents:
        (folder / file).write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged.*[Dd]elete"):
            run(toy, tmp_path, recipe)
    assert not trap.exists()


def test_a_finished_run_is_not_trained_again(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=1)
    folder = run(toy, tmp_path, recipe)
    monkeypatch.setattr(
        "pytorch_lightning.Trainer.fit", lambda *_, **__: pytest.fail("trained again")
    )
    assert run(toy, tmp_path, recipe) == folder


def test_a_run_stopped_before_its_checkpoint_was_written_keeps_the_averaged_weights(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TINY, epochs=2, averaging=0.9)
    straight = run(toy, tmp_path / "straight", recipe)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            run(toy, tmp_path / "stopped", recipe)
    again = run(toy, tmp_path / "stopped", recipe)
    assert (
        Checkpoint.load(again / "checkpoint").digest
        == Checkpoint.load(straight / "checkpoint").digest
    )


def test_other_data_is_another_run(toy: Collection, tmp_path: Path) -> None:
    run(toy, tmp_path, replace(TINY, epochs=1))
    other = replace(toy, targets=toy.targets[::-1].copy())
    with pytest.raises(ValueError, match="holds a run that differs in data"):
        run(other, tmp_path, replace(TINY, epochs=1))


def test_other_settings_do_not_overwrite_a_run(toy: Collection, tmp_path: Path) -> None:
    run(toy, tmp_path, replace(TINY, epochs=1))
    with pytest.raises(ValueError, match="holds a run that differs in recipe"):
        run(toy, tmp_path, replace(TINY, epochs=2))


def test_early_stopping_keeps_the_best_epoch(toy: Collection, tmp_path: Path) -> None:
    recipe = replace(
        TINY, epochs=30, patience=2, delta=10.0
    )  # no epoch is 10 better than the first
    folder = run(toy, tmp_path, recipe, "fold:0/valid")
    assert len(history(folder)) == 3
    assert not list(folder.glob("*.ckpt"))


class TestAugmentation:
    def module(self, **changes: object) -> TrainingModule:
        return TrainingModule(replace(TINY, **changes), GTZAN_FRONT_END, 4, seed=0, steps=10)  # type: ignore[arg-type]

    def test_nothing_asked_nothing_changed(self) -> None:
        mel = -80 * torch.rand(4, 1, 128, 39)
        assert torch.equal(self.module().augment(mel, torch.Generator()), mel)

    def test_silence_stays_silence(self) -> None:
        mel = torch.full((4, 1, 128, 39), -80.0)
        module = self.module(gain_db=3.0, equaliser_db=6.0, frequency_mask=16, time_mask=0.6)
        assert torch.equal(module.augment(mel, torch.Generator()), mel)

    def test_gain_moves_an_item_as_a_whole_and_within_bounds(self) -> None:
        mel = -20 - 20 * torch.rand(50, 1, 128, 39)
        moved = self.module(gain_db=3.0).augment(mel, torch.Generator()) - mel
        assert float(moved.flatten(1).std(dim=1).max()) < 1e-5
        assert 2 < float(moved.abs().max()) <= 3

    def test_equaliser_moves_bands_not_moments(self) -> None:
        mel = -20 - 20 * torch.rand(50, 1, 128, 39)
        moved = self.module(equaliser_db=6.0).augment(mel, torch.Generator()) - mel
        assert float(moved.std(dim=3).max()) < 1e-5
        assert 4 < float(moved.abs().max()) <= 6

    def test_mixstyle_lends_a_crop_the_level_of_another(self) -> None:
        mel = torch.tensor([-60.0, -30.0]).repeat(25).view(50, 1, 1, 1) + 2 * torch.randn(
            50, 1, 128, 39
        )
        moved = (self.module(mixstyle=1.0).augment(mel, torch.Generator()) - mel).mean(
            dim=(1, 2, 3)
        )
        assert float(moved[0::2].min()) > -1
        assert float(moved[0::2].max()) > 10
        assert float(moved[1::2].min()) < -10

    @pytest.mark.parametrize(
        "changes",
        [
            {"time_warp": 0.46},
            {"noise_db": (0.0, 20.0)},
            {"noise_db": (10.0, 10.0), "noise": "vinyl"},
        ],
    )
    def test_the_labs_augmentations_train_too(self, changes: dict[str, object]) -> None:
        mel = -20 - 20 * torch.rand(8, 1, 128, 39)
        moved = self.module(**changes).augment(mel, torch.Generator())
        assert moved.shape == mel.shape
        assert not torch.equal(moved, mel)
        assert -80 <= float(moved.min()) <= float(moved.max()) <= 0


def test_a_run_starts_from_another_ones_weights(toy: Collection, tmp_path: Path) -> None:
    folder = run(toy, tmp_path, replace(TINY, epochs=1))
    network = CRNN(TINY.model_config(GTZAN_FRONT_END, 4))
    last = network.linear.weight.clone()
    initial = Checkpoint.load(folder / "checkpoint").model
    init_from(network, initial)
    expected = initial.state_dict()
    for name, value in network.state_dict().items():
        if name != "linear.bias":
            assert torch.equal(value, last if name == "linear.weight" else expected[name])


def test_a_recipe_that_starts_from_another_run_is_not_trained_without_it(
    toy: Collection, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="pass initial_run"):
        run(toy, tmp_path, replace(TINY, init_from="genre/tiny/all"))


def test_another_architecture_can_not_be_started_from() -> None:
    with pytest.raises(ValueError, match="differ in more than classes"):
        init_from(
            CRNN(TINY.model_config(GTZAN_FRONT_END, 4)),
            CRNN(replace(TINY, gru=4).model_config(GTZAN_FRONT_END, 4)),
        )


def test_an_earlier_runs_config_is_read_by_the_names_of_its_time(
    toy: Collection, tmp_path: Path
) -> None:
    """Settings that came later were at their defaults, renamed and removed ones are understood."""
    recipe = replace(TINY, epochs=1)
    folder = run(toy, tmp_path, recipe)
    config = json.loads((folder / "config.json").read_text())
    settings = config["recipe"]
    del settings["mixstyle"]
    settings |= {"start": settings.pop("init_from"), "beside": settings.pop("auxiliary")}
    settings |= {"stretch": 0.0, "pitch": 0.0, "teacher": "", "distillation": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    assert run(toy, tmp_path, recipe) == folder
    settings["pitch"] = 2.0
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="recipe setting pitch"):
        run(toy, tmp_path, recipe)
