from . import masks, noise_mix, plan, robustness, time_warp, waveform

__all__ = ["masks", "noise_mix", "plan", "robustness", "time_warp", "waveform"]
