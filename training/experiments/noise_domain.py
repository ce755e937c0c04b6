"""Noise added to a spectrogram as power, against noise mixed into the waveform: how far apart do the two ways end?

Training and Table VII add noise as power, since most of GTZAN is there only as spectrograms. Powers of uncorrelated sounds add
up on average, and single values depend on phases that are lost. So the distance between the two ways is set beside one that
nobody would mind: between two waveforms mixed with two stretches of the same noise.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.augment.noise_mix import BackgroundNoise
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import lossless_clips
from training.evaluation.metrics import mean_sd

# Kind and signal-to-noise ratio in dB: what Table VII is trained and tested with.
NOISES = (("white", 20.0), ("white", 10.0), ("white", 0.0), ("pink", 10.0))


def measure(data: Path, checkpoint: str | Path = "genre", progress: bool = True) -> dict[str, Any]:
    """Mean distance in dB and total variation of the network's answers, by noise, over every lossless clip.

    DataError where gtzan/audio holds no FLAC files.
    """
    files = lossless_clips(data)
    classifier = Classifier(Checkpoint.load(checkpoint))
    found: list[dict[str, list[float]]] = [{} for _ in NOISES]
    for number, file in enumerate(tqdm(files, desc="noise", unit="clip", disable=not progress)):
        samples = torch.from_numpy(decode(file).samples)
        for row, noise in zip(found, NOISES, strict=True):
            for key, value in distances(samples, noise, classifier, seed=number).items():
                row.setdefault(key, []).append(value)
    rows: list[dict[str, Any]] = [
        {"name": f"{kind} noise, {snr:g} dB", "paper": None, "runs": []}
        | {key: mean_sd(values) for key, values in row.items()}
        for (kind, snr), row in zip(NOISES, found, strict=True)
    ]
    return {
        "table": "noise",
        "title": "Noise as power in the spectrogram, against noise in the waveform",
        "context": f"{len(files)} lossless GTZAN clips, bundled genre network; sd over clips. Redrawn: two waveforms with two "
        "stretches of the same noise, which is how far apart equals lie.",
        "note": "",
        "weights": classifier.checkpoint.digest,
        "rows": rows,
    }


def distances(
    samples: torch.Tensor, noise: tuple[str, float], classifier: Classifier, seed: int
) -> dict[str, float]:
    """One clip [T]: how far the two ways lie apart, and two draws of one way."""
    kind, snr_db = noise
    way, front_end = BackgroundNoise(snr_db, kind), classifier.checkpoint.front_end
    first, second = torch.rand(2, generator=torch.Generator().manual_seed(seed)).tolist()
    mixed, redrawn = (
        log_mel(way.mix(samples, drawn, front_end.sample_rate).numpy(), front_end)
        for drawn in (first, second)
    )
    added = way.apply(
        log_mel(samples.numpy(), front_end)[None, None], torch.tensor([first]), front_end
    )[0, 0]
    answers = [classifier.predict(mel).overall for mel in (mixed, added, redrawn)]
    return {
        "difference_db": float((mixed - added).abs().mean()),
        "difference_db_redrawn": float((mixed - redrawn).abs().mean()),
        "total_variation": 0.5 * float(np.abs(answers[0] - answers[1]).sum()),
        "total_variation_redrawn": 0.5 * float(np.abs(answers[0] - answers[2]).sum()),
    }
