from . import (
    attribution,
    augmentation,
    baseline,
    class_profiles,
    evaluation,
    mel,
    player,
    prediction,
    theme,
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
    "player",
    "prediction",
    "spectrogram",
    "theme",
    "trace",
]
