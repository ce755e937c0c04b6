"""A checkpoint comes back as it was written, or a sentence says why not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crnn.errors import CheckpointError
from crnn.model.checkpoint import Checkpoint


def test_what_is_saved_is_loaded(tiny: Checkpoint, tmp_path: Path) -> None:
    replace(tiny, results={"F": {"track_accuracy": 0.5}}, data="three tracks").save(
        tmp_path, card="# A card\n"
    )
    loaded = Checkpoint.load(tmp_path)
    assert (loaded.task, loaded.labels, loaded.front_end) == (
        tiny.task,
        tiny.labels,
        tiny.front_end,
    )
    assert (loaded.temperature, loaded.results, loaded.data) == (
        1.3,
        {"F": {"track_accuracy": 0.5}},
        "three tracks",
    )
    segments = -80 * torch.rand(3, 1, 128, 39)
    torch.testing.assert_close(loaded.model(segments), tiny.model(segments), rtol=0, atol=0)
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]


def test_a_log_bias_multiplies_the_odds(tiny: Checkpoint, tmp_path: Path) -> None:
    biased = replace(tiny, log_bias=(1.0, 0.0, -1.0))
    biased.save(tmp_path)
    loaded = Checkpoint.load(tmp_path)
    logits = torch.randn(4, 3)
    odds = (logits / 1.3).softmax(-1) * torch.tensor([1.0, 0.0, -1.0]).exp()
    torch.testing.assert_close(loaded.scaled(logits).softmax(-1), odds / odds.sum(-1, keepdim=True))
    torch.testing.assert_close(tiny.scaled(logits), logits / 1.3)
    edit(tmp_path, log_bias=[1.0, 2.0])
    with pytest.raises(CheckpointError, match="2 numbers for 3 outputs"):
        Checkpoint.load(tmp_path)
    edit(tmp_path, log_bias=[1.0, 2.0, 1e9])
    with pytest.raises(CheckpointError, match="log_bias"):
        Checkpoint.load(tmp_path)


def test_weights_are_the_same_bytes_every_time(tiny: Checkpoint, tmp_path: Path) -> None:
    for name in "ab":
        tiny.save(tmp_path / name)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (
        tmp_path / "b/model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(tiny: Checkpoint, tmp_path: Path, name: str) -> None:
    tiny.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CheckpointError, match=f"no {name} there"):
        Checkpoint.load(tmp_path)


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99}, "format 99; this version reads format 1"),
        ({"labels": ["a", "b"]}, "2 different labels for 3 outputs"),
        ({"labels": ["a", "b", "B"]}, "two labels are shown as 'B'"),
        ({"segment_seconds": 5}, "front end makes"),
        ({"temperature": 0}, "temperature is 0: input should be greater than or equal to 0.01"),
        ({"model": {"n_mels": 128}}, "does not describe a network of ours"),
        ({"front_end": {"mel_scale": "bark"}}, "does not describe a network of ours"),
        ({"front_end": {"n_fft": 2048.5}}, "n_fft is 2048.5: input should be a valid integer"),
        ({"front_end": None}, "does not describe a network of ours"),
        ({"labels": 3}, "does not describe a network of ours"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(
    tiny: Checkpoint, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    tiny.save(tmp_path)
    edit(tmp_path, **changes)
    with pytest.raises(CheckpointError, match=words):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("pools", [[0, 1], [4, 2], [4, 2], [8, 1]]), ("channels", [4, -4, 4, 4]), ("gru", 0)],
)
def test_impossible_sizes_are_refused(
    tiny: Checkpoint, tmp_path: Path, setting: str, value: Any
) -> None:
    tiny.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    edit(tmp_path, model=config["model"] | {setting: value})
    with pytest.raises(CheckpointError, match="input should be greater than 0"):
        Checkpoint.load(tmp_path)


def test_a_config_without_its_task_is_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    tiny.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["task"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="'task'"):
        Checkpoint.load(tmp_path)


def test_weights_of_another_network_are_refused(tiny: Checkpoint, tmp_path: Path) -> None:
    tiny.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    edit(tmp_path, model=config["model"] | {"gru": 16})
    with pytest.raises(CheckpointError, match=r"model.safetensors does not fit config.json"):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b[:-500], lambda b: b"\x80\x04pickle", lambda b: b""])
def test_damaged_weights_are_refused(tiny: Checkpoint, tmp_path: Path, damage: Any) -> None:
    tiny.save(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CheckpointError, match="damaged"):
        Checkpoint.load(tmp_path)
