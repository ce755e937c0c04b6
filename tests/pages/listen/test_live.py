"""Live on the server's side: what the browser is given, and that it is of this release."""

import gzip
import hashlib

import pytest

from crnn.inference import onnx
from crnn.labels import GENRES, MOODS, display
from crnn.model.checkpoint import Checkpoint
from tests.pages.visit import ROOT, given, opened, plain


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_each_bundled_checkpoint_has_a_model_onnx_of_its_weights_and_settings(task: str) -> None:
    """If not: `python -m training export --onnx genre mood`."""
    assert onnx.path(Checkpoint.load(task)).name == "model.onnx"


def test_onnx_runtime_is_the_release_that_its_readme_names() -> None:
    folder = ROOT / "assets/onnxruntime-web"
    readme = (folder / "README.md").read_text()
    wasm = gzip.decompress((folder / "ort-wasm-simd-threaded.wasm.gz").read_bytes())
    for content in (wasm, (folder / "ort.wasm.bundle.min.mjs").read_bytes()):
        assert hashlib.sha256(content).hexdigest() in readme
    assert b"ONNX Runtime Web v1.30.0" in content
    assert "onnxruntime-web@1.30.0" in readme


def test_the_browser_gets_both_networks_classes_and_front_ends() -> None:
    page = opened("")
    page.segmented_control(key="source").set_value("Live").run(timeout=60)
    assert not page.exception
    (data,) = given(page, "live")
    genre, mood = data["networks"]
    assert [name for name, _ in genre["classes"]] == [display(label) for label in GENRES]
    assert [name for name, _ in mood["classes"]] == [display(label) for label in MOODS]
    assert genre["frontEnd"] != mood["frontEnd"]
    for network in data["networks"]:
        assert len(network["edges"]) == network["frontEnd"]["n_mels"] + 2


def test_without_an_export_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "FILE", "absent.onnx")
    page = opened("")
    page.segmented_control(key="source").set_value("Live").run(timeout=60)
    assert not page.exception
    (sentence,) = (info.value for info in page.info)
    assert plain(sentence) == (
        "Live cannot run here: the genre checkpoint has no absent.onnx. Use Record instead."
    )
    assert not given(page, "live")
