"""Noise added to a spectrogram as power, compared with noise mixed into the waveform.

Training and Table VII add noise as power, since most of GTZAN exists only as spectrograms. Powers
of uncorrelated sounds add up on average; single values depend on phases, which are lost. As a
yardstick, two waveforms mixed with two excerpts of the same noise are compared as well.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.augment.noise_mix import BackgroundNoise
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import lossless_clips
from training.evaluation import tables
from training.evaluation.metrics import total_variation

# Kind and signal-to-noise ratio in dB, as in Table VII.
NOISES = (("white", 20.0), ("white", 10.0), ("white", 0.0), ("pink", 10.0))


def measure(data: Path, checkpoint: str | Path = "genre", progress: bool = True) -> dict[str, Any]:
    """Mean difference in dB and total variation distance, by noise, over every lossless clip.

    Raises DataError where gtzan/audio holds no FLAC files.
    """
    files = lossless_clips(data)
    classifier = Classifier(Checkpoint.load(checkpoint))
    measured: list[list[dict[str, float]]] = [[] for _ in NOISES]
    for number, file in enumerate(tqdm(files, desc="noise", unit="clip", disable=not progress)):
        samples = torch.from_numpy(decode(file).samples)
        for of_noise, noise in zip(measured, NOISES, strict=True):
            of_noise.append(distances(samples, noise, classifier, seed=number))
    rows = [
        tables.row(f"{kind} noise, {snr:g} dB", tables.collect(of_noise))
        for (kind, snr), of_noise in zip(NOISES, measured, strict=True)
    ]
    return tables.table(
        "noise",
        "Adding noise to the spectrogram vs. the waveform",
        f"{len(files)} lossless GTZAN clips, bundled genre network; sd over clips. Noise "
        "resampled: two waveforms mixed with two excerpts of the same noise.",
        rows,
        weights=classifier.checkpoint.digest,
    )


def distances(
    samples: Tensor, noise: tuple[str, float], classifier: Classifier, seed: int
) -> dict[str, float]:
    """Spectrogram vs. waveform, and one noise sample vs. another, for one clip [T]."""
    kind, snr_db = noise
    transform, front_end = BackgroundNoise(snr_db, kind), classifier.checkpoint.front_end
    first, second = torch.rand(2, generator=torch.Generator().manual_seed(seed)).tolist()
    mixed, resampled = (
        log_mel(transform.mix(samples, place, front_end.sample_rate).numpy(), front_end)
        for place in (first, second)
    )
    clean = log_mel(samples.numpy(), front_end)[None, None]
    added = transform.apply(clean, torch.tensor([first]), front_end)[0, 0]
    p, q, other = (classifier.predict(mel).overall for mel in (mixed, added, resampled))
    return {
        "difference_db": float((mixed - added).abs().mean()),
        "difference_db_redrawn": float((mixed - resampled).abs().mean()),
        "total_variation": total_variation(p, q),
        "total_variation_redrawn": total_variation(p, other),
    }
