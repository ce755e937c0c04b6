"""Does serving see what training saw? GTZAN's published mels against the front end, on clips whose audio is at hand.

(a) values: the published columns are hop-512 frames at known places, so the same frames are taken and compared in dB.
(b) what serving sees: hop 1709 straight from audio has another phase; compared is what the network answers.
The index arithmetic belongs to that file alone, and so stays here.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel, mel_power
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import DataError, gtzan, lossless_clips


def measure(data: Path, cache: Path, checkpoint: str | Path = "genre") -> dict[str, Any]:
    """Both figures over every clip in gtzan/audio."""
    folder = data / "gtzan" if (data / "gtzan").is_dir() else data
    files = lossless_clips(data)
    if not (folder / "mels.npz").exists():
        raise DataError(f"Parity needs {folder / 'mels.npz'}.")
    collection = gtzan(data, GTZAN_FRONT_END, cache)
    with np.load(folder / "mels.npz", allow_pickle=False) as archive:
        n_samples, peak_db = archive["n_samples"], archive["peak_db"]
    classifier = Classifier(Checkpoint.load(checkpoint))
    errors, variations, same = [], [], 0
    for file in files:
        track = collection.names.index(file.stem)
        published = collection.features.mel(track)
        samples = decode(file).samples
        errors.append(
            _value_error(samples, published, int(n_samples[track]), float(peak_db[track]))
        )
        served = log_mel(samples, GTZAN_FRONT_END)
        stretch = published[:, : served.shape[1]]
        # The audio may be only the clip's beginning; its maximum is then its own.
        ours, theirs = (
            classifier.predict(mel).overall
            for mel in (served, (stretch - stretch.max()).clamp(min=-80.0))
        )
        variations.append(0.5 * float(np.abs(ours - theirs).sum()))
        same += int(ours.argmax() == theirs.argmax())
    return {
        "clips": len(files),
        "mean_absolute_error_db": float(np.mean(errors)),
        "total_variation_mean": float(np.mean(variations)),
        "total_variation_max": float(np.max(variations)),
        "same_top_genre": same,
    }


def _value_error(
    samples: "np.ndarray[Any, Any]", published: torch.Tensor, n_samples: int, peak_db: float
) -> float:
    """Mean |difference| in dB over the columns that the audio covers, on the whole clip's scale."""
    power = mel_power(samples, replace(GTZAN_FRONT_END, hop_length=512))
    n_frames = n_samples // 512 + 1
    index = np.round((np.arange(published.shape[1]) + 0.34) * (n_frames - 1) / 387.2).astype(int)
    # The last frames of a shortened clip look past its end.
    index = index[index * 512 + 1024 <= len(samples)]
    decibels = (10 * torch.log10(power[:, index].clamp(min=1e-10)) - peak_db).clamp(
        min=-80.0, max=0.0
    )
    return float((decibels - published[:, : len(index)]).abs().mean())
