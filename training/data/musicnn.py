"""MusiCNN, a music tagger (Pons & Serra 2019, arXiv 1909.06654).

Package musicnn 0.1.0 (ISC licence) has two sets of weights: trained on the Million Song Dataset
(MSD) and on MagnaTagATune (MTT), 50 tags each. They are read from the wheel, since the package
itself needs TensorFlow, and versions of NumPy and librosa that can't be installed beside ours.
"""

import zipfile
from pathlib import Path

import librosa
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from crnn.audio.containers import Samples
from training.data.collection import DataError
from training.data.feature_store import Array

WHEEL = "musicnn-0.1.0-py3-none-any.whl"
MODELS = ("MSD_musicnn", "MTT_musicnn")
N_TAGS, EMBEDDING_SIZE = 50, 200

SAMPLE_RATE = 16_000  # Hz
WINDOW_SECONDS = 3.0
# Spectrograms as the networks were trained on: 96 mel bands, frames of 16 ms, 187 in a window.
_N_FFT, _HOP, _N_MELS, _FRAMES = 512, 256, 96, 187
# TensorFlow's default for batch norm; PyTorch's is 1e-5.
_EPSILON = 1e-3
# TensorFlow's names of what a layer holds.
_WEIGHTS = {"weight": "kernel", "bias": "bias"}
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
# Its axes in PyTorch's order, by their number: a kernel has height and width first, outputs last.
_AXES = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}


def windows(samples: Samples, hop_seconds: float) -> Array:
    """Log-mel spectrograms of 3 s, one every hop_seconds; a shorter clip is repeated.

    Args:
        samples: At SAMPLE_RATE, [T].

    Returns:
        Shape: [N, 187, 96], float32.
    """
    power = librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=_N_FFT, hop_length=_HOP, n_mels=_N_MELS
    )
    mel = np.log10(10_000 * power.T + 1).astype(np.float32)
    if len(mel) < _FRAMES:
        mel = np.resize(mel, (_FRAMES, _N_MELS))
    hop = hop_seconds * SAMPLE_RATE / _HOP
    count = 1 + int((len(mel) - _FRAMES) / hop)
    firsts = np.round(np.arange(count) * hop).astype(int)
    return np.stack([mel[first : first + _FRAMES] for first in firsts])


class _Block(nn.Module):
    """Convolution, ReLU and batch norm; padded to the same length in time, not over the bands."""

    def __init__(self, inputs: int, filters: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, filters, kernel)
        self.norm = nn.BatchNorm2d(filters, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Shape: [B, 1, T, M] -> [B, filters, T, M']."""
        padding = self.convolution.kernel_size[0] - 1
        # As TensorFlow pads for an even kernel: one frame more behind than before.
        x = functional.pad(x, (0, 0, padding // 2, padding - padding // 2))
        return self.norm(self.convolution(x).relu())  # type: ignore[no-any-return]


class Musicnn(nn.Module):
    """Timbral and temporal convolutions, three residual ones over time, pooling, dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(1, eps=_EPSILON)
        # Filters over 0.4 and 0.7 of the bands, and over 2, 1 and 0.5 s of one band.
        timbral = [_Block(1, 204, (7, int(share * _N_MELS))) for share in (0.4, 0.7)]
        temporal = [_Block(1, 51, (frames, 1)) for frames in (128, 64, 32)]
        self.front = nn.ModuleList([*timbral, *temporal])
        width = 2 * 204 + 3 * 51
        self.middle = nn.ModuleList([_Block(1, 64, (7, bands)) for bands in (width, 64, 64)])
        pooled = 2 * (width + 3 * 64)
        self.pooled_norm = nn.BatchNorm1d(pooled, eps=_EPSILON)
        self.dense = nn.Linear(pooled, EMBEDDING_SIZE)
        self.dense_norm = nn.BatchNorm1d(EMBEDDING_SIZE, eps=_EPSILON)
        self.tags = nn.Linear(EMBEDDING_SIZE, N_TAGS)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Shape: [B, 187, 96] -> logits of the tags [B, 50] and embeddings [B, 200]."""
        x = self.normalise(windows.unsqueeze(1))
        x = torch.cat([block(x).amax(dim=3) for block in self.front], dim=1)  # [B, C, T]
        maps = [x]
        for block in self.middle:
            y = block(x.transpose(1, 2).unsqueeze(1)).squeeze(3)  # [B, 64, T]
            x = y if len(maps) == 1 else x + y
            maps.append(x)
        x = torch.cat(maps, dim=1)
        pooled = torch.stack([x.amax(dim=2), x.mean(dim=2)], dim=2).flatten(1)
        embedding = self.dense_norm(self.dense(self.pooled_norm(pooled)).relu())
        return self.tags(embedding), embedding


def load(wheel: Path, model: str) -> Musicnn:
    """One of MODELS with its published weights. DataError where the wheel is not the published one.

    The data file of a checkpoint holds all variables end to end, in the order of their names.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(f"musicnn/{model}/.data-00000-of-00001")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{wheel} is missing or damaged: {error}. Get it with "
            f"pip download --no-deps musicnn==0.1.0 -d {wheel.parent}"
        ) from error
    network = Musicnn().eval()
    variables = sorted(_variables(network).items())
    expected = 4 * sum(tensor.numel() for _, tensor in variables)
    if len(content) != expected:
        raise DataError(
            f"{wheel}: the weights of {model} take {len(content)} bytes; {expected} are expected, "
            "as in musicnn 0.1.0."
        )
    first = 0
    for _, tensor in variables:
        values = np.frombuffer(content, "<f4", tensor.numel(), first)
        first += values.nbytes
        shaped = values.reshape(*tensor.shape[2:], *tensor.shape[1::-1])
        tensor.copy_(torch.from_numpy(shaped.copy()).permute(*_AXES[tensor.ndim]))
    return network


def _variables(network: Musicnn) -> dict[str, Tensor]:
    """Where each variable of a checkpoint goes, by TensorFlow's names."""
    blocks = [*network.front, *network.middle]
    norms = [network.normalise, *(b.norm for b in blocks), network.pooled_norm, network.dense_norm]
    kinds = {
        "conv2d": ([block.convolution for block in blocks], _WEIGHTS),
        "batch_normalization": (norms, _NORM),
        "dense": ([network.dense, network.tags], _WEIGHTS),
    }
    # Adam's own two numbers, and its two averages of each trained variable, are not needed.
    variables = {"beta1_power": torch.empty(1), "beta2_power": torch.empty(1)}
    for kind, (layers, names) in kinds.items():
        for number, layer in enumerate(layers):
            tensors = layer.state_dict()
            for name, theirs in names.items():
                key = f"{kind}_{number}/{theirs}" if number else f"{kind}/{theirs}"
                variables[key] = tensors[name]
                if not name.startswith("running"):
                    for average in ("Adam", "Adam_1"):
                        variables[f"{key}/{average}"] = torch.empty_like(tensors[name])
    return variables
