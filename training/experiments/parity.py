"""Whether inference and training see the same spectrograms: GTZAN's published ones are compared.

(a) Values: column k of mels_1024.npz is the frame around sample 1024·k; the same frames are
    computed from audio and compared in dB, measured columns and interpolated ones apart.
(b) Predictions: training takes the columns nearest to a network's frames; predictions from those
    and from the audio are compared.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel, mel_power
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import (
    HOP_1024,
    DataError,
    data_folder,
    gtzan,
    lossless_clips,
    published_arrays,
)
from training.evaluation.metrics import total_variation


def measure(data: Path, cache: Path, checkpoint: str | Path = "genre") -> dict[str, Any]:
    """Both comparisons over every lossless clip in gtzan/audio.

    Returns:
        clips; mean absolute error in dB over measured and over interpolated columns; mean and
        largest total variation between both predictions; clips with the same top genre.
    """
    file, clips = data_folder(data, "gtzan") / "mels_1024.npz", lossless_clips(data)
    if not file.exists():
        raise DataError(f"Parity needs {file}.")
    classifier = Classifier(Checkpoint.load(checkpoint))
    published, served = gtzan(data, HOP_1024, cache), gtzan(data, classifier.front_end, cache)
    with published_arrays(file, "name", "measured", "peak_db") as archive:
        rows = {str(name): row for row, name in enumerate(archive["name"])}
        peaks, measured = archive["peak_db"], np.unpackbits(archive["measured"], axis=1) > 0
    errors: dict[bool, list[float]] = {True: [], False: []}
    distances, same = [], []
    for clip in clips:
        samples, row = decode(clip).samples, rows[clip.stem]
        power = mel_power(samples, HOP_1024)
        ours = 10 * torch.log10(power.clamp(min=1e-10)) - float(peaks[row])
        theirs = published.features.mel(published.names.index(clip.stem))
        # The audio may be only the clip's beginning, and its last frame extends past its end.
        count = min(ours.shape[1] - 1, theirs.shape[1])
        error = (ours[:, :count].clamp(min=-80, max=0) - theirs[:, :count]).abs().mean(dim=0)
        for kind, of_kind in errors.items():
            of_kind += error[torch.from_numpy(measured[row, :count] == kind)].tolist()
        computed = log_mel(samples, classifier.front_end)
        excerpt = served.features.mel(served.names.index(clip.stem))[:, : computed.shape[1]]
        excerpt = (excerpt - excerpt.max()).clamp(min=-80.0)  # its maximum is then its own
        one, other = (classifier.predict(mel).overall for mel in (computed, excerpt))
        distances.append(total_variation(one, other))
        same.append(one.argmax() == other.argmax())
    return {
        "clips": len(clips),
        "mean_absolute_error_db": float(np.mean(errors[True])),
        "mean_absolute_error_of_interpolated_db": float(np.mean(errors[False])),
        "total_variation_mean": float(np.mean(distances)),
        "total_variation_max": float(np.max(distances)),
        "same_top_genre": int(sum(same)),
    }
