from . import (
    attribution,
    augmentation,
    baseline,
    class_profiles,
    evaluation,
    mel,
    prediction,
    theme,
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
    "mel",
    "prediction",
    "spectrogram",
    "theme",
    "timeline",
    "trace",
]
