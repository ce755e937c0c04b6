"""The model panel in Streamlit's own tester, a fake Hub, another network, every failure of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from crnn.audio.front_end import PAPER_FRONT_END
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN
from pages.shared import cache
from tests.fakes.hub import FakeHub, Files
from tests.pages.visit import figures

ROOT = Path(__file__).parents[3]
REPO = "user/three-genres"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        for name in ("HF_TOKEN", "GENRE_CHECKPOINT", "MOOD_CHECKPOINT"):
            monkeypatch.delenv(name, raising=False)
        cache.clear()
        yield server
        cache.clear()


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run goes through app.py, as on any server: the tester would run the page without the
    panel."""
    from streamlit.runtime.pages_manager import PagesManager

    class Later(PagesManager):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            PagesManager.uses_pages_directory = False
            super().__init__(*arguments, **named)

    monkeypatch.setattr("streamlit.testing.v1.app_test.PagesManager", Later)


def packed(checkpoint: Checkpoint, folder: Path, card: str | None = None) -> Files:
    checkpoint.save(folder, card)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def other(tmp_path: Path) -> Files:
    """Three classes, the paper's front end, 5 s segments: all unlike the bundled network."""
    torch.manual_seed(1)
    config = ModelConfig(
        n_mels=128,
        frames=PAPER_FRONT_END.frames(5.0),
        n_classes=3,
        pools=pool_sizes(PAPER_FRONT_END),
        channels=(4, 4, 4, 4),
        gru=8,
    )
    results = {
        "F": {
            "track_accuracy": 0.421,
            "track_accuracy_sd": 0.02,
            "runs": "mean of 2 seeds",
            "context": "A *test*.",
        }
    }
    checkpoint = Checkpoint(
        "genre",
        ("fado", "polka", "rock"),
        PAPER_FRONT_END,
        5.0,
        CRNN(config).eval(),
        results=results,
    )
    card = (
        "---\nlicense: mit\n---\n# Three genres\n\n"
        "!![tracker](https://pictures.example/x.png) made for tests\n"
    )
    return packed(checkpoint, tmp_path / "other", card)


def start() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def attempt(page: AppTest, text: str) -> AppTest:
    return page.text_input(key="other_network").set_value(text).run()


def genres(page: AppTest) -> set[str]:
    return set(figures(page)[0]["data"][0]["y"])


def panel(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def in_trouble(hub: FakeHub, other: Files, kind: str) -> None:
    files = dict(other)
    if kind == "pickle only":
        files["pytorch_model.bin"] = files.pop("model.safetensors")
    elif kind == "not ours":
        files = {"README.md": b"# A story"}
    elif kind == "damaged":
        files["model.safetensors"] = files["model.safetensors"][:-9]
    elif kind == "another task":
        files["config.json"] = files["config.json"].replace(b'"genre"', b'"toy"')
    repository = hub.add(REPO, files, private=kind == "private", gated=kind == "gated")
    if kind == "2 GB":
        repository.announced["model.safetensors"] = 2_000_000_000
    elif kind == "down":
        hub.down()


TROUBLE = {
    "private": "is private, or there is no such repository",
    "gated": "is gated",
    "not ours": "is not a checkpoint of this kind",
    "damaged": "is damaged or not in safetensors format",
    "pickle only": "only as a pickle",
    "2 GB": "has 2 GB; up to 64 MB are accepted",
    "another task": "predicts “toy”. This app shows genre and mood",
    "down": "does not answer",
}
