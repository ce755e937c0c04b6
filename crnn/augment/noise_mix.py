"""Background noise at a signal-to-noise ratio (the paper, III-D), in waveform or spectrogram."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import band_weights
from crnn.audio.noise import KINDS, NoiseLoop, noise_loop, noise_loop_power


@dataclass(frozen=True)
class BackgroundNoise:
    """Noise on average snr_db decibels quieter than the music.

    kind: one of crnn.audio.noise.KINDS, or a NoiseLoop. What is sampled is where in its loop an
    item's noise begins, from 0 to 1.
    """

    snr_db: float
    kind: str | NoiseLoop = "white"

    def __post_init__(self) -> None:
        if isinstance(self.kind, str) and self.kind not in KINDS:
            raise ValueError(f"noise {self.kind!r}: one of {', '.join(KINDS)} is needed")
        if not -100 <= self.snr_db <= 200:
            raise ValueError(
                f"a signal-to-noise ratio of {self.snr_db} dB: between −100 and 200 is needed"
            )

    def sample(self, shape: torch.Size, generator: Generator | None = None) -> Tensor:
        """[B] in [0, 1)."""
        return torch.rand(shape[0], generator=generator)

    def mix(self, samples: Tensor, begin: float, sample_rate: int) -> Tensor:
        """Shape: samples [T] -> [T]. Silence stays silence: its noise has no power either."""
        loop = noise_loop(self.kind, sample_rate)
        first = int(begin * len(loop))
        noise = loop[(first + torch.arange(len(samples))) % len(loop)]
        ratio = samples.square().mean() / noise.square().mean().clamp(min=1e-20)
        gain = (ratio * 10 ** (-self.snr_db / 10)).sqrt()
        return samples + gain.to(samples.dtype) * noise.to(samples.dtype)

    def apply(self, mel: Tensor, begin: Tensor, front_end: FrontEnd) -> Tensor:
        """The same for a spectrogram: noise through the same mel bank, added as power.

        mel [B, 1, M, W] dB. Powers of uncorrelated sounds add up on average; the phase that decides
        single values is lost.
        """
        noise = noise_power(self.kind, begin, mel.shape[-1], front_end)
        return add_noise(mel, noise, torch.tensor(self.snr_db), front_end)


def noise_power(kind: str | NoiseLoop, begin: Tensor, n_frames: int, front_end: FrontEnd) -> Tensor:
    """Parts of a noise's loop that begin at `begin` [B], from 0 to 1: mel power [B, 1, M, W]."""
    loop = noise_loop_power(kind, front_end)  # [M, F]
    first = (begin * loop.shape[1]).long()
    frames = (first.unsqueeze(-1) + torch.arange(n_frames)) % loop.shape[1]  # [B, W]
    return loop.t()[frames].transpose(1, 2).unsqueeze(1)


def add_noise(mel: Tensor, noise: Tensor, snr_db: Tensor, front_end: FrontEnd) -> Tensor:
    """Add a noise's power to that of log-mel spectrograms.

    Where 0 dB is the track's loudest point, the result is turned down to stay below it.

    Args:
        mel: [B, 1, M, W] dB; the result has the same shape.
        noise: Power through the same mel bank, of the same shape and any level.
        snr_db: Signal-to-noise ratio in dB, [B] or of no axis.
    """
    power, noise = torch.pow(10.0, mel / 10), noise.to(mel.device)
    weights = band_weights(front_end).to(mel.device).view(1, 1, -1, 1)
    # A recording's noise may pause.
    noise_sum = (noise * weights).sum((1, 2, 3)).clamp(min=1e-20)
    ratio = (power * weights).sum((1, 2, 3)) / noise_sum
    gain = ratio * 10 ** (-snr_db.to(mel.device) / 10)
    mixed = 10 * torch.log10(power + gain.view(-1, 1, 1, 1) * noise)
    if front_end.floor is None:
        return mixed
    above = mixed.amax((1, 2, 3), keepdim=True).clamp(min=0)
    return (mixed - above).clamp(min=front_end.floor)
