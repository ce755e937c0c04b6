"""Change tempo or pitch, each without the other; a phase vocoder (Flanagan & Golden 1966)."""

from dataclasses import dataclass
from itertools import pairwise

import soxr
import torch
from torch import Tensor

from crnn.audio.torchaudio_shim import torchaudio
from crnn.augment.effects.base import check

N_FFT, HOP = 2048, 512
_BLOCK, _FADE = 2**18, 1024  # samples


@dataclass(frozen=True)
class TimeStretch:
    """Multiply the tempo by `rate`, 0.5 to 2, and keep the pitch; 1 is none.

    A slower sound loses its end; a faster one is repeated until it is as long as before.
    """

    rate: float

    def __post_init__(self) -> None:
        check("a tempo", self.rate, 0.5, 2, "times the original's")

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]."""
        count = samples.shape[-1]
        sound = stretched(samples, max(1, round(count / self.rate)))
        return sound[..., torch.arange(count) % sound.shape[-1]]


@dataclass(frozen=True)
class PitchShift:
    """Multiply all frequencies by 2^(semitones / 12), keep the tempo; −12 to 12, 0 is none."""

    semitones: float

    def __post_init__(self) -> None:
        check("a pitch shift", self.semitones, -12, 12, "semitones")

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]."""
        count, ratio = samples.shape[-1], 2 ** (self.semitones / 12)
        if not self.semitones or not count:
            return samples
        longer = stretched(samples, max(1, round(count * ratio)))
        # soxr has time first and up to 65,536 channels.
        flat = longer.reshape(-1, longer.shape[-1]).T.contiguous().numpy()
        shifted = torch.from_numpy(soxr.resample(flat, ratio, 1.0)).T.to(samples.dtype)
        shifted = torch.nn.functional.pad(shifted, (0, max(0, count - shifted.shape[-1])))
        return shifted[:, :count].reshape(samples.shape)


def stretched(sound: Tensor, length: int) -> Tensor:
    """The same sound in more or fewer samples, pitch kept. Shape: [..., T] -> [..., length].

    Computed in blocks with cross-fades, since a vocoder takes many times the memory of its sound.
    """
    count = sound.shape[-1]
    if count == length:
        return sound
    blocks = -(-max(count, length) // _BLOCK)
    edges = [round(k * length / blocks) for k in range(blocks + 1)]
    out, ramp = sound.new_empty((*sound.shape[:-1], length)), torch.linspace(0, 1, _FADE)
    for first, end in pairwise(edges):
        last = min(length, end + _FADE)
        begin, stop = (round(place * count / length) for place in (first, last))
        block = _vocoded(sound[..., begin:stop], last - first)
        if first:
            joint = out[..., first : first + _FADE] * (1 - ramp) + block[..., :_FADE] * ramp
            block = torch.cat([joint, block[..., _FADE:]], -1)
        out[..., first:last] = block
    return out


def _vocoded(sound: Tensor, length: int) -> Tensor:
    """One block. Shape: [..., T] -> [..., length]."""
    count = sound.shape[-1]
    if count == length:
        return sound
    if count < HOP or length < HOP:
        # Too short for a phase vocoder to find a pitch in; at most 23 ms, a click either way.
        flat = sound.reshape(-1, 1, count)
        flat = torch.nn.functional.interpolate(flat, size=length, mode="linear")
        return flat.reshape(*sound.shape[:-1], length)
    # The vocoder gives whole hops and stops early: it is given silence to stop in.
    spectrum = stft(torch.nn.functional.pad(sound, (0, 4 * HOP)))
    advance = torch.linspace(0, torch.pi * HOP, spectrum.shape[-2]).unsqueeze(1)
    return istft(torchaudio.functional.phase_vocoder(spectrum, count / length, advance), length)


def stft(sound: Tensor) -> Tensor:
    """Complex STFT, frames of 2048 samples, hop 512. Shape: [..., T] -> [..., 1025, F]."""
    window = torch.hann_window(N_FFT)
    return torch.stft(sound, N_FFT, HOP, window=window, return_complex=True, pad_mode="constant")


def istft(spectrum: Tensor, length: int) -> Tensor:
    """The inverse of `stft`. Shape: [..., 1025, F] -> [..., length]."""
    return torch.istft(spectrum, N_FFT, HOP, window=torch.hann_window(N_FFT), length=length)
