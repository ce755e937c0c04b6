"""MixStyle: a crop in the manner of another's recording.

What a band's level does over time is the music; where it lies and how far it swings is as much the room, the microphone and
the mastering. Mixing these two between the crops of a batch (Zhou et al. 2021, ICLR), band by band rather than channel by
channel, since that is where recordings differ in audio (Kim et al. 2022, arXiv 2206.12513; Morocutti et al. 2023,
arXiv 2305.07499), leaves the music and takes away what would tell its recording.
"""

import numpy as np
import torch
from torch import Generator, Tensor

# Of the crops; the others stay as they are.
_SHARE = 0.5
_STILL = 1e-3  # dB: a band that does not move is not blown up


def freq_mixstyle(mel: Tensor, alpha: float, generator: Generator, floor: float) -> Tensor:
    """Crops whose bands have mean and deviation of a mixture with another crop of the batch, each of half of them.

    Shape: [B, 1, M, W] dB -> the same. alpha: of the beta distribution of the mixed share. What lies on the floor is silence, and
    stays silence.
    """
    partner = torch.randperm(len(mel), generator=generator)
    # NumPy's, seeded from the generator: torch's beta distribution takes none.
    draws = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    own = torch.from_numpy(draws.beta(alpha, alpha, len(mel))).float()
    own = (
        torch.where(torch.rand(len(mel), generator=generator) < _SHARE, own, 1.0)
        .view(-1, 1, 1, 1)
        .to(mel.device)
    )
    partner = partner.to(mel.device)
    mean, deviation = mel.mean(-1, keepdim=True), mel.std(-1, keepdim=True) + _STILL
    new_mean = own * mean + (1 - own) * mean[partner]
    new_deviation = own * deviation + (1 - own) * deviation[partner]
    moved = (mel - mean) / deviation * new_deviation + new_mean
    return torch.where(mel > floor, moved, mel).clamp(min=floor)
