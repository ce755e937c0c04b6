"""Predictions by ONNX Runtime instead of PyTorch, where CRNN_RUNTIME=onnx asks for it."""

import importlib
import json
import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from crnn.errors import CheckpointError
from crnn.model.checkpoint import Checkpoint

FILE = "model.onnx"  # in the checkpoint's folder
INPUT, OUTPUT = "log_mel", "probabilities"

Decision = Callable[[Tensor], Tensor]

_log = logging.getLogger(__name__)


def description(checkpoint: Checkpoint) -> dict[str, str]:
    """The metadata of a checkpoint's model.onnx: all that its input and output depend on, as JSON.

    A file with any other metadata is another network's, or older than a change of the checkpoint.
    """
    values = {
        "task": checkpoint.task,
        "labels": checkpoint.labels,
        "segment_seconds": checkpoint.segment_seconds,
        **checkpoint.front_end.to_dict(),
        "temperature": checkpoint.temperature,
        "log_bias": checkpoint.log_bias,
        "weights": checkpoint.digest,
    }
    return {key: json.dumps(value) for key, value in values.items()}


def path(checkpoint: Checkpoint) -> Path:
    """A checkpoint's model.onnx.

    Raises:
        CheckpointError: it has none, or one of other weights or settings.
    """
    folder, owner = checkpoint.folder, f"the {checkpoint.task} checkpoint"
    command = f"`python -m training export --onnx {folder or 'FOLDER'}` writes it"
    if folder is None or not (folder / FILE).is_file():
        raise CheckpointError(f"{owner} has no {FILE}; {command}")
    content, values = (folder / FILE).read_bytes(), description(checkpoint)
    if not all(_entry(key, value) in content for key, value in values.items()):
        raise CheckpointError(f"{owner}'s {FILE} is of other weights or settings; {command} anew")
    return folder / FILE


def _entry(key: str, value: str) -> bytes:
    """Metadata as they stand in the file (StringStringEntryProto), which so needs no reader."""
    size = len(value.encode())
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return key.encode() + b"\x12" + length + value.encode()


def load(checkpoint: Checkpoint) -> Decision | None:
    """Load a checkpoint's model.onnx: segments [S, 1, M, W] dB -> probabilities [S, K].

    None where CRNN_RUNTIME does not ask for it. Where it does and there is no such file, or no
    ONNX Runtime, a warning says what to do, and PyTorch predicts.
    """
    runtime = os.environ.get("CRNN_RUNTIME") or "torch"
    if runtime == "torch":
        return None
    if runtime != "onnx":
        problem = "this runtime is not known; torch or onnx is needed"
    elif find_spec("onnxruntime") is None:
        problem = "ONNX Runtime is not installed; `pip install onnxruntime` does that"
    else:
        try:
            return _decision(path(checkpoint))
        except CheckpointError as error:
            problem = str(error)
    _log.warning("CRNN_RUNTIME=%s: %s. PyTorch predicts instead.", runtime, problem)
    return None


def _decision(file: Path) -> Decision:
    """A session of ONNX Runtime. Raises CheckpointError where it cannot read the file."""
    ort = importlib.import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads sleep while they wait, as PyTorch's do with OMP_WAIT_POLICY=PASSIVE.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(file, options)
    except Exception as error:  # its errors have no class in common
        command = f"`python -m training export --onnx {file.parent}` writes it anew"
        raise CheckpointError(f"{file} cannot be read; {command}") from error
    return lambda segments: torch.from_numpy(session.run([OUTPUT], {INPUT: segments.numpy()})[0])
