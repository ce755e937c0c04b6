"""Checkpoints from the Hub: the real client against a Hub on loopback, whole and in every kind of trouble."""

import json
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crnn import hub as hub_module
from crnn.checkpoint import Checkpoint
from crnn.errors import CheckpointError
from crnn.hub_address import HubAddress, parse
from crnn.meter import Meter
from tests.fakes.hub import TOKEN, FakeHub, Files

NAME = "user/toy-crnn"


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
    """The one sentence or two that loading fails with; nothing of the library's, no token."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(source, **arguments)
    said = str(caught.value)
    assert "\n" not in said
    assert "Traceback" not in said
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return said


GOOD = {
    "user/repo": HubAddress("user/repo"),
    "  user/repo \n": HubAddress("user/repo"),
    "u-1/my.crnn_v2@v1.0": HubAddress("u-1/my.crnn_v2", "v1.0"),
    "user/repo@refs/pr/3": HubAddress("user/repo", "refs/pr/3"),
    "user/repo@main": HubAddress("user/repo"),
    f"user/repo@{'a1' * 20}": HubAddress("user/repo", "a1" * 20),
    "https://huggingface.co/user/repo": HubAddress("user/repo"),
    "https://huggingface.co/user/repo/": HubAddress("user/repo"),
    "https://huggingface.co/user/repo?library=true#top": HubAddress("user/repo"),
    "https://huggingface.co/user/repo/tree/v2": HubAddress("user/repo", "v2"),
    "https://hf.co/user/repo": HubAddress("user/repo"),
    "huggingface.co/user/repo": HubAddress("user/repo"),
}

BAD = [
    "", " ", "repo", "user/", "/repo", "user//repo", "user/repo/", "a/b/c", "../etc", "user/..", "user/../x", "./user/repo",
    "user/repo@", "user/repo@..", "user/repo@../../main", "user/repo@a b", "user/repo@/main", "user/repo@-x", "user/repo@@v",
    "user/repo.git", "user/re--po", "user/re po", "user/repo\nx", "us\u0435r/r\u00e9po", "user/-repo", "~/repo", "C:\\user\\repo",
    "user/repo?x=1", "user/" + "r" * 200, "http://huggingface.co/user/repo", "https://huggingface.co.evil.example/user/repo",
    "https://huggingface.co@evil.example/user/repo", "https://user:pw@huggingface.co/user/repo", "https://evil.example/user/repo",
    "https://huggingface.co:444/user/repo", "https://huggingface.co/user", "https://[::1/user/repo", "file:///user/repo",
    "https://huggingface.co/user/repo/blob/main/config.json", "https://huggingface.co/user/%2e%2e", "hf://user/repo",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_good_addresses(text: str) -> None:
    assert parse(text) == GOOD[text]
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError, match=r"user/repo|after the @"):
        parse(text)


@pytest.mark.parametrize("kind", ["dataset", "space"])
def test_datasets_and_spaces_are_called_what_they_are(kind: str) -> None:
    for text in (f"{kind}s/user/repo", f"https://huggingface.co/{kind}s/user/repo"):
        with pytest.raises(CheckpointError, match=f"is a {kind}; a checkpoint lies in a model repository"):
            parse(text)


def test_what_is_on_the_hub_is_what_is_loaded(hub: FakeHub, files: Files, tiny: Checkpoint) -> None:
    repository = hub.add(NAME, files)
    shares: list[float] = []
    loaded = Checkpoint.load(NAME, progress=shares.append)
    segments = -80 * torch.rand(2, 1, 128, 39)
    torch.testing.assert_close(loaded.model(segments), tiny.model(segments), rtol=0, atol=0)
    assert (loaded.labels, loaded.task, loaded.front_end) == (tiny.labels, tiny.task, tiny.front_end)
    assert (loaded.commit, loaded.notice) == (repository.refs["main"], "")
    assert loaded.folder is not None
    assert {file.name: file.read_bytes() for file in loaded.folder.iterdir()} == files
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_only_three_files_are_ever_asked_for(hub: FakeHub, files: Files) -> None:
    hub.add(NAME, files | {"pytorch_model.bin": b"\x80\x04.", "modeling.py": b"raise SystemExit", "big.ckpt": bytes(9)})
    Checkpoint.load(NAME)
    asked = {path.rsplit("/", 1)[-1] for _, path, _ in hub.asked}
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
def test_without_the_hub_the_copy_is_used_and_said_so(hub: FakeHub, files: Files, trouble: str) -> None:
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
        ("portal", "is not the Hub"),
        ("silence", "does not answer"),
    ],
)
def test_without_the_hub_and_without_a_copy(hub: FakeHub, files: Files, trouble: str, words: str) -> None:
    hub.add(NAME, files)
    into_trouble(hub, trouble)
    said = message()
    assert words in said
    assert "No copy of it was fetched before. Try again later." in said


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
    """A branch moved on to weights that are refused: without the Hub, the complete copy is still found."""
    repository = hub.add(NAME, files)
    first = repository.refs["main"]
    Checkpoint.load(NAME)
    repository.commit({"config.json": b"{}"})
    assert "config.json" in message()
    hub.down()
    assert Checkpoint.load(NAME).commit == first


class TestRefusals:
    def test_private(self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
        hub.add(NAME, files, private=True)
        assert "is private, or there is no such repository" in message()
        assert "Set HF_TOKEN" in message()
        assert "Only public repositories" in message(anonymous=True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        assert Checkpoint.load(NAME).task == "toy"

    def test_what_the_token_may_read_is_not_for_visitors(
        self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither from the Hub nor from the deployer's cache, the Hub up or down."""
        hub.add(NAME, files, private=True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        commit = Checkpoint.load(NAME).commit
        assert "is private" in message(anonymous=True)
        assert "is private" in message(f"{NAME}@{commit}", anonymous=True)
        hub.down()
        assert "No copy" in message(anonymous=True)
        assert "No copy" in message(f"{NAME}@{commit}", anonymous=True)

    def test_no_token_is_sent_for_visitors(self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        hub.add(NAME, files)
        Checkpoint.load(NAME, anonymous=True)
        assert {authorization for _, _, authorization in hub.asked} == {""}

    def test_gated(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files, gated=True)
        assert f"{NAME} is gated" in message()
        assert hub.fetched() == []

    def test_missing(self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "there is no such repository" in message("user/nothing")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        assert "The Hub has no model repository user/nothing. Check the spelling" in message("user/nothing")

    def test_wrong_revision(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files)
        assert f"{NAME} has no revision “v9”" in message(f"{NAME}@v9")
        assert "has no revision" in message(f"{NAME}@{'0' * 40}")

    def test_disabled(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files, disabled=True)
        assert "has been disabled" in message()

    def test_a_token_that_is_not_accepted(self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
        hub.add(NAME, files)
        monkeypatch.setenv("HF_TOKEN", TOKEN[:-1])
        said = message()
        assert "does not accept the token" in said
        assert TOKEN[:-1] not in said

    def test_not_a_checkpoint(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, {"README.md": b"# Hello", "vocab.txt": b"a b"})
        assert "is not a checkpoint of this kind: it has no config.json" in message()
        hub.add("user/half", {"config.json": files["config.json"]})
        assert "it has no model.safetensors" in message("user/half")

    def test_another_kind_of_model(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files | {"config.json": b'{"architectures": ["BertModel"], "hidden_size": 768}'})
        assert "its config.json is that of another kind of model" in message()
        assert hub.fetched() == ["config.json"]  # weights that would be of no use are not fetched

    @pytest.mark.parametrize(
        "config", [b"not json", b"[]", b"[" * 50_000, b'{"format": 7, "task": "x"}', b"\xff\xfe", b" "]
    )
    def test_a_config_that_is_none(self, hub: FakeHub, files: Files, config: bytes) -> None:
        hub.add(NAME, files | {"config.json": config})
        said = message()
        assert NAME in said
        assert len(said) < 400
        assert hub.fetched() == ["config.json"]

    @pytest.mark.parametrize("pickle", ["pytorch_model.bin", "epoch=3.ckpt"])
    @pytest.mark.parametrize("config", [True, False])
    def test_pickle_only(self, hub: FakeHub, files: Files, pickle: str, config: bool) -> None:
        hub.add(NAME, {pickle: b"\x80\x04."} | ({"config.json": files["config.json"]} if config else {}))
        assert f"only as a pickle ({pickle})" in message()
        assert hub.fetched() == []

    @pytest.mark.parametrize(("file", "size", "words"), [
        ("model.safetensors", 2_000_000_000, "model.safetensors has 2 GB; up to 64 MB are accepted"),
        ("config.json", 100_001, "config.json has 100 kB; up to 100 kB"),
        ("README.md", 5_000_000, "README.md has 5 MB; up to 1 MB"),
    ])  # fmt: skip
    def test_too_large(self, hub: FakeHub, files: Files, file: str, size: int, words: str) -> None:
        hub.add(NAME, files).announced[file] = size
        assert words in message()
        assert hub.fetched() == []

    def test_longer_than_it_said(self) -> None:
        """A store that sends more than was announced is cut off at the limit."""
        bar = Meter(10).bar(f"{NAME}: README.md", 3)(total=2)
        bar.update(3)
        with pytest.raises(CheckpointError, match="longer than the Hub said"):
            bar.update(1)

    @pytest.mark.parametrize(
        "damage", [lambda b: b[:-500], lambda b: b"\x80\x04pickle", lambda b: b"", lambda b: b"\xff" * 64]
    )
    def test_damaged_weights(self, hub: FakeHub, files: Files, damage: Any) -> None:
        hub.add(NAME, files | {"model.safetensors": damage(files["model.safetensors"])})
        assert "model.safetensors is damaged or not in safetensors format" in message()

    def test_weights_that_are_not_numbers(self, hub: FakeHub, files: Files, tiny: Checkpoint, tmp_path: Path) -> None:
        from safetensors.torch import load, save

        state = load(files["model.safetensors"])
        state["linear.bias"] = state["linear.bias"] * float("nan")
        hub.add(NAME, files | {"model.safetensors": save(state)})
        assert "NaN or infinite" in message()


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "gigabytes of weights": ({"model": {"gru": 100_000}}, "multiplications a second|weights of"),
    "many weights, little work": ({"model": {"gru": 2000, "channels": [4, 4, 4, 4000]}}, "weights of|multiplications"),
    "many labels": ({"labels": [str(i) for i in range(5000)], "model": {"n_classes": 5000}}, "5000 labels; 2 to 100"),
    "one label": ({"labels": ["a"], "model": {"n_classes": 1}}, "1 labels; 2 to 100"),
    "an endless segment": ({"segment_seconds": 1e7, "model": {"frames": 129_022_820}}, "segment_seconds is 1e\\+07"),
    "a huge picture": ({"model": {"channels": [9000, 4, 4, 4]}}, "size of the largest feature map"),
    "hours of work": ({"model": {"channels": [250, 800, 800, 800]}}, "multiplications a second"),
    "a thousand layers": ({"model": {"channels": [1] * 1000, "pools": [[128, 1]] + [[1, 1]] * 999}}, "convolutions is 1000"),
    "a frame each sample": ({"front_end": {"hop_length": 1}, "model": {"frames": 66_150}}, "spectrogram values a second"),
    "a high rate": ({"front_end": {"sample_rate": 10**9}}, "sample_rate is 1e\\+09"),
    "a huge number": ({"front_end": {"sample_rate": 10**400}}, "does not describe"),
    "a huge transform": ({"front_end": {"n_fft": 2**30}}, "n_fft is"),
    "no number": ({"temperature": float("nan")}, "temperature is nan"),
    "infinite depth": ({"front_end": {"top_db": float("inf")}}, "top_db is inf"),
    "markup in a label": ({"labels": ["a", "b", "<a href='https://x.example'>c</a>"]}, "without markup"),
    "a link in a label": ({"labels": ["a", "b", "[c](https://x.example)"]}, "without markup"),
    "a task that is markup": ({"task": "**genre**"}, "small letters"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_config_that_asks_for_too_much_is_refused_before_the_weights_are_fetched(
    hub: FakeHub, files: Files, kind: str
) -> None:
    import re

    changes, words = HOSTILE[kind]
    config = json.loads(files["config.json"])
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    hub.add(NAME, files | {"config.json": json.dumps(config).encode()})
    said = message()
    assert re.search(words, said), said
    assert hub.fetched() == ["config.json"]


def test_results_that_pages_could_not_show_are_left_out(hub: FakeHub, files: Files) -> None:
    config = json.loads(files["config.json"])
    config["results"] = {
        "F": {"track_accuracy": "<script>", "runs": 3, "context": "c" * 5000, "sd": float("inf"), "n": 4},
        "N": {"track_accuracy": 0.5, "runs": "one"},
        "P": [1, 2],
    }
    hub.add(NAME, files | {"config.json": json.dumps(config).encode()})
    results = Checkpoint.load(NAME).results
    assert results == {"F": {"context": "c" * 400, "n": 4}, "N": {"track_accuracy": 0.5, "runs": "one"}}


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
    left = sorted(folder.name for folder in hub_module.cache_folder(anonymous=True).glob("models--*"))
    assert left[-1] == "models--user--r4"
    assert len(left) <= 3


def test_facts_without_torch_are_those_of_the_checkpoint(files: Files, tmp_path: Path) -> None:
    from crnn import facts

    told, loaded = facts.read(tmp_path / "made"), Checkpoint.load(tmp_path / "made")
    assert told.digest == loaded.digest
    assert (told.task, told.labels, told.results) == (loaded.task, loaded.labels, loaded.results)
    assert told.card == "# A toy\n"


def test_neither_hub_nor_facts_import_anything_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import crnn.facts, crnn.hub; crnn.hub_address.parse('user/repo'); crnn.facts.read(__import__('pathlib').Path("
        "'assets/checkpoints/genre')); sys.exit(str({'torch', 'huggingface_hub', 'numpy'} & set(sys.modules) or 0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() in ("", "0"), done.stderr
