"""The Model panel through Streamlit's own tester: bundled networks, others from a Hub on loopback, and every failure in words."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from crnn.checkpoint import BUNDLED, Checkpoint
from crnn.model import CRNN, ModelConfig, pool_sizes
from crnn.spectrogram import PAPER
from tests.conftest import encode, melody
from tests.fakes.hub import TOKEN, FakeHub, Files

ROOT = Path(__file__).parents[2]
REPO = "user/three-genres"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
        for name in ("HF_TOKEN", "GENRE_CHECKPOINT", "MOOD_CHECKPOINT"):
            monkeypatch.delenv(name, raising=False)
        st.cache_resource.clear()
        yield server
        st.cache_resource.clear()


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run goes through app.py, as on any server after its first: the tester forgets that between runs and would draw the page
    without its frame, and so without the panel."""
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
    """Three classes of its own, the paper's front end and 5 s segments: nothing as in the bundled network."""
    torch.manual_seed(1)
    config = ModelConfig(
        n_mels=128, frames=PAPER.frames(5.0), n_classes=3, pools=pool_sizes(PAPER), channels=(4, 4, 4, 4), gru=8
    )
    results = {
        "F": {"track_accuracy": 0.421, "track_accuracy_sd": 0.02, "runs": "mean of 2 seeds", "context": "A *test*."}
    }
    checkpoint = Checkpoint("genre", ("fado", "polka", "rock"), PAPER, 5.0, CRNN(config).eval(), results=results)
    card = "---\nlicense: mit\n---\n# Three genres\n\n![tracker](https://pictures.example/x.png) made for tests\n"
    return packed(checkpoint, tmp_path / "other", card)


def start() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def attempt(page: AppTest, text: str) -> AppTest:
    return page.text_input(key="other_network").set_value(text).run()


def figures(page: AppTest) -> list[dict[str, Any]]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def genres(page: AppTest) -> set[str]:
    return set(figures(page)[2]["data"][0]["y"])


def sidebar(page: AppTest) -> str:
    kinds = (page.sidebar.markdown, page.sidebar.caption, page.sidebar.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_what_is_in_use_is_told_before_anything_is_loaded(hub: FakeHub) -> None:
    page = start()
    assert not page.exception
    told = sidebar(page)
    for task in ("genre", "mood"):
        checkpoint = Checkpoint.load(task)
        assert f"Weights {checkpoint.digest}" in told
        assert f"trained by code {checkpoint.revision[:12]}" in told
        for protocol, measured in checkpoint.results.items():
            line = next(line for line in told.splitlines() if line.startswith(f"- **{protocol}**"))
            assert f"{100 * measured['track_accuracy']:.1f} in 100 right" in line
        assert f"{task.capitalize()} of a music track, by a convolutional recurrent network" in told
    assert "license: mit" not in told
    assert not page.warning
    assert hub.asked == []


def test_another_repository_is_heard_at_once_and_left_again(hub: FakeHub, other: Files) -> None:
    commit = hub.add(REPO, other).refs["main"]
    page = start()
    page.button(key="example-hunting").click().run()
    before = genres(page)
    attempt(page, REPO)
    assert not page.exception
    assert not page.error
    assert genres(page) == {"fado", "polka", "rock"}
    told = sidebar(page)
    assert REPO in told
    assert commit[:12] in told
    assert "artists it never heard, filtered GTZAN lists: 42.1 in 100 right (± 2.0)" in told.replace("\\", "")
    assert r"A \*test\*; mean of 2 seeds" in told
    assert "GTZAN collection" not in "\n".join(c.value for c in page.sidebar.caption)
    page.button(key="default-genre").click().run()
    assert genres(page) == before
    assert page.text_input(key="other_network").value == ""


def test_a_card_loads_no_pictures(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    page = attempt(start(), REPO)
    assert "[tracker](https://pictures.example/x.png)" in sidebar(page)
    assert "![" not in sidebar(page)


def test_an_upload_is_heard_again_and_the_lab_follows(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    page = start()
    page.segmented_control(key="source").set_value("Upload").run()
    page.file_uploader(key="upload").set_value(("mine.wav", encode(melody(12)), "audio/wav")).run()
    attempt(page, f"https://huggingface.co/{REPO}")
    assert not page.exception
    assert genres(page) == {"fado", "polka", "rock"}
    assert "mine.wav" in [element.value for element in page.subheader]
    page.switch_page("pages/lab.py").run()
    assert not page.exception
    assert not page.error
    assert any({"fado", "polka"} & set(trace.get("y", ())) for figure in figures(page) for trace in figure["data"])


def test_the_choice_of_one_visitor_is_not_that_of_another(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    mine, theirs = start(), start()
    attempt(mine, REPO)
    for page in (mine, theirs, mine):
        page.button(key="example-palace").click().run()
        assert not page.exception
    assert genres(mine) == {"fado", "polka", "rock"}
    assert len(genres(theirs)) == 10
    assert REPO not in sidebar(theirs)


def test_a_newer_commit_does_not_change_what_is_looked_at(hub: FakeHub, other: Files) -> None:
    repository = hub.add(REPO, other)
    first = repository.refs["main"]
    page = attempt(start(), REPO)
    repository.commit({"config.json": b"{}"})
    page.button(key="example-palace").click().run()
    assert first[:12] in sidebar(page)
    assert genres(page) == {"fado", "polka", "rock"}


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
    "another task": "tells apart “toy”. This app shows genre and mood",
    "down": "does not answer",
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_each_failure_is_a_sentence_and_the_page_goes_on(
    hub: FakeHub, other: Files, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # what the deployer may read is not for visitors
    in_trouble(hub, other, kind)
    page = attempt(start(), REPO)
    assert not page.exception
    assert TROUBLE[kind] in page.error[0].value.replace("\\", "")
    assert TOKEN not in str(page.error[0].value)
    page.button(key="example-mountain").click().run()
    assert len(genres(page)) == 10
    assert len(page.error) == 1  # it stays, for whoever looked elsewhere


@pytest.mark.parametrize("text", ["nonsense", "assets/checkpoints", "../shared/x", "user/repo@../..", "<b>x</b>/`y`"])
def test_what_is_entered_is_never_a_folder(hub: FakeHub, text: str) -> None:
    page = attempt(start(), text)
    assert not page.exception
    said = page.error[0].value
    assert (
        "is not the name of a model repository" in said or "no such repository" in said or "names no revision" in said
    )
    assert "<b>" not in said.replace(r"\<", "")


def test_after_a_failure_the_same_name_can_be_tried_again(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    hub.down()
    page = attempt(start(), REPO)
    assert page.error
    hub.up()
    page.button(key="network-again").click().run()
    assert not page.error
    assert REPO in sidebar(page)


def test_a_track_that_another_network_cannot_hear_brings_the_default_back(
    hub: FakeHub, tiny: Checkpoint, tmp_path: Path
) -> None:
    """A front end with a long hop may see only silence between its frames."""
    hub.add(REPO, packed(replace(tiny, task="genre"), tmp_path / "tiny"))
    page = start()
    page.segmented_control(key="source").set_value("Upload").run()
    page.file_uploader(key="upload").set_value(("mine.wav", encode(melody(4)), "audio/wav")).run()
    with pytest.MonkeyPatch.context() as patch:
        from crnn.errors import AudioError

        def fail(*_: object) -> None:
            raise AudioError("The audio is silent.")

        patch.setattr("crnn.analysis.analyse", fail)
        attempt(page, REPO)
    assert not page.exception
    assert "could not be heard: The audio is silent." in page.error[0].value.replace("\\", "")
    page.run()
    assert REPO not in sidebar(page).replace(page.error[0].value, "")
    assert len(genres(page)) == 10  # as it was heard before


class TestSettings:
    def test_a_repository_named_in_the_environment_is_used_by_all(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add(REPO, other, private=True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        for page in (start(), start()):
            assert REPO in sidebar(page)
            page.button(key="example-palace").click().run()
            assert genres(page) == {"fado", "polka", "rock"}
            assert not page.warning
        assert hub.fetched().count("config.json") == 1

    def test_secrets_name_one_as_well(self, hub: FakeHub, other: Files) -> None:
        hub.add(REPO, other)
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        page.secrets["GENRE_CHECKPOINT"] = REPO
        page.run()
        page.button(key="example-palace").click().run()
        assert not page.exception
        assert genres(page) == {"fado", "polka", "rock"}

    def test_a_folder_too(self, hub: FakeHub, other: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENRE_CHECKPOINT", str(tmp_path / "other"))
        page = start()
        page.button(key="example-palace").click().run()
        assert genres(page) == {"fado", "polka", "rock"}

    @pytest.mark.parametrize("kind", [*TROUBLE, "missing"])
    def test_one_that_cannot_be_had_leaves_the_bundled_one_and_a_notice(
        self, hub: FakeHub, other: Files, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if kind != "missing":
            in_trouble(hub, other, kind)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        page = start()
        page.button(key="example-palace").click().run()
        assert not page.exception
        assert len(genres(page)) == 10
        said = page.warning[0].value.replace("\\", "")
        assert TROUBLE.get(kind, "there is no such repository") in said
        assert "In use for genre is the network that comes with this app." in said
        page.button(key="dismiss-0").click().run()
        assert not page.warning
        page.button(key="example-hunting").click().run()
        assert not page.warning

    def test_a_mood_checkpoint_is_no_genre_checkpoint(self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GENRE_CHECKPOINT", str(BUNDLED / "mood"))
        page = start()
        page.button(key="example-palace").click().run()
        assert "is a checkpoint for mood, not for genre" in page.warning[0].value
        assert len(genres(page)) == 10

    def test_a_copy_fetched_earlier_is_used_and_told(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add(REPO, other)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        Checkpoint.load(REPO)
        hub.down()
        page = start()
        page.button(key="example-palace").click().run()
        assert genres(page) == {"fado", "polka", "rock"}
        assert "copy fetched earlier" in page.warning[0].value

    def test_a_hub_that_comes_back_is_asked_again_after_a_while(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from pages.parts import networks

        hub.add(REPO, other)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        hub.down()
        page = start()
        page.button(key="example-palace").click().run()
        hub.up()
        page.run()
        assert len(genres(page)) == 10
        monkeypatch.setattr(networks, "_PATIENCE", 0)
        page.run()
        assert not page.exception
        assert genres(page) == {"fado", "polka", "rock"}


def test_the_first_page_imports_neither_torch_nor_the_hub_client() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; import pages.parts.shared as s; s.warm_up = lambda: None;"
        "page = AppTest.from_file('app.py', default_timeout=30).run(); assert not page.exception, page.exception;"
        "assert any('Weights' in c.value for c in page.sidebar.caption);"
        "heavy = {'torch', 'huggingface_hub', 'httpx2', 'safetensors'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]
