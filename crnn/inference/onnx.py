"""Predictions by ONNX Runtime instead of PyTorch, where CRNN_RUNTIME=onnx asks for it."""

import importlib
import json
import logging
import os
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

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


def load(checkpoint: Checkpoint) -> Decision | None:
    """Load a checkpoint's model.onnx: segments [S, 1, M, W] dB -> probabilities [S, K].

    None where CRNN_RUNTIME does not ask for it. Where it does and there is no such file, or no
    ONNX Runtime, a warning says what to do, and PyTorch predicts.
    """
    runtime = os.environ.get("CRNN_RUNTIME") or "torch"
    if runtime == "torch":
        return None
    folder = checkpoint.folder
    command = f"python -m training export --onnx {folder or 'FOLDER'}"
    if runtime != "onnx":
        problem = "this runtime is not known; torch or onnx is needed"
    elif folder is None or not (folder / FILE).is_file():
        problem = f"the {checkpoint.task} checkpoint has no {FILE}; `{command}` writes it"
    elif find_spec("onnxruntime") is None:
        problem = "ONNX Runtime is not installed; `pip install onnxruntime` does that"
    else:
        ort = importlib.import_module("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads sleep while they wait, as PyTorch's do with OMP_WAIT_POLICY=PASSIVE.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = ort.InferenceSession(folder / FILE, options)
        except Exception:  # its errors have no class in common
            problem = f"{folder / FILE} cannot be read; `{command}` writes it anew"
        else:
            if session.get_modelmeta().custom_metadata_map == description(checkpoint):
                return lambda segments: torch.from_numpy(
                    session.run([OUTPUT], {INPUT: segments.numpy()})[0]
                )
            problem = f"{folder / FILE} is of other weights or settings; `{command}` writes it anew"
    _log.warning("CRNN_RUNTIME=%s: %s. PyTorch predicts instead.", runtime, problem)
    return None
