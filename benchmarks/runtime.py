"""Both networks by ONNX Runtime against PyTorch: parity, time, memory and start."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.ratios import against
from benchmarks.speed import in_turns
from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model.checkpoint import Checkpoint
from crnn.model.metadata import BUNDLED
from crnn.model.segments import cut_segments
from crnn.sources.examples import EXAMPLES
from training.release import onnx

ROOT = Path(__file__).parents[1]
RUNTIMES = {"PyTorch": "torch", "ONNX Runtime": "onnx"}

_MEGABYTES = """
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""
# From the start of a process to the predictions: of a file, and of segments that are there.
_FILE = f"""
from crnn import api
from crnn.inference.analysis import decode_and_predict
decode_and_predict({str(EXAMPLES["palace"].file)!r}, [api.load("./genre"), api.load("./mood")])
"""
_SEGMENTS = {
    "PyTorch": """
import numpy, torch
from crnn.model.checkpoint import Checkpoint
for task in ("genre", "mood"):
    with torch.inference_mode():
        Checkpoint.load(task).model.eval()(torch.from_numpy(numpy.load(f"{task}.npy")))
""",
    "ONNX Runtime": """
import numpy, onnxruntime
for task in ("genre", "mood"):
    session = onnxruntime.InferenceSession(f"{task}/model.onnx")
    session.run(None, {"log_mel": numpy.load(f"{task}.npy")})
""",
}


@contextmanager
def exported() -> Iterator[Path]:
    """A folder with the bundled checkpoints and their model.onnx."""
    with tempfile.TemporaryDirectory() as name:
        for task in ("genre", "mood"):
            shutil.copytree(BUNDLED / task, Path(name) / task)
            onnx.write(str(Path(name) / task))
        yield Path(name)


def classifiers(folder: Path, runtime: str) -> list[Classifier]:
    """Both networks by one of RUNTIMES."""
    os.environ["CRNN_RUNTIME"] = RUNTIMES[runtime]
    return [Classifier(Checkpoint.load(folder / task)) for task in ("genre", "mood")]


def spectrograms(classifier: Classifier) -> list[Tensor]:
    """Those of the examples."""
    return [log_mel(decode(e.file), classifier.front_end) for e in EXAMPLES.values()]


def predict(pair: list[Classifier], mels: dict[FrontEnd, list[Tensor]]) -> list[Prediction]:
    """All examples by both networks."""
    return [one.predict(mel) for one in pair for mel in mels[one.front_end]]


def processes(codes: dict[str, str], folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds and peak megabytes of processes, in turns; ratios to the first."""
    times: dict[str, list[float]] = {name: [] for name in codes}
    megabytes: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            settings = {"CRNN_RUNTIME": RUNTIMES[name], "PYTHONPATH": str(ROOT)}
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code + _MEGABYTES],
                cwd=folder,
                env=os.environ | settings,
                stdout=subprocess.PIPE,
                check=True,
            )
            times[name].append(time.perf_counter() - start)
            megabytes[name].append(float(done.stdout))
    return {
        name: figures | {"mb": median(megabytes[name])}
        for name, figures in against(times, "PyTorch", 2).items()
    }


def measure(rounds: int = 15) -> dict[str, Any]:
    """The largest difference of any probability; medians of times and memory beside PyTorch's."""
    result: dict[str, Any] = {}
    with exported() as folder:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            by_runtime = {runtime: classifiers(folder, runtime) for runtime in RUNTIMES}
            mels = {c.front_end: spectrograms(c) for c in by_runtime["PyTorch"]}
            one_clip = {front_end: clips[:1] for front_end, clips in mels.items()}
            tasks = {name: partial(predict, pair, one_clip) for name, pair in by_runtime.items()}
            what = f"both predictions of 30 s, {threads} thread{'s' * (threads > 1)}"
            result[what] = against(in_turns(tasks, rounds), "PyTorch", 2)
        ours, theirs = (predict(pair, mels) for pair in by_runtime.values())
        result["largest difference"] = max(
            float(abs(getattr(one, name) - getattr(other, name)).max())
            for one, other in zip(ours, theirs, strict=True)
            for name in ("probabilities", "overall")
        )
        for one in by_runtime["PyTorch"]:
            mel = mels[one.front_end][0]
            segments = cut_segments(mel, one.plan(mel.shape[1]))
            np.save(folder / f"{one.checkpoint.task}.npy", segments.numpy())
        codes = dict.fromkeys(RUNTIMES, _FILE)
        result["a process that predicts a file of 30 s"] = processes(codes, folder, 5)
        result["a process that predicts its segments"] = processes(_SEGMENTS, folder, 5)
    return result
