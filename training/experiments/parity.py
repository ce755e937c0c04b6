"""Whether inference and training see the same spectrograms: GTZAN's published ones are compared.

(a) Values: the published columns are hop-512 frames at known positions; the same frames are
    computed from audio and compared in dB.
(b) Predictions: at inference, hop 1709 starts at another phase; predictions from both are
    compared.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel, mel_power
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import (
    DataError,
    data_folder,
    gtzan,
    lossless_clips,
    published_arrays,
)
from training.evaluation.metrics import total_variation


def measure(data: Path, cache: Path, checkpoint: str | Path = "genre") -> dict[str, Any]:
    """Both comparisons over every lossless clip in gtzan/audio."""
    folder = data_folder(data, "gtzan")
    files = lossless_clips(data)
    if not (folder / "mels.npz").exists():
        raise DataError(f"Parity needs {folder / 'mels.npz'}.")
    collection = gtzan(data, GTZAN_FRONT_END, cache)
    with published_arrays(folder / "mels.npz", "name", "X", "n_samples", "peak_db") as archive:
        n_samples, peak_db = archive["n_samples"], archive["peak_db"]
    classifier = Classifier(Checkpoint.load(checkpoint))
    errors, distances, same = [], [], []
    for file in files:
        track = collection.names.index(file.stem)
        published, samples = collection.features.mel(track), decode(file).samples
        errors.append(_error_db(samples, published, int(n_samples[track]), float(peak_db[track])))
        computed = log_mel(samples, GTZAN_FRONT_END)
        # The audio may be only the clip's beginning; its maximum is then its own.
        excerpt = published[:, : computed.shape[1]]
        excerpt = (excerpt - excerpt.max()).clamp(min=-80.0)
        ours, theirs = (classifier.predict(mel).overall for mel in (computed, excerpt))
        distances.append(total_variation(ours, theirs))
        same.append(ours.argmax() == theirs.argmax())
    return {
        "clips": len(files),
        "mean_absolute_error_db": float(np.mean(errors)),
        "total_variation_mean": float(np.mean(distances)),
        "total_variation_max": float(np.max(distances)),
        "same_top_genre": int(sum(same)),
    }


def _error_db(
    samples: "np.ndarray[Any, Any]", published: Tensor, n_samples: int, peak_db: float
) -> float:
    """Mean absolute difference in dB over the columns that the audio covers."""
    power = mel_power(samples, replace(GTZAN_FRONT_END, hop_length=512))
    n_frames = n_samples // 512 + 1
    index = np.round((np.arange(published.shape[1]) + 0.34) * (n_frames - 1) / 387.2).astype(int)
    # The last frames of a shortened clip extend past its end.
    index = index[index * 512 + 1024 <= len(samples)]
    decibels = 10 * torch.log10(power[:, index].clamp(min=1e-10)) - peak_db
    decibels = decibels.clamp(min=-80.0, max=0.0)
    return float((decibels - published[:, : len(index)]).abs().mean())
