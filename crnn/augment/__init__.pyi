from . import effects, masks, noise_mix, plan, policies, robustness, time_warp, waveform

__all__ = [
    "effects",
    "masks",
    "noise_mix",
    "plan",
    "policies",
    "robustness",
    "time_warp",
    "waveform",
]
