"""The playlists command against services on this machine, with the real spotipy and requests."""

import csv
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from crnn.sources import http
from tests.fakes.playlists import HAPPY, SAD, PlaylistServices, song
from tests.fakes.services import CLIENT
from training.cli import main
from training.playlists import rate_limit


class Place:
    """The services, an output folder, and a way to run the command."""

    def __init__(self, services: PlaylistServices, out: Path, port: int) -> None:
        self.services, self.out, self.port = services, out, port
        self.slept: list[float] = []

    def run(self, *more: str, moods: dict[str, str] | None = None) -> int:
        moods = moods or {"Happy": HAPPY, "Sad": SAD}
        playlists = [f"--playlist={mood}={link}" for mood, link in moods.items()]
        return self.command(*playlists, *more)

    def command(self, *options: str) -> int:
        redirect = f"--redirect=http://127.0.0.1:{self.port}/callback"
        confirmed = "--i-have-read-the-terms"
        return main(["playlists", f"--out={self.out}", redirect, confirmed, *options])

    def rows(self) -> list[dict[str, str]]:
        with (self.out / "manifest.csv").open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))

    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = json.loads((self.out / "properties.json").read_text())
        return properties

    def asked(self, host: str) -> list[str]:
        return [address for address in self.services.asked if urlsplit(address).hostname == host]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    services = PlaylistServices()
    services.lists[HAPPY] = [song(n) for n in range(4)]
    services.lists[SAD] = [song(n) for n in range(10, 13)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    place = Place(services, tmp_path / "out", port)
    monkeypatch.setattr(rate_limit, "RateLimitedSession", services.session)
    monkeypatch.setattr(rate_limit, "sleep", place.slept.append)
    monkeypatch.setattr(http, "sleep", lambda seconds: None)
    monkeypatch.setattr("webbrowser.open", services.browser)
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", CLIENT[1])
    yield place
    services.stop()
