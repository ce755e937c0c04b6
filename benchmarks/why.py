"""What an explanation of 30 s costs beside one prediction, and what attribution maps are worth."""

import statistics
from typing import Any

import torch
from torch import Tensor

from benchmarks.ratios import against
from benchmarks.speed import in_turns
from crnn.explain import attribution, deletion
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.segments import cut_segments, plan_segments
from crnn.sources.examples import EXAMPLES
from crnn.viz.attribution import overlay


def one_by_one(classifier: Classifier, mel: Tensor) -> None:
    """The reference: every patch of every segment silenced and predicted by itself."""
    segments = plan_segments(mel.shape[1], classifier.network.config.frames)
    with torch.inference_mode():
        for number in range(len(segments.starts)):
            segment = cut_segments(mel, segments, number, number + 1)
            for row in range(8):
                for column in range(3):
                    silent = segment.clone()
                    silent[..., 16 * row : 16 * row + 16, 13 * column : 13 * column + 13] = -80.0
                    classifier.network(silent)


def switch(classifier: Classifier, mel: Tensor, label: str, lost: Tensor) -> None:
    """Another class of the same window: Grad-CAM, both tests and figures; occlusion is reused."""
    front_end = classifier.front_end
    losses = attribution.expand_patches(
        lost[classifier.checkpoint.labels.index(label)], mel.shape[0]
    )
    maps = {
        "Occlusion": losses,
        "Grad-CAM": attribution.smooth(attribution.grad_cam(classifier, mel, label), front_end),
    }
    for tested in deletion.deletion_test(classifier, mel, label, maps):
        overlay(tested, mel.numpy(), front_end, 0.0, tested.method).to_json()


def speed(rounds: int = 5) -> dict[str, Any]:
    """Medians in seconds with two threads; median ratio to one prediction."""
    torch.set_num_threads(2)
    classifier = Classifier(Checkpoint.load("genre"))
    mel = decode_and_predict(EXAMPLES["metal-madness"].file, [classifier])[1].mel
    lost = attribution.occlusion(classifier, mel)
    times = in_turns(
        {
            "one answer": lambda: classifier.predict(mel),
            "another class": lambda: switch(classifier, mel, "rock", lost),
            "another class and another window": lambda: switch(
                classifier, mel, "rock", attribution.occlusion(classifier, mel)
            ),
            "silenced patches": lambda: attribution.occlusion(classifier, mel),
            "silenced patches, one by one": lambda: one_by_one(classifier, mel),
        },
        rounds,
    )
    return against(times, "one answer", 1)


def worth(fractions: tuple[float, ...] = (0.1, 0.2, 0.3)) -> dict[str, Any]:
    """Deletion tests on the six examples' top classes, by network, map and fraction of all bins.

    What is left of the probability (mean) with the top bins silenced; with as much silenced
    elsewhere; with as much of the same bands silenced at other times. "Loudest" is the spectrogram
    itself taken for a map: what a map has to beat. Grad-CAM of every convolution, too.
    """
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    for name in ("genre", "mood"):
        classifier = Classifier(Checkpoint.load(name))
        front_end, labels = classifier.front_end, classifier.checkpoint.labels
        left: dict[str, list[list[float]]] = {}
        for example in EXAMPLES.values():
            mel = decode_and_predict(example.file, [classifier])[1].mel
            label, before = classifier.predict(mel).ranked()[0]
            lost = attribution.occlusion(classifier, mel)[labels.index(label)]
            maps = {"occlusion": attribution.expand_patches(lost, mel.shape[0])}
            for layer in range(len(classifier.network.convolutions)):
                cam = attribution.grad_cam(classifier, mel, label, layer)
                maps[f"Grad-CAM of convolution {layer + 1}"] = attribution.smooth(cam, front_end)
                maps[f"Grad-CAM of convolution {layer + 1}, not smoothed"] = cam
            maps["loudest"] = attribution.smooth(mel, front_end)
            for method, values in maps.items():
                used = method in ("occlusion", "Grad-CAM of convolution 3")
                for fraction in fractions if used else (deletion.TOP_FRACTION,):
                    mask = deletion.top_mask(values, fraction)
                    elsewhere = deletion.moved_masks(mask)
                    width = mask.shape[1]
                    later = [mask.roll(width * k // 4, dims=1) for k in (1, 2, 3)]
                    left.setdefault(f"{method}, {fraction:.0%}", []).append(
                        [
                            statistics.mean(
                                classifier.predict(mel.masked_fill(m, -80.0)).to_dict()[label]
                                for m in masks
                            )
                            / before
                            for masks in ([mask], elsewhere, later)
                        ]
                    )
        results[name] = {
            method: dict(
                zip(
                    ("own", "elsewhere", "other times"),
                    (round(statistics.mean(column), 3) for column in zip(*rows, strict=True)),
                    strict=True,
                )
            )
            for method, rows in left.items()
        }
    return results
