from . import (
    analysis,
    classifier,
    export,
    onnx,
    prediction,
    similarity,
    timeline,
)
from .analysis import Analysis, decode_and_predict, log_mel_for
from .classifier import Classifier
from .export import to_audacity, to_csv, to_json, to_record, to_wav
from .prediction import Prediction
from .similarity import TrackSummary
from .timeline import Section, Timeline

__all__ = [
    "Analysis",
    "Classifier",
    "Prediction",
    "Section",
    "Timeline",
    "TrackSummary",
    "analysis",
    "classifier",
    "decode_and_predict",
    "export",
    "log_mel_for",
    "onnx",
    "prediction",
    "similarity",
    "timeline",
    "to_audacity",
    "to_csv",
    "to_json",
    "to_record",
    "to_wav",
]
