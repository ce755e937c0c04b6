"""Repositories that must be refused early, in words: private, broken, hostile, too large."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save

from crnn.errors import CheckpointError
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import RESERVED_TASKS
from crnn.model.hub import progress_bar
from crnn.model.ood import N_FEATURES
from tests.crnn.conftest import NAME, message
from tests.fakes.hub import TOKEN, FakeHub, Files


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

    def test_no_token_is_sent_for_visitors(
        self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
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
        assert "The Hub has no model repository user/nothing. Check the spelling" in message(
            "user/nothing"
        )

    def test_wrong_revision(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files)
        assert f"{NAME} has no revision “v9”" in message(f"{NAME}@v9")
        assert "has no revision" in message(f"{NAME}@{'0' * 40}")

    def test_disabled(self, hub: FakeHub, files: Files) -> None:
        hub.add(NAME, files, disabled=True)
        assert "has been disabled" in message()

    def test_a_token_that_is_not_accepted(
        self, hub: FakeHub, files: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
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
        hub.add(
            NAME, files | {"config.json": b'{"architectures": ["BertModel"], "hidden_size": 768}'}
        )
        assert "its config.json is that of another kind of model" in message()
        assert hub.fetched() == ["config.json"]  # weights that would be of no use are not fetched

    @pytest.mark.parametrize(
        "config",
        [b"not json", b"[]", b"[" * 50_000, b'{"format": 7, "task": "x"}', b"\xff\xfe", b" "],
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
        hub.add(
            NAME, {pickle: b"\x80\x04."} | ({"config.json": files["config.json"]} if config else {})
        )
        assert f"only as a pickle ({pickle})" in message()
        assert hub.fetched() == []

    @pytest.mark.parametrize(
        ("file", "size", "words"),
        [
            (
                "model.safetensors",
                2_000_000_000,
                "model.safetensors has 2 GB; up to 64 MB are accepted",
            ),
            ("config.json", 100_001, "config.json has 100 kB; up to 100 kB"),
            ("README.md", 5_000_000, "README.md has 5 MB; up to 1 MB"),
        ],
    )
    def test_too_large(self, hub: FakeHub, files: Files, file: str, size: int, words: str) -> None:
        hub.add(NAME, files).announced[file] = size
        assert words in message()
        assert hub.fetched() == []

    def test_longer_than_it_said(self) -> None:
        """A store that sends more than was announced is cut off at the limit."""
        received: list[int] = []
        bar = progress_bar(f"{NAME}: README.md", 3, received.append)(total=2)
        bar.update(3)
        assert received == [3]
        with pytest.raises(CheckpointError, match="longer than the Hub said"):
            bar.update(1)

    @pytest.mark.parametrize(
        "damage",
        [lambda b: b[:-500], lambda b: b"\x80\x04pickle", lambda b: b"", lambda b: b"\xff" * 64],
    )
    def test_damaged_weights(self, hub: FakeHub, files: Files, damage: Any) -> None:
        hub.add(NAME, files | {"model.safetensors": damage(files["model.safetensors"])})
        assert "model.safetensors is damaged or not in safetensors format" in message()

    def test_weights_that_are_not_numbers(self, hub: FakeHub, files: Files) -> None:
        state = load(files["model.safetensors"])
        state["linear.bias"] = state["linear.bias"] * float("nan")
        hub.add(NAME, files | {"model.safetensors": save(state)})
        assert "NaN or infinite" in message()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("convolutions.0.0.weight", 3e38),  # finite, but their sums are not
            ("convolutions.0.2.running_var", -1.0),
            ("gru.weight_hh_l0", float("inf")),  # a gate that saturates would hide it
            ("linear.bias", 1e300),  # in double precision
        ],
    )
    def test_weights_that_lead_to_no_numbers(
        self, hub: FakeHub, files: Files, name: str, value: float
    ) -> None:
        state = load(files["model.safetensors"])
        state[name] = torch.full_like(state[name], value, dtype=torch.float64)
        hub.add(NAME, files | {"model.safetensors": save(state)})
        assert "NaN or infinite" in message()

    def test_weights_of_another_type(self, hub: FakeHub, files: Files) -> None:
        state = load(files["model.safetensors"])
        state["linear.bias"] = state["linear.bias"].to(torch.float8_e4m3fn)
        hub.add(NAME, files | {"model.safetensors": save(state)})
        assert "other types of numbers" in message()


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "gigabytes of weights": ({"model": {"gru": 100_000}}, "multiplications a second|weights of"),
    "many weights, little work": (
        {"model": {"gru": 2000, "channels": [4, 4, 4, 4000]}},
        "weights of|multiplications",
    ),
    "many labels": (
        {"labels": [str(i) for i in range(5000)], "model": {"n_classes": 5000}},
        "5000 labels; 2 to 100",
    ),
    "one label": ({"labels": ["a"], "model": {"n_classes": 1}}, "1 labels; 2 to 100"),
    "an endless segment": (
        {"segment_seconds": 1e7, "model": {"frames": 129_022_820}},
        "segment_seconds is 10000000.0",
    ),
    "a huge feature map": (
        {"model": {"channels": [9000, 4, 4, 4]}},
        "size of the largest feature map",
    ),
    "hours of work": ({"model": {"channels": [250, 800, 800, 800]}}, "multiplications a second"),
    "a thousand layers": (
        {"model": {"channels": [1] * 1000, "pools": [[128, 1]] + [[1, 1]] * 999}},
        "convolutions is 1000",
    ),
    "a frame each sample": (
        {"front_end": {"hop_length": 1}, "model": {"frames": 66_150}},
        "spectrogram values a second",
    ),
    "a high rate": ({"front_end": {"sample_rate": 10**9}}, "sample_rate is 1e\\+09"),
    "a huge number": ({"front_end": {"sample_rate": 10**400}}, "does not describe"),
    "a huge transform": ({"front_end": {"n_fft": 2**30}}, "n_fft is"),
    "no number": ({"temperature": float("nan")}, "temperature is nan"),
    "infinite depth": ({"front_end": {"top_db": float("inf")}}, "top_db is inf"),
    "markup in a label": (
        {"labels": ["a", "b", "<a href='https://x.example'>c</a>"]},
        "without markup",
    ),
    "a link in a label": ({"labels": ["a", "b", "[c](https://x.example)"]}, "without markup"),
    "a task that is markup": ({"task": "**genre**"}, "small letters"),
    **{
        f"a task called {name}": ({"task": name}, "none of file, seconds, start")
        for name in RESERVED_TASKS
    },
    "a label called doubt": ({"labels": ["a", "b", "doubt"]}, "not doubt or doubted"),
    "a surrogate in a label": ({"labels": ["a", "b", "\ud800"]}, "printable"),
    "an address in a label": ({"labels": ["a", "b", "www.evil.example"]}, "without markup"),
    "an icon in a label": ({"labels": ["a", "b", ":material/home:"]}, "without markup"),
    "a list in a label": ({"labels": ["a", "b", "1. c"]}, "without markup"),
    **{
        f"bidirectional is {value!r}": (
            {"model": {"bidirectional": value}},
            "bidirectional is .*: input should be a valid boolean",
        )
        for value in (1, 0, "", "yes", [], None)
    },
    **{
        f"{key} is {value!r}": ({"model": {key: value}}, f"{key} is .*: input should be")
        for key in ("dropout", "conv_dropout")
        for value in (float("nan"), float("inf"), -0.1, 10**400, True, "0.1")
    },
    **{
        f"temperature is {value!r}": ({"temperature": value}, "temperature is .*: input should be")
        for value in (5e-324, 1e-9, float("inf"), 10**400, True, "1")
    },
    **{
        f"{key} is {value!r}": ({"front_end": {key: value}}, f"{key} is|does not describe")
        for key in ("reference", "top_db", "sample_rate", "hop_length")
        for value in (float("nan"), float("inf"), 10**400, 5e-324, True, None)
    },
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_config_that_asks_for_too_much_is_refused_before_the_weights_are_fetched(
    hub: FakeHub, files: Files, kind: str
) -> None:
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
        "F": {
            "track_accuracy": "<script>",
            "runs": 3,
            "context": "c" * 5000,
            "sd": float("inf"),
            "huge": 10**400,
            "n": 4,
        },
        "N": {"track_accuracy": 0.5, "runs": "one"},
        "P": [1, 2],
        "\ud800": {"runs": "\ud800 \x1b[31m\n"},
    }
    config["revision"] = "\ud800abc"
    hub.add(NAME, files | {"config.json": json.dumps(config).encode()})
    loaded = Checkpoint.load(NAME)
    assert loaded.revision == "abc"
    assert loaded.results == {
        "F": {"context": "c" * 400, "n": 4},
        "N": {"track_accuracy": 0.5, "runs": "one"},
        "": {"runs": "[31m"},
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", float("inf")),
        ("threshold", float("nan")),
        ("threshold", 10**400),
        ("threshold", -1),
        ("threshold", None),
        ("threshold", []),
        ("centre", "1e300 " * N_FEATURES),
        ("centre", "nan " * N_FEATURES),
        ("centre", 3),
        ("whitening", ["1e200 " * (i + 1) for i in range(N_FEATURES)]),
        ("whitening", [["1"]]),
        ("whitening", None),
    ],
)
def test_statistics_whose_score_could_be_no_number_are_refused(
    tiny: Checkpoint, tmp_path: Path, key: str, value: Any
) -> None:
    tiny.save(tmp_path)
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    rows = ["1 " * (i + 1) for i in range(N_FEATURES)]
    config["doubt"] = {"threshold": 1.0, "centre": "0 " * N_FEATURES, "whitening": rows}
    file.write_text(json.dumps(config))
    assert Checkpoint.load(tmp_path).ood is not None
    config["doubt"][key] = value
    file.write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="does not describe a network of ours"):
        Checkpoint.load(tmp_path)


def test_no_prediction_holds_what_is_no_number(tiny: Checkpoint) -> None:
    """Weights that pass the trial may overflow for a track."""
    network = deepcopy(tiny.model)
    with torch.no_grad():
        network.linear.bias[0] = torch.inf
    with pytest.raises(CheckpointError, match="are not numbers"):
        Classifier(replace(tiny, model=network)).predict(torch.zeros(128, 60))
