"""model.onnx, read by ONNX Runtime in processes that have no PyTorch, against PyTorch here."""

import json
import logging
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.explain import grad_cam
from crnn.inference import onnx
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.metadata import BUNDLED
from crnn.model.segments import cut_segments
from crnn.sources.examples import EXAMPLES
from tests.conftest import melody
from training.cli import main
from training.release import card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint and its model.onnx: mood's, which has layers of every kind.

    An export takes seconds; `python -m benchmarks runtime` compares genre's, too.
    """
    folder = tmp_path_factory.mktemp("onnx") / "mood"
    shutil.copytree(BUNDLED / "mood", folder)
    assert main(["export", "--onnx", str(folder)]) == 0
    return folder


def alone(code: str, folder: Path) -> str:
    """What Python prints in a process that does not import torch."""
    code = f"{code}\nimport sys\nassert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


READER = """
import json, numpy, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
settings = session.get_modelmeta().custom_metadata_map
print(json.dumps({key: json.loads(value) for key, value in settings.items()}))
tracks = numpy.load("tracks.npz")
for name in {key.split("/")[0] for key in tracks}:
    segments, weights, probabilities, overall = (
        tracks[f"{name}/{part}"] for part in ("segments", "weights", "probabilities", "overall")
    )
    (together,), (first,) = (
        session.run(None, {"log_mel": some}) for some in (segments, segments[:1])
    )
    for found, expected in (
        (together, probabilities), (first, probabilities[:1]), (weights @ together, overall)
    ):
        assert found.shape == expected.shape
        assert abs(found - expected).max() <= 1e-4, name
"""


def test_the_file_predicts_what_the_checkpoint_does(folder: Path) -> None:
    checkpoint = Checkpoint.load(folder)
    arrays, classifier = dict[str, Any](), Classifier(checkpoint)
    for name, example in EXAMPLES.items():
        mel = log_mel(decode(example.file), checkpoint.front_end)
        prediction, segments = classifier.predict(mel), classifier.plan(mel.shape[1])
        assert not prediction.silent
        arrays |= {
            f"{name}/segments": cut_segments(mel, segments).numpy(),
            f"{name}/weights": np.asarray(segments.weights),
            f"{name}/probabilities": prediction.probabilities,
            f"{name}/overall": prediction.overall,
        }
    np.savez(folder / "tracks.npz", **arrays)
    settings = json.loads(alone(READER, folder))
    stored = json.loads((folder / "config.json").read_text())
    for key in ("task", "labels", "segment_seconds", "temperature", "log_bias"):
        assert settings[key] == stored[key]
    assert stored["front_end"].items() <= settings.items()


def test_the_file_names_no_place_of_the_machine_that_wrote_it(folder: Path) -> None:
    content = (folder / "model.onnx").read_bytes()
    assert b"network.py" not in content
    assert str(Path.cwd()).encode() not in content


def test_the_card_s_lines_of_python_predict_the_track(folder: Path) -> None:
    checkpoint = Checkpoint.load(folder)
    python, javascript = re.findall(r"(?:^    .*\n){5}", card.network(checkpoint), re.M)
    config = checkpoint.model.config
    assert f"[1, 1, {config.n_mels}, {config.frames}]" in javascript
    example = EXAMPLES["palace"].file
    shutil.copy(example, folder / "song.mp3")
    printed = alone(textwrap.dedent(python), folder)
    mel = log_mel(decode(example), checkpoint.front_end)
    ours = Classifier(checkpoint).predict(mel, checkpoint.segment_seconds)
    # The last frames, which fill no segment, are only in ours.
    theirs = np.array(printed.strip("[]\n").split(), dtype=float)
    np.testing.assert_allclose(theirs, ours.overall, atol=0.05)


def test_onnx_runtime_predicts_and_pytorch_explains(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = Checkpoint.load(folder)
    mel = log_mel(melody(31), checkpoint.front_end)
    plain = Classifier(checkpoint).predict(mel)
    monkeypatch.setenv("CRNN_RUNTIME", "onnx")
    fast = Classifier(checkpoint)
    explained = grad_cam(fast, mel, checkpoint.labels[0])
    monkeypatch.setattr(Classifier, "logits", None)  # not PyTorch's
    prediction = fast.predict(mel)
    np.testing.assert_allclose(prediction.probabilities, plain.probabilities, atol=1e-4)
    np.testing.assert_allclose(prediction.overall, plain.overall, atol=1e-4)
    assert bool(explained.isfinite().all())
    assert bool(explained.any())
    assert not caplog.records


def test_what_is_missing_is_said_in_a_sentence_and_pytorch_predicts(
    folder: Path,
    tiny: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    bundled = Checkpoint.load(folder)
    damaged = tmp_path / "model.onnx"
    damaged.write_bytes((folder / "model.onnx").read_bytes()[1000:])
    monkeypatch.setenv("CRNN_RUNTIME", "onnx")
    cases = {
        "the toy checkpoint has no model.onnx; `python -m training export": tiny,
        "is of other weights or settings": replace(bundled, temperature=9.0),
        "model.onnx cannot be read": replace(bundled, folder=tmp_path),
    }
    for sentence, checkpoint in cases.items():
        caplog.clear()
        assert onnx.load(checkpoint) is None
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert sentence in record.getMessage()
        assert record.getMessage().endswith(". PyTorch predicts instead.")
    caplog.clear()
    monkeypatch.setattr(onnx, "find_spec", lambda name: None)
    assert Classifier(bundled).predict(log_mel(melody(3), bundled.front_end)).task == "mood"
    assert "`pip install onnxruntime`" in caplog.text
    monkeypatch.setenv("CRNN_RUNTIME", "tensorflow")
    assert onnx.load(bundled) is None
    assert "torch or onnx is needed" in caplog.text


def test_without_the_exporter_s_packages_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.release.onnx.find_spec", lambda name: None)
    assert main(["export", "--onnx", "genre"]) == 1
    assert "pip install -r requirements-onnx.txt" in capsys.readouterr().err
