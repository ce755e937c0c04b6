"""Frequency-wise MixStyle: mix mean and deviation of each mel band between training examples.

How a band's level moves is the music; its mean and deviation are as much the room, the microphone
and the mastering. MixStyle (Zhou et al. 2021, ICLR) by band rather than by channel, since
recordings differ in frequency response (Kim et al. 2022, arXiv 2206.12513; Morocutti et al. 2023,
arXiv 2305.07499).
"""

import numpy as np
import torch
from torch import Generator, Tensor

from crnn.augment.effects.mixing import mix_statistics

_PROBABILITY = 0.5  # that an example is mixed


def freq_mixstyle(mel: Tensor, alpha: float, generator: Generator, floor: float) -> Tensor:
    """Mix mean and deviation of each band with those of another example; of half of the examples.

    Args:
        mel: [B, 1, M, W] dB; the result has the same shape.
        alpha: Of the beta distribution of λ, the weight of an example's own statistics.
        floor: Silence in dB, which stays silence.
    """
    partner = torch.randperm(len(mel), generator=generator)
    # NumPy's, seeded from the generator: torch's beta distribution takes none.
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    lam = torch.from_numpy(rng.beta(alpha, alpha, len(mel))).float()
    mixed = torch.rand(len(mel), generator=generator) < _PROBABILITY
    lam = torch.where(mixed, lam, 1.0).view(-1, 1, 1, 1).to(mel.device)
    return mix_statistics(mel, mel[partner.to(mel.device)], lam, floor)
