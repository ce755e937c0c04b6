"""Make a mask audible: what it selects of a sound, and the rest."""

import numpy as np
import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies

_N_FFT, _HOP = 2048, 512


def split_by_mask(samples: Tensor, mask: Tensor, front_end: FrontEnd) -> tuple[Tensor, Tensor]:
    """Split a sound into what a mask on its mel spectrogram selects and the rest; they sum to it.

    Each STFT bin is scaled by the mask under the mel filters over it, so edges are soft in
    frequency and over a hop in time.

    Shape: samples [T] at the front end's rate, mask [M, F] from 0 to 1, frame f centred on sample f
    · hop_length -> [T], [T].
    """
    window = torch.hann_window(_N_FFT)
    spectrum = torch.stft(
        samples, _N_FFT, _HOP, window=window, return_complex=True, pad_mode="constant"
    )
    hertz = np.arange(spectrum.shape[0]) * front_end.sample_rate / _N_FFT
    moments = np.arange(spectrum.shape[1]) * _HOP
    frames = np.arange(mask.shape[1]) * front_end.hop_length
    centres = band_frequencies(front_end)
    # Between two centres two triangular filters, not scaled by `norm`, sum to 1: interpolation.
    gain = mask.float().numpy()
    gain = np.apply_along_axis(lambda values: np.interp(hertz, centres, values), 0, gain)
    gain = np.apply_along_axis(lambda values: np.interp(moments, frames, values), 1, gain)
    selected = torch.istft(
        spectrum * torch.from_numpy(gain).float(), _N_FFT, _HOP, window=window, length=len(samples)
    )
    return selected, samples - selected
