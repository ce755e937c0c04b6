"""Reverberation: the sound of a room, as convolution with an impulse response.

The tail is noise that decays exponentially (Moorer 1979, About this reverberation business). It
models a room's response once the echoes have become dense.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from crnn.audio.torchaudio_shim import torchaudio
from crnn.augment.effects.base import check


@dataclass(frozen=True)
class Reverberation:
    """A room that takes `seconds` to become 60 dB quieter (RT60), 0 (none) to 10 s.

    direct_db: level of the direct sound relative to the whole tail; seed: of the tail's noise.
    """

    seconds: float
    direct_db: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check("a reverberation time", self.seconds, 0, 10, "s")
        check("a direct sound", self.direct_db, -60, 60, "dB")

    def impulse_response(self, sample_rate: int) -> Tensor:
        """[1 + tail]: the direct sound, 1, and a tail down to −60 dB."""
        count = round(self.seconds * sample_rate)
        noise = torch.randn(count, generator=Generator().manual_seed(self.seed))
        tail = noise * torch.logspace(0, -3, count)
        power = tail.square().sum().clamp(min=1e-20)
        return torch.cat([torch.ones(1), tail * (10 ** (-self.direct_db / 10) / power).sqrt()])

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]; the tail is cut off at the end of the samples."""
        response = self.impulse_response(sample_rate)
        if len(response) == 1:
            return samples
        response = response.to(samples.dtype).expand(*samples.shape[:-1], -1)
        convolved: Tensor = torchaudio.functional.fftconvolve(samples, response)
        return convolved[..., : samples.shape[-1]]
