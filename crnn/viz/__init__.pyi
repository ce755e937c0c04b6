from . import (
    attribution,
    augmentation,
    baseline,
    class_profiles,
    evaluation,
    layers,
    mel,
    prediction,
    timeline,
    trace,
)
from .mel import spectrogram

__all__ = [
    "attribution",
    "augmentation",
    "baseline",
    "class_profiles",
    "evaluation",
    "layers",
    "mel",
    "prediction",
    "spectrogram",
    "timeline",
    "trace",
]
