"""Waveform to log-mel spectrogram: the only place where this happens, in training and in serving.

A FrontEnd holds every setting that changes a value; each checkpoint carries its own, so that a network is always
served with the picture it was trained on.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.decode import SILENCE_PEAK
from crnn.audio.front_end import FrontEnd, hz_to_mel, mel_to_hz
from crnn.audio.torchaudio_shim import torchaudio
from crnn.errors import AudioError

# Frames transformed at once: 4 MB of STFT at n_fft 2048, however long the track.
_BLOCK_FRAMES = 512


def mel_power(samples: "np.ndarray[Any, Any] | Tensor", front_end: FrontEnd) -> Tensor:
    """Mel power spectrogram, centred frames (zeros beyond both ends).

    Shape: samples [T] -> [M, F] with F = T // hop_length + 1. Unit: squared amplitude, per band
    after `norm`. Computed in blocks of frames, so memory beyond the result does not grow with T.
    """
    wave = torch.as_tensor(samples, dtype=torch.float32)
    if wave.ndim != 1 or wave.numel() == 0:
        raise ValueError(
            f"samples have shape {tuple(wave.shape)}; one non-empty axis [T] is needed"
        )
    n_frames = wave.numel() // front_end.hop_length + 1
    mel_spectrogram = mel_transform(front_end)
    half, hop = front_end.n_fft // 2, front_end.hop_length
    padded = torch.nn.functional.pad(wave, (half, half))
    blocks = []
    for first in range(0, n_frames, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, n_frames) - 1
        blocks.append(mel_spectrogram(padded[first * hop : last * hop + front_end.n_fft]))
    return torch.cat(blocks, dim=1)


def log_mel(samples: "np.ndarray[Any, Any] | Tensor", front_end: FrontEnd) -> Tensor:
    """Log-mel spectrogram in dB.

    Shape: samples [T] -> [M, F], float32, F = T // hop_length + 1.
    Raises AudioError for silence: "dB below the maximum" has no meaning where nothing sounds.
    """
    wave = torch.as_tensor(samples, dtype=torch.float32)
    peak = float(wave.abs().max()) if wave.numel() else 0.0
    if peak < SILENCE_PEAK:
        raise AudioError(
            f"The audio is silent: its loudest sample is {_dbfs(peak)}, and anything below −80 dBFS counts as silence. "
            "Check the recording level, or choose a passage where something sounds."
        )
    power = mel_power(wave, front_end)
    if not bool(power.max() > 0):
        # Frames are centred a hop apart: with long hops the only sound can lie beyond the last one.
        raise AudioError(
            "The audio is silent but for its very end. Choose a passage where something sounds."
        )
    return power_to_db(power, front_end)


def power_to_db(power: Tensor, front_end: FrontEnd, loudest: Tensor | None = None) -> Tensor:
    """10·log10(power / reference), no lower than top_db below the loudest value; the same shape.

    loudest: the whole track's loudest value, where power is only a part of the track.
    """
    loudest = power.max() if loudest is None else loudest
    reference = loudest if front_end.reference == "max" else torch.tensor(front_end.reference)
    return 10.0 * torch.log10(power.clamp(min=loudest * 10 ** (-front_end.top_db / 10)) / reference)


def silence_db(mel: Tensor, front_end: FrontEnd) -> float:
    """The value in dB that silence has in a track's log-mel picture: the floor, or top_db below the loudest."""
    return front_end.floor if front_end.floor is not None else float(mel.max()) - front_end.top_db


@lru_cache(maxsize=8)
def band_weights(front_end: FrontEnd) -> Tensor:
    """What each band's power counts for in the power of the whole sound, [M]: undoes `norm`, so that all filters together
    weigh every frequency alike."""
    if front_end.norm is None:
        return torch.ones(front_end.n_mels)
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    edges = mel_to_hz(np.linspace(0.0, top, front_end.n_mels + 2), front_end.mel_scale)
    return torch.from_numpy((edges[2:] - edges[:-2]) / 2).float()


@lru_cache(maxsize=8)
def mel_transform(front_end: FrontEnd) -> Any:
    """Samples [T] that are padded already -> mel power [M, F]; its two halves are `.spectrogram` and `.mel_scale`."""
    return torchaudio.transforms.MelSpectrogram(
        sample_rate=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop_length,
        n_mels=front_end.n_mels,
        mel_scale=front_end.mel_scale,
        norm=front_end.norm,
        center=False,  # the padding is done once, above, so that blocks join without a seam
    )


def _dbfs(peak: float) -> str:
    return "zero" if peak == 0 else f"{20 * np.log10(peak):.0f} dBFS"
