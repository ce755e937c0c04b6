"""A band-pass filter, as in a telephone, a small loudspeaker or a wall."""

import math
from dataclasses import dataclass

import torch
from scipy import signal
from torch import Tensor


@dataclass(frozen=True)
class BandPass:
    """Butterworth filters of order 4: −3 dB at the edges, −24 dB per octave beyond.

    low_hz: 0 for no lower edge; high_hz: half the sample rate or more for no upper edge.
    """

    low_hz: float = 0.0
    high_hz: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.low_hz < self.high_hz:
            raise ValueError(
                f"a band from {self.low_hz:g} to {self.high_hz:g} Hz: it has to go up, from 0 on"
            )

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]; silence where the band lies above half the rate."""
        nyquist = sample_rate / 2
        if self.low_hz >= nyquist:
            return torch.zeros_like(samples)
        filtered = samples.numpy()
        for edge, kind in ((self.low_hz, "highpass"), (self.high_hz, "lowpass")):
            if 0 < edge < nyquist:
                sections = signal.butter(4, edge, kind, fs=sample_rate, output="sos")
                filtered = signal.sosfilt(sections, filtered, axis=-1)
        return torch.as_tensor(filtered, dtype=samples.dtype)
