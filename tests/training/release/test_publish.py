"""Push to a Hub on loopback with the real client, pull back, and read the card as the Hub does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

from crnn.model.checkpoint import BUNDLED, Checkpoint
from crnn.model.ood import N_FEATURES
from tests.fakes.hub import TOKEN, FakeHub
from training.cli import main
from training.ood.fit import fit

REPO = "user/genre-crnn"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield server


def publish(*arguments: str) -> int:
    return main(["publish", "--repo", REPO, *arguments])


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_what_is_pushed_is_what_is_pulled(
    hub: FakeHub, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish("--task", task) == 0
    assert f"{hub.endpoint}/{REPO}/commit/" in capsys.readouterr().out
    pulled, bundled = Checkpoint.load(REPO), Checkpoint.load(task)
    assert pulled.folder is not None
    assert sorted(file.name for file in pulled.folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    for name in ("config.json", "model.safetensors"):
        assert (pulled.folder / name).read_bytes() == (BUNDLED / task / name).read_bytes()
    assert pulled.digest == bundled.digest
    assert pulled.results == bundled.results


def test_the_card_has_a_model_index_with_every_protocol(hub: FakeHub) -> None:
    assert publish() == 0
    bundled, folder = Checkpoint.load("genre"), Checkpoint.load(REPO).folder
    assert folder is not None
    card = ModelCard.load(folder / "README.md")
    assert (card.data.license, card.data.pipeline_tag) == ("mit", "audio-classification")
    assert {"music", "genre", "crnn"} <= set(card.data.tags)
    entries = card.data.eval_results
    assert {entry.dataset_config for entry in entries} == {
        f"protocol {name}" for name in bundled.results
    }
    accuracy = {
        e.dataset_config: e.metric_value for e in entries if e.metric_name == "Track accuracy"
    }
    assert accuracy == {
        f"protocol {name}": figures["track_accuracy"] for name, figures in bundled.results.items()
    }
    for chapter in ("Training data", "## Measured", "## Intended use", "licence"):
        assert chapter in card.text


def test_a_folder_without_card_gets_one(hub: FakeHub, tmp_path: Path) -> None:
    Checkpoint.load("mood").save(tmp_path / "mine")
    assert publish("--folder", str(tmp_path / "mine")) == 0
    folder = Checkpoint.load(REPO).folder
    assert folder is not None
    assert "Mood of a music track" in ModelCard.load(folder / "README.md").text


def test_doubt_travels_along(hub: FakeHub, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    usual = replace(
        fit(rng.standard_normal((200, N_FEATURES))),
        threshold=1.25,
        origin="a validation part",
    )
    replace(Checkpoint.load("genre"), ood=usual).save(tmp_path / "mine")
    assert publish("--folder", str(tmp_path / "mine")) == 0
    pulled = Checkpoint.load(REPO)
    assert pulled.ood is not None
    assert (pulled.ood.threshold, pulled.ood.origin) == (1.25, "a validation part")
    for one, other in zip(pulled.ood.components, usual.components, strict=True):
        np.testing.assert_allclose(one.whitening, other.whitening, rtol=1e-5)
    assert pulled.folder is not None
    assert "a validation part" in (pulled.folder / "README.md").read_text()


def test_private_and_a_branch_of_its_own(hub: FakeHub) -> None:
    assert publish("--private", "--revision", "v2") == 0
    repository = hub.repositories[REPO]
    assert repository.private
    assert set(repository.commits[repository.refs["v2"]]) == {
        "config.json",
        "model.safetensors",
        "README.md",
    }
    assert Checkpoint.load(f"{REPO}@v2").task == "genre"


def test_a_second_push_changes_only_what_differs(hub: FakeHub) -> None:
    assert publish("--task", "genre") == 0
    assert publish("--task", "mood") == 0
    assert Checkpoint.load(REPO).task == "mood"


def failing(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert publish(*arguments) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert TOKEN not in said
    return said


def test_errors_are_sentences(
    hub: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "no such folder" in failing(capsys, "--folder", str(tmp_path / "nowhere"))
    assert "no config.json there" in failing(capsys, "--folder", str(tmp_path))
    assert "names no revision that can exist" in failing(capsys, "--revision", "../x")
    assert "is not the name of a model repository" in failing(capsys, "--repo", "just-a-name")
    assert "give it as --revision" in failing(capsys, "--repo", f"{REPO}@v1")
    assert "does not let this token write to somebody-else" in failing(
        capsys, "--repo", "somebody-else/crnn"
    )
    hub.add(REPO, {"README.md": b"# Here already"})
    assert "is there already, and public" in failing(capsys, "--private")
    assert set(hub.repositories[REPO].refs) == {"main"}
    assert len(hub.repositories[REPO].commits) == 1
    hub.status = 500
    assert "answered 500" in failing(capsys)
    hub.status = 0
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    assert "does not accept the token" in failing(capsys)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.down()
    assert "does not answer" in failing(capsys)


def test_without_a_token_nothing_is_asked(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert "There is no token for the Hub" in failing(capsys)
    assert hub.asked == []
