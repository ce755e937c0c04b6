from . import (
    plan,
    robustness,
    transforms,
    waveform,
)

__all__ = ["plan", "robustness", "transforms", "waveform"]
