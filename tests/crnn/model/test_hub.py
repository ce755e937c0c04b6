"""Checkpoints from the Hub: the real client against a Hub on loopback, whole and out of reach."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crnn.errors import CheckpointError
from crnn.model import hub as hub_module
from crnn.model import metadata
from crnn.model.checkpoint import Checkpoint
from crnn.model.hub import HubAddress
from tests.crnn.conftest import NAME, message
from tests.fakes.hub import FakeHub, Files


def test_what_is_on_the_hub_is_what_is_loaded(hub: FakeHub, files: Files, tiny: Checkpoint) -> None:
    repository = hub.add(NAME, files)
    shares: list[float] = []
    loaded = Checkpoint.load(NAME, progress=shares.append)
    segments = -80 * torch.rand(2, 1, 128, 39)
    torch.testing.assert_close(loaded.model(segments), tiny.model(segments), rtol=0, atol=0)
    assert (loaded.labels, loaded.task, loaded.front_end) == (
        tiny.labels,
        tiny.task,
        tiny.front_end,
    )
    assert (loaded.commit, loaded.notice) == (repository.refs["main"], "")
    assert loaded.folder is not None
    assert {file.name: file.read_bytes() for file in loaded.folder.iterdir()} == files
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_only_three_files_are_ever_asked_for(hub: FakeHub, files: Files) -> None:
    hub.add(
        NAME,
        files
        | {
            "pytorch_model.bin": b"\x80\x04.",
            "modeling.py": b"raise SystemExit",
            "big.ckpt": bytes(9),
        },
    )
    Checkpoint.load(NAME)
    asked = {path.rsplit("/", 1)[-1] for _, path, _ in hub.asked if not path.startswith("/api/")}
    assert asked == {"config.json", "model.safetensors", "README.md"}


def test_a_second_load_downloads_nothing(hub: FakeHub, files: Files) -> None:
    hub.add(NAME, files)
    Checkpoint.load(NAME)
    hub.asked.clear()
    Checkpoint.load(NAME)
    assert hub.fetched() == []


def test_a_revision_is_honoured(hub: FakeHub, files: Files, tiny: Checkpoint) -> None:
    repository = hub.add(NAME, files)
    first = repository.refs["main"]
    changed = json.loads(files["config.json"]) | {"labels": ["x", "y", "z"]}
    repository.commit({"config.json": json.dumps(changed).encode()}, "main")
    repository.refs["refs/pr/1"] = first
    assert Checkpoint.load(NAME).labels == ("x", "y", "z")
    for revision in (first, "refs/pr/1"):
        loaded = Checkpoint.load(f"{NAME}@{revision}")
        assert (loaded.labels, loaded.commit) == (tiny.labels, first)


def test_a_commit_fetched_before_needs_no_hub(hub: FakeHub, files: Files) -> None:
    commit = hub.add(NAME, files).refs["main"]
    Checkpoint.load(NAME)
    hub.down()
    assert Checkpoint.load(f"{NAME}@{commit}").notice == ""


def test_without_a_card_it_is_loaded_too(hub: FakeHub, files: Files) -> None:
    del files["README.md"]
    hub.add(NAME, files)
    assert Checkpoint.load(NAME).task == "toy"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "_TIMEOUT", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", ["down", "500", "503", "429", "portal", "silence"])
def test_without_the_hub_the_copy_is_used_and_said_so(
    hub: FakeHub, files: Files, trouble: str
) -> None:
    commit = hub.add(NAME, files).refs["main"]
    Checkpoint.load(NAME)
    into_trouble(hub, trouble)
    loaded = Checkpoint.load(NAME)
    assert loaded.commit == commit
    assert f"In use is the copy fetched earlier, revision {commit[:12]}" in loaded.notice


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("down", "does not answer"),
        ("500", "answered 500"),
        ("429", "answered 429"),
        ("portal", "did not come from the Hugging Face Hub"),
        ("silence", "does not answer"),
    ],
)
def test_without_the_hub_and_without_a_copy(
    hub: FakeHub, files: Files, trouble: str, words: str
) -> None:
    hub.add(NAME, files)
    into_trouble(hub, trouble)
    said = message()
    assert words in said
    assert "No copy of it was fetched before. Try again later." in said


SIBLINGS = [{"rfilename": "config.json", "size": 9}, {"rfilename": "model.safetensors", "size": 9}]
LISTING: dict[str, Any] = {"id": NAME, "sha": "a1" * 20, "siblings": SIBLINGS}


@pytest.mark.parametrize(
    "listing",
    [
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        *(
            json.dumps(LISTING | changes).encode()
            for changes in (
                {"sha": 3},
                {"sha": []},
                {"sha": "\ud800"},
                {"siblings": 3},
                {"siblings": [3]},
                {"siblings": [{"rfilename": 3}]},
                {"siblings": [{}]},
                {"siblings": [SIBLINGS[0] | {"size": "9"}]},
                {"siblings": [SIBLINGS[0] | {"size": 1e999}]},
                {"siblings": [SIBLINGS[0] | {"size": None}]},
                {"siblings": [SIBLINGS[0] | {"size": -1}]},
                {"lastModified": 3},
                {"tags": 3, "cardData": 3, "config": 3, "gated": {}},
            )
        ),
    ],
)
def test_a_listing_of_another_form_is_a_sentence(
    hub: FakeHub, files: Files, listing: bytes
) -> None:
    hub.add(NAME, files)
    hub.listing = listing
    assert message()


def test_a_size_too_large_for_a_float_is_a_sentence(hub: FakeHub, files: Files) -> None:
    hub.add(NAME, files).announced["model.safetensors"] = 10**400
    assert "up to 64 MB are accepted" in message()


def into_trouble(hub: FakeHub, trouble: str) -> None:
    if trouble == "down":
        hub.down()
    elif trouble == "silence":
        hub.delay = 1.0
    elif trouble == "portal":
        hub.portal = True
    else:
        hub.status = int(trouble)


def test_the_hub_dies_half_way(hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.add(NAME, files).broken.add("model.safetensors")
    assert "the download of model.safetensors broke off" in message()
    hub.repositories[NAME].broken.clear()
    assert Checkpoint.load(NAME).task == "toy"  # nothing half is left behind


def test_a_newer_version_that_cannot_be_had_leaves_the_older(hub: FakeHub, files: Files) -> None:
    """A branch moved on to a refused config: without the Hub, the older copy is found."""
    repository = hub.add(NAME, files)
    first = repository.refs["main"]
    Checkpoint.load(NAME)
    repository.commit({"config.json": b"{}"})
    assert "config.json" in message()
    hub.down()
    assert Checkpoint.load(NAME).commit == first


def test_a_folder_here_is_preferred_to_a_repository_of_its_name(
    hub: FakeHub, tiny: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(tiny, temperature=2.0).save(tmp_path / "user" / "toy-crnn")
    monkeypatch.chdir(tmp_path)
    assert Checkpoint.load(NAME).temperature == 2.0
    assert hub.asked == []
    # What a visitor enters is never a folder.
    with pytest.raises(CheckpointError, match="there is no such repository"):
        Checkpoint.load(HubAddress(NAME))


def test_what_visitors_tried_longest_ago_makes_room(
    hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_ANONYMOUS_BYTES", int(2.5 * sum(map(len, files.values()))))
    for number in range(5):
        hub.add(f"user/r{number}", files)
        Checkpoint.load(f"user/r{number}", anonymous=True)
    left = sorted(
        folder.name for folder in hub_module.cache_folder(anonymous=True).glob("models--*")
    )
    assert left[-1] == "models--user--r4"
    assert len(left) <= 3


def test_metadata_without_torch_is_the_checkpoints(files: Files, tmp_path: Path) -> None:
    read, loaded = metadata.read(tmp_path / "made"), Checkpoint.load(tmp_path / "made")
    assert read == loaded.metadata
    assert read.digest == loaded.digest
    assert read.results == loaded.results
    assert read.card == "# A toy\n"


def test_neither_addresses_nor_metadata_import_anything_heavy() -> None:
    code = """
import sys
from pathlib import Path
from crnn.model import hub, metadata
hub.parse_address("user/repo")
metadata.read(Path("assets/checkpoints/genre"))
heavy = {"torch", "numpy", "pydantic", "httpx2", "huggingface_hub.hf_api"}
sys.exit(" ".join(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""
