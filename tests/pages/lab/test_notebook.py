"""The notebook of an experiment runs, and finds what the console shows."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pages.lab import notebook
from pages.text import augmentation
from tests.conftest import encode, melody, run_notebook
from tests.pages.visit import opened, words

RICH = {
    "example": "palace",
    "segment": "2",
    "noise": "true",
    "kind": "Crowd",
    "reverb": "true",
    "band": "true",
    "codec": "true",
    "codec_name": "Opus",
    "warp": "true",
    "freq": "true",
    "time": "true",
    "mix": "true",
    "order": "mixing.codec.noise.reverb",
    "seed": "3",
    "masks": "2",
    "fill": "mean",
}


@pytest.mark.parametrize("query", [{}, RICH], ids=["first visit", "eight effects"])
def test_it_runs_and_finds_what_the_console_shows(
    query: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []
    display = SimpleNamespace(display=shown.append, Audio=lambda samples, **_: samples)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    console = opened("lab", **query)
    experiment = console.session_state["experiment"]
    names = run_notebook(notebook.page(experiment, {}))
    assert names["strengths"] == experiment.plan.strengths
    assert augmentation.outcome(names["before"], names["after"]) in words(console)
    original, augmented = shown[-2:]
    assert len(original) == len(augmented) == round(names["seconds"] * names["rate"])
    assert capsys.readouterr().out.count("genre: ") == 2


def test_noise_from_the_visitors_file_is_opened_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file as it was uploaded: the notebook's loop is the console's."""
    display = SimpleNamespace(display=lambda _: None, Audio=lambda samples, **_: samples)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    console = opened("lab", example="mountain", time="false", noise="true", snr="5")
    console.selectbox(key="kind").set_value("Own file").run()
    file = ("it's noise.wav", encode(melody(2.0, seed=7)), "audio/wav")
    console.file_uploader[-1].set_value(file).run()
    experiment = console.session_state["experiment"]
    monkeypatch.chdir(tmp_path)
    Path(file[0]).write_bytes(file[1])
    names = run_notebook(notebook.page(experiment, {}))
    assert names["strengths"] == experiment.plan.strengths
    assert augmentation.outcome(names["before"], names["after"]) in words(console)


def test_it_explains_what_is_on_and_names_the_visitors_file() -> None:
    experiment = opened("lab", **RICH).session_state["experiment"]
    odd = """it's "$mine" {}\\\n.wav"""
    book = json.loads(notebook.page(replace(experiment, name=odd, example=""), {"mood": "a/b@c"}))
    cells = ["".join(cell["source"]) for cell in book["cells"]]
    assert any('crnn.load("genre"), crnn.load("a/b@c")' in cell for cell in cells)
    headings = {cell.splitlines()[0] for cell in cells if "Source: " in cell}
    assert headings >= {"## Reverberation", "## Background noise", "## Time warping"}
    assert not headings & {"## Clipping", "## Pitch and tempo"}
    (line,) = [line for cell in cells for line in cell.splitlines() if line.startswith("file = ")]
    names: dict[str, Any] = {}
    exec(line, names)
    assert names["file"] == odd
