"""The public names: which they are, that each can be had, and that asking for none of them loads nothing heavy."""

import importlib
import subprocess
import sys

import pytest

import crnn

PACKAGES = ("audio", "augment", "baseline", "explain", "inference", "model", "sources", "viz")
MODULES = ("errors", "format", "labels", "results")


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
sys.exit(" ".join(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""
