from . import comparison, effects, masks, noise_mix, plan, policies, robustness, time_warp, waveform

__all__ = [
    "comparison",
    "effects",
    "masks",
    "noise_mix",
    "plan",
    "policies",
    "robustness",
    "time_warp",
    "waveform",
]
