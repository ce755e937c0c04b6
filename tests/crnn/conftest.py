"""Local servers that play the Hub, Spotify, Deezer and Apple."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crnn.errors import CheckpointError
from crnn.model.checkpoint import Checkpoint
from crnn.sources import http, spotify
from crnn.sources.spotify import Credentials
from tests.fakes.hub import TOKEN, FakeHub, Files
from tests.fakes.services import CLIENT, Services

NAME = "user/toy-crnn"
CREDENTIALS = Credentials(*CLIENT)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server


@pytest.fixture
def files(tiny: Checkpoint, tmp_path: Path) -> Files:
    folder = tmp_path / "made"
    tiny.save(folder, card="---\nlicense: mit\n---\n# A toy\n")
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def message(source: str = NAME, **arguments: Any) -> str:
    """The message that loading fails with: one line, without traceback or token."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(source, **arguments)
    text = str(caught.value)
    assert "\n" not in text
    assert "Traceback" not in text
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return text


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)
    monkeypatch.setattr(spotify, "_tokens", {})
    monkeypatch.setattr(spotify, "_quiet_until", 0.0)
    running = Services()
    yield running
    running.stop()
