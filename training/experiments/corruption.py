"""Corruption robustness: accuracy on augmented test tracks (Table VII, as test-time corruption).

The paper does not say whether its networks were trained or tested with the augmentations;
`paper_tables` trains with them instead. Parameters are sampled as in the app's Lab: once per 3 s
piece, at the paper's strengths. Only spectrograms are stored, so noise is added to mel power.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.plan import Strengths, augment_mel, sample
from crnn.inference.classifier import Classifier
from training.data import splits
from training.data.collection import Collection
from training.data.splits import Indices
from training.engine.experiment import Experiment
from training.evaluation import tables
from training.evaluation.metrics import TrackLogits, scores, track_logits
from training.evaluation.protocols import CONTEXT, FILTERED, genre_specs

# Name, strengths, the paper's accuracy (Table VII).
ROWS: tuple[tuple[str, Strengths, float | None], ...] = (
    ("none (baseline)", Strengths(), None),
    ("time mask, T = 50", Strengths(time_mask=50), 0.89),
    ("frequency mask, F = 60", Strengths(frequency_mask=60), 0.78),
    ("time warp, W = 20", Strengths(time_warp=20), 0.81),
    ("white noise, 20 dB", Strengths(snr_db=20.0), 0.82),
    ("white noise, 10 dB", Strengths(snr_db=10.0), None),
    ("white noise, 0 dB", Strengths(snr_db=0.0), None),
    ("pink noise, 10 dB", Strengths(snr_db=10.0, noise="pink"), None),
)
_METRICS = ("track_accuracy", "track_macro_f1", "segment_accuracy")


def corrupt(mel: Tensor, strengths: Strengths, front_end: FrontEnd) -> Tensor:
    """A track's log-mel [M, F] with noise, warp and masks, sampled with strengths.seed."""
    plan = sample(strengths, mel.shape[1] * front_end.hop_seconds, front_end)
    if strengths.snr_db is not None:
        noise = BackgroundNoise(strengths.snr_db, strengths.noise)
        mel = noise.apply(mel[None, None], torch.tensor([plan.noise]), front_end)[0, 0]
    return augment_mel(mel, plan, front_end)


def corrupted_logits(
    classifier: Classifier, collection: Collection, tracks: Indices, strengths: Strengths
) -> TrackLogits:
    """Logits on corrupted tracks; each track has its own seed, the same for every network."""

    def augment(mel: Tensor, track: int) -> Tensor:
        track_strengths = replace(strengths, seed=strengths.seed + track)
        return corrupt(mel, track_strengths, collection.front_end)

    return track_logits(classifier, collection, tracks, augment)


def table(experiment: Experiment, seeds: Sequence[int]) -> dict[str, Any]:
    """Every row on protocol F's test tracks, mean and standard deviation over its runs."""
    collection = experiment.collection("genre")
    test = splits.filtered(collection).test
    specs = genre_specs(experiment, FILTERED, seeds)
    networks = [experiment.classifier(spec, collection) for spec in specs]
    rows = []
    for name, strengths, paper in ROWS:
        measured = []
        for network in networks:
            logits = corrupted_logits(network, collection, test, strengths)
            metrics = scores(logits, 1.0, collection.labels)
            measured.append({key: metrics[key] for key in _METRICS})
        reported = None if paper is None else {"track_accuracy": paper}
        row = tables.row(name, tables.collect(measured), [spec.name for spec in specs], reported)
        rows.append(row | {"strengths": vars(strengths)})
    front_end = collection.front_end
    return tables.table(
        "VII, tested",
        "Accuracy on augmented test tracks (paper's Table VII)",
        CONTEXT["F"],
        rows,
        grid=f"{front_end.mel_scale}, {1000 * front_end.hop_seconds:.1f} ms hop; "
        "noise added as power",
    )
