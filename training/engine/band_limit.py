"""Band limiting: crops as an old record, a telephone or a small loudspeaker would sound.

In a small collection the sound quality of a recording can go with its genre, and a network learns
it. A random band and random noise in training make that a worse cue.
"""

import numpy as np
import torch
from torch import Generator, Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies
from crnn.augment.noise_mix import add_noise, noise_power

# Sampled evenly, the edges of the band evenly in octaves.
_LOW_HZ = (50.0, 400.0)
_HIGH_HZ = (2000.0, 8000.0)
_LOW_ORDER, _HIGH_ORDER = (1.0, 3.0), (2.0, 6.0)  # of Butterworth filters: 6 dB an octave each
_SNR_DB = (10.0, 50.0)
_NOISES = ("white", "pink")


def band_limit(
    mel: Tensor, fraction: float, front_end: FrontEnd, generator: Generator, floor: float
) -> Tensor:
    """Filter a random fraction of the examples, bring each back to its maximum, and add noise.

    Args:
        mel: [B, 1, M, W] dB; the result has the same shape.
        floor: Silence in dB.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(mel), 1, 1, 1, generator=generator)

    def octaves(low: float, high: float) -> Tensor:
        return 2 ** uniform(float(np.log2(low)), float(np.log2(high)))

    low_hz, high_hz = octaves(*_LOW_HZ), octaves(*_HIGH_HZ)
    orders = uniform(*_LOW_ORDER), uniform(*_HIGH_ORDER)
    gain = band_pass_gain(front_end, low_hz, high_hz, *orders)
    limited = mel + gain.to(mel.device)
    limited += mel.amax((1, 2, 3), keepdim=True) - limited.amax((1, 2, 3), keepdim=True)
    kind = _NOISES[int(torch.randint(len(_NOISES), (1,), generator=generator))]
    begin = torch.rand(len(mel), generator=generator)
    noise = noise_power(kind, begin, mel.shape[-1], front_end)
    limited = add_noise(limited, noise, uniform(*_SNR_DB).flatten(), front_end).clamp(min=floor)
    chosen = torch.rand(len(mel), 1, 1, 1, generator=generator) < fraction
    return torch.where(chosen.to(mel.device), limited, mel)


def band_pass_gain(
    front_end: FrontEnd, low_hz: Tensor, high_hz: Tensor, low_order: Tensor, high_order: Tensor
) -> Tensor:
    """Gain of Butterworth filters at each band's centre.

    Args:
        low_hz, high_hz: −3 dB edges, [B, 1, 1, 1].
        low_order, high_order: Of the filters at the two edges, [B, 1, 1, 1].

    Returns:
        Shape: [B, 1, M, 1] dB.
    """
    hertz = torch.from_numpy(band_frequencies(front_end)).float().unsqueeze(-1)  # [M, 1]
    low = 1 + (low_hz / hertz) ** (2 * low_order)
    high = 1 + (hertz / high_hz) ** (2 * high_order)
    return -10 * (low * high).log10()
