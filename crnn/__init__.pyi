from . import (
    audio,
    augment,
    baseline,
    collection,
    errors,
    explain,
    format,
    inference,
    labels,
    model,
    results,
    sources,
    tagging,
    viz,
)
from .api import analyse, load
from .audio.decode import Waveform, decode
from .audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from .audio.mel import log_mel
from .errors import AudioError, CheckpointError, CrnnError, SourceError
from .inference.analysis import Analysis
from .inference.classifier import Classifier
from .inference.prediction import Prediction
from .model.checkpoint import Checkpoint

__all__ = [
    "GTZAN_FRONT_END",
    "PAPER_FRONT_END",
    "Analysis",
    "AudioError",
    "Checkpoint",
    "CheckpointError",
    "Classifier",
    "CrnnError",
    "FrontEnd",
    "Prediction",
    "SourceError",
    "Waveform",
    "analyse",
    "audio",
    "augment",
    "baseline",
    "collection",
    "decode",
    "errors",
    "explain",
    "format",
    "inference",
    "labels",
    "load",
    "log_mel",
    "model",
    "results",
    "sources",
    "tagging",
    "viz",
]
__version__: str
