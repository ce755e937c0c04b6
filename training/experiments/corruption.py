"""Table VII, read as a test: what the plain network still knows when each augmentation spoils what it hears.

The paper does not say whether its networks were trained or tested with the augmentations; this is the second reading. Drawn as the
lab draws: once for each 3 s piece, at the paper's strengths, in hop-512 frames whatever the network's grid. The tracks exist
as mel spectrograms, so noise is added as power.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from crnn.audio.front_end import FrontEnd
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.plan import Strengths, augment_mel, sample
from crnn.inference.classifier import Classifier
from training.data import splits
from training.data.collection import Collection
from training.data.splits import Indices
from training.engine.experiment import Experiment
from training.evaluation.metrics import TrackLogits, scores
from training.evaluation.protocols import CONTEXT

# name, strengths, the paper's accuracy (Table VII)
ROWS: tuple[tuple[str, Strengths, float | None], ...] = (
    ("nothing", Strengths(), None),
    ("time mask, T = 50", Strengths(time_mask=50), 0.89),
    ("frequency mask, F = 60", Strengths(frequency_mask=60), 0.78),
    ("time warp, W = 20", Strengths(time_warp=20), 0.81),
    ("white noise, 20 dB", Strengths(snr_db=20.0), 0.82),
    ("white noise, 10 dB", Strengths(snr_db=10.0), None),
    ("white noise, 0 dB", Strengths(snr_db=0.0), None),
    ("pink noise, 10 dB", Strengths(snr_db=10.0, noise="pink"), None),
)


_FIGURES = ("track_accuracy", "track_macro_f1", "segment_accuracy")


def corrupt(mel: torch.Tensor, strengths: Strengths, front_end: FrontEnd) -> torch.Tensor:
    """A track's picture [M, F] with noise, warp and masks, drawn from strengths.seed."""
    draws = sample(strengths, mel.shape[1] * front_end.hop_seconds, front_end)
    if strengths.snr_db is not None:
        noise = BackgroundNoise(strengths.snr_db, strengths.noise)
        mel = noise.apply(mel[None, None], torch.tensor([draws.noise]), front_end)[0, 0]
    return augment_mel(mel, draws, front_end)


def corrupted_logits(
    classifier: Classifier, collection: Collection, tracks: Indices, strengths: Strengths
) -> TrackLogits:
    """Run the classifier over spoilt tracks; each track has a seed of its own, the same for every network."""
    logits, segments = [], []
    for track in tracks:
        own = Strengths(**{**vars(strengths), "seed": strengths.seed + int(track)})
        mel = corrupt(collection.features.mel(int(track)), own, collection.front_end)
        segments.append(classifier.plan(mel.shape[1]))
        logits.append(classifier.logits(mel, segments[-1]).double().numpy())
    return TrackLogits(tuple(logits), tuple(segments), collection.targets[tracks], tracks)


def table(shop: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Every row on F's test part, mean and spread over the runs of protocol F."""
    collection = shop.collection("genre")
    test = splits.filtered(collection).test
    rows = []
    for name, strengths, paper in ROWS:
        found = {}
        for seed in seeds:
            spec = shop.spec("genre", "filtered", seed)
            given = corrupted_logits(shop.classifier(spec, collection), collection, test, strengths)
            found[spec.name] = scores(given, 1.0, collection.labels)
        figures = {key: [float(row[key]) for row in found.values()] for key in _FIGURES}
        rows.append(
            {
                "augmentation": name,
                "strengths": vars(strengths),
                "paper": paper,
                "runs": list(found),
            }
            | {
                key: {"mean": float(np.mean(values)), "each": values}
                for key, values in figures.items()
            }
        )
    return {
        "table": "VII, tested",
        "context": CONTEXT["F"],
        "grid": "slaney, 77.5 ms; noise added as power",
        "rows": rows,
    }
