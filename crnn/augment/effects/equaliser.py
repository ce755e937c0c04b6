"""A random, smooth equaliser, as if from another room, microphone or mastering.

The networks are trained with it (training.engine.module), on log-mel spectrograms; here it is
applied to the waveform, too.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import signal
from torch import Generator, Tensor
from torch.nn import functional

from crnn.audio.front_end import hz_to_mel, mel_to_hz
from crnn.augment.effects.base import check

# Points of the curve, from the lowest band to the highest: about one an octave.
POINTS = 8

_TAPS = 8192  # of the filter


@dataclass(frozen=True)
class Equaliser:
    """A curve through eight points evenly spaced in mel, gains uniform in ±limit_db (0 to 40)."""

    limit_db: float
    seed: int = 0

    def __post_init__(self) -> None:
        check("an equaliser", self.limit_db, 0, 40, "dB")

    def gains(self) -> Tensor:
        """The gains in dB, [POINTS]."""
        unit = torch.rand(POINTS, generator=Generator().manual_seed(self.seed))
        return (unit * 2 - 1) * self.limit_db

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]; a zero-phase filter, so nothing is delayed."""
        count, hertz = samples.shape[-1], np.fft.rfftfreq(_TAPS, 1 / sample_rate)
        places = np.linspace(0, 1, 32 * POINTS)  # fine enough for straight lines between them
        curve = np.interp(places, np.linspace(0, 1, POINTS), self.gains().numpy())
        grid = mel_to_hz(places * hz_to_mel(sample_rate / 2, "slaney"), "slaney")
        response = np.fft.irfft(10 ** (np.interp(hertz, grid, curve) / 20))
        taps = np.roll(response, _TAPS // 2).reshape((1,) * (samples.ndim - 1) + (-1,))
        filtered = signal.oaconvolve(samples.numpy(), taps.astype(np.float32), axes=-1)
        filtered = filtered[..., _TAPS // 2 : _TAPS // 2 + count]
        return torch.as_tensor(filtered, dtype=samples.dtype)


def equalise(mel: Tensor, level: Tensor, points: Tensor, floor: float) -> Tensor:
    """Add a level and a curve to log-mel spectrograms; silence stays silence.

    Args:
        mel: [B, 1, M, W] dB; the result has the same shape.
        level: [B, 1, 1] dB.
        points: [B, 1, P] dB, evenly spaced from the lowest band to the highest.
        floor: silence in dB.
    """
    curve = functional.interpolate(points, size=mel.shape[2], mode="linear", align_corners=True)
    gain = (level + curve).unsqueeze(-1).to(mel.device)  # [B, 1, M, 1]
    return torch.where(mel > floor, mel + gain, mel).clamp(min=floor)
