"""Waveform to log-mel spectrogram: the same code in training and inference."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.decode import SILENCE_PEAK, Waveform
from crnn.audio.front_end import FrontEnd, band_edges
from crnn.audio.silence import zero_silence_and_align
from crnn.audio.torchaudio_shim import torchaudio
from crnn.errors import AudioError

# Frames transformed at once: 1 MB of STFT at n_fft 2048, however long the track.
_BLOCK_FRAMES = 128


def log_mel(samples: np.ndarray[Any, Any] | Tensor | Waveform, front_end: FrontEnd) -> Tensor:
    """Log-mel spectrogram in dB; silent intervals (crnn.audio.silence) have its lowest value.

    Shape: samples [T] -> [M, F], float32, F = T // hop_length + 1.

    Raises:
        AudioError: the audio is silent; dB below a maximum of zero have no meaning.
        ValueError: a waveform's sample rate is not the front end's.
    """
    if isinstance(samples, Waveform):
        if samples.sample_rate != front_end.sample_rate:
            raise ValueError(
                f"the waveform has {samples.sample_rate} Hz, the front end {front_end.sample_rate}"
            )
        samples = samples.samples
    wave = torch.as_tensor(samples, dtype=torch.float32)
    low, high = torch.aminmax(wave) if wave.numel() else (torch.zeros(()), torch.zeros(()))
    peak = max(float(high), -float(low))
    if peak < SILENCE_PEAK:
        level = "zero" if peak == 0 else f"{20 * np.log10(peak):.0f} dBFS"
        raise AudioError(
            f"The audio is silent: its loudest sample is {level}, and anything below −80 dBFS "
            "counts as silence. Check the recording level, or choose another excerpt."
        )
    power = mel_power(zero_silence_and_align(wave.numpy(), front_end), front_end)
    if not bool(power.max() > 0):
        # Frames are a hop apart: with long hops the only sound can lie beyond the last one.
        raise AudioError("The audio is silent but for its very end. Choose another excerpt.")
    return power_to_db(power, front_end)


def mel_power(samples: np.ndarray[Any, Any] | Tensor, front_end: FrontEnd) -> Tensor:
    """Mel power spectrogram of centred frames, with zeros beyond both ends.

    Shape: samples [T] -> [M, F] with F = T // hop_length + 1. Unit: squared amplitude, per band
    after `norm`. Computed in blocks of frames, so memory beyond the result does not grow with T.
    """
    wave = torch.as_tensor(samples, dtype=torch.float32)
    if wave.ndim != 1 or wave.numel() == 0:
        raise ValueError(f"samples have shape {tuple(wave.shape)}; one non-empty axis is needed")
    mel_spectrogram = mel_transform(front_end)
    n_fft, hop = front_end.n_fft, front_end.hop_length
    n_frames = wave.numel() // hop + 1
    blocks = []
    for first in range(0, n_frames, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, n_frames) - 1
        begin, end = first * hop - n_fft // 2, last * hop + n_fft - n_fft // 2
        # Zeros at the ends of the track only: padded as a whole it would be copied.
        block = torch.nn.functional.pad(
            wave[max(0, begin) : end], (max(0, -begin), max(0, end - wave.numel()))
        )
        blocks.append(mel_spectrogram(block))
    return torch.cat(blocks, dim=1)


def power_to_db(power: Tensor, front_end: FrontEnd, maximum: Tensor | None = None) -> Tensor:
    """10·log10(power / reference), no lower than top_db below the maximum; the same shape.

    maximum: of the whole track, where `power` is only a part of it.
    """
    maximum = power.max() if maximum is None else maximum
    reference = maximum if front_end.reference == "max" else torch.tensor(front_end.reference)
    return 10.0 * torch.log10(power.clamp(min=maximum * 10 ** (-front_end.top_db / 10)) / reference)


def silence_db(mel: Tensor, front_end: FrontEnd) -> float:
    """The value of silence in a track's log-mel spectrogram: top_db below its maximum."""
    return front_end.floor if front_end.floor is not None else float(mel.max()) - front_end.top_db


@lru_cache(maxsize=8)
def band_weights(front_end: FrontEnd) -> Tensor:
    """Weights [M] that undo `norm`, so that the weighted sum of a frame's bands is its power."""
    if front_end.norm is None:
        return torch.ones(front_end.n_mels)
    edges = band_edges(front_end)
    return torch.from_numpy((edges[2:] - edges[:-2]) / 2).float()


@lru_cache(maxsize=8)
def mel_transform(front_end: FrontEnd) -> Any:
    """Padded samples [T] -> mel power [M, F]; its halves are `.spectrogram` and `.mel_scale`."""
    return torchaudio.transforms.MelSpectrogram(
        sample_rate=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop_length,
        n_mels=front_end.n_mels,
        mel_scale=front_end.mel_scale,
        norm=front_end.norm,
        center=False,  # mel_power pads once, so that blocks join without a seam
    )
