"""The public names: which they are, that each exists, and that importing them is cheap."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import crnn
from crnn.sources.examples import EXAMPLES

PACKAGES = ("audio", "augment", "baseline", "explain", "inference", "model", "sources", "viz")
MODULES = ("collection", "errors", "format", "labels", "results", "tagging")


def test_exported_names() -> None:
    assert set(crnn.__all__) == {
        *("analyse", "load", "decode", "log_mel"),
        *("Analysis", "Prediction", "Classifier", "Checkpoint", "Waveform"),
        *("FrontEnd", "GTZAN_FRONT_END", "PAPER_FRONT_END"),
        *("CrnnError", "AudioError", "CheckpointError", "SourceError"),
        *PACKAGES,
        *MODULES,
    }


@pytest.mark.parametrize("package", ["crnn", *(f"crnn.{name}" for name in PACKAGES)])
def test_every_exported_name_exists(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__
    assert not [name for name in module.__all__ if not hasattr(module, name)]


def test_imports_alone_load_nothing_heavy() -> None:
    code = f"""
import sys
import crnn
from crnn import {", ".join(PACKAGES)}
heavy = {{"torch", "numpy", "librosa", "av", "plotly", "pandas", "pydantic", "huggingface_hub"}}
heavy |= {{"onnx", "onnxruntime"}}
sys.exit(" ".join(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""


EXAMPLE = EXAMPLES["metal-madness"].file


def test_the_short_way_is_the_long_way() -> None:
    """The lines of README; a path, a text and the file's content give the same."""
    analysis = crnn.analyse(str(EXAMPLE))
    assert list(analysis) == ["genre", "mood"]
    for source in (EXAMPLE, EXAMPLE.read_bytes()):
        assert crnn.analyse(source)["genre"].top(3) == analysis["genre"].top(3)
    label, probability = analysis["genre"].top(3)[0]
    assert label in crnn.labels.GENRES
    assert 0.2 < probability < 1
    timeline = analysis["mood"].timeline()
    assert timeline.edges[-1] == pytest.approx(30, abs=1)
    assert timeline.probabilities.shape == (len(timeline.edges) - 1, 5)
    assert analysis["mood"].ood is not None
    with pytest.raises(KeyError):
        analysis["tempo"]

    genre = crnn.load("genre")
    mel = crnn.log_mel(crnn.decode(str(EXAMPLE)), genre.front_end)
    assert mel.equal(analysis.mel)
    assert genre.predict(mel).ranked() == analysis["genre"].ranked()
    attribution = crnn.explain.grad_cam(genre, mel[:, :200], "rock")
    assert attribution.shape == (128, 200)
    assert crnn.viz.spectrogram(mel, genre.front_end).data


def test_what_cannot_be_loaded_says_so(tmp_path: Path) -> None:
    with pytest.raises(crnn.CheckpointError, match=r"no config\.json there"):
        crnn.load(tmp_path)
    with pytest.raises(crnn.AudioError):
        crnn.analyse(b"no audio")
