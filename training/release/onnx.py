"""Write a checkpoint as model.onnx: its decision, for ONNX Runtime in Python and in browsers."""

import logging
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from crnn.errors import CheckpointError
from crnn.inference.onnx import FILE, INPUT, OUTPUT, description
from crnn.model.checkpoint import Checkpoint

_OPSET = 18  # onnxruntime-web has it, too


class Decision(nn.Module):
    """A checkpoint's probabilities. Shape: segments [S, 1, M, W] dB -> [S, K]."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.network, self.scaled = checkpoint.model.eval(), checkpoint.scaled
        # Which layers come first depends on weights; torch.export wants that settled before.
        self.network.convolutions = nn.ModuleList(
            nn.Sequential(*stage.inference_layers())  # type: ignore[operator]
            for stage in self.network.convolutions
        )

    def forward(self, segments: Tensor) -> Tensor:
        return self.scaled(self.network(segments)).softmax(dim=-1)


def write(source: str) -> Path:
    """Write model.onnx into a checkpoint's folder.

    Args:
        source: as of `Checkpoint.load`.

    Raises:
        CheckpointError: it cannot be loaded, or the exporter's packages are missing.
    """
    if find_spec("onnxscript") is None:
        raise CheckpointError(
            "The export needs onnx and onnxscript: `pip install -r requirements-onnx.txt`."
        )
    checkpoint = Checkpoint.load(source)
    metadata, folder = description(checkpoint), checkpoint.folder
    assert folder is not None
    config = checkpoint.model.config
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            Decision(checkpoint),
            (torch.zeros(2, 1, config.n_mels, config.frames),),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("segments")},),
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model.graph
    for part in (*graph, *graph.inputs, *graph.outputs):
        part.metadata_props.clear()  # stack traces, with this machine's paths
    program.model.metadata_props.clear()
    program.model.metadata_props.update(metadata)
    program.save(folder / FILE)
    return folder / FILE
