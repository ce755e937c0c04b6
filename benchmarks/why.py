"""What an explanation of 30 s costs beside one prediction, and what attribution maps are worth."""

import statistics
from typing import Any

import torch
from torch import Tensor

from benchmarks.ratios import against
from benchmarks.speed import in_turns
from crnn.explain import attribution, deletion
from crnn.inference.analysis import analyse
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.segments import cut, plan
from crnn.sources.examples import EXAMPLES
from crnn.viz import attribution as heat


def one_by_one(classifier: Classifier, mel: Tensor) -> None:
    """The reference: every patch of every segment silenced and predicted by itself."""
    segments = plan(mel.shape[1], classifier.network.config.frames)
    with torch.inference_mode():
        for number in range(len(segments.starts)):
            picture = cut(mel, segments, number, number + 1)
            for row in range(8):
                for column in range(3):
                    silent = picture.clone()
                    silent[..., 16 * row : 16 * row + 16, 13 * column : 13 * column + 13] = -80.0
                    classifier.network(silent)


def switch(classifier: Classifier, mel: Tensor, label: str, lost: Tensor) -> None:
    """Another class of the same window: Grad-CAM, both tests and figures; occlusion is reused."""
    front_end = classifier.checkpoint.front_end
    losses = attribution.expand_patches(
        lost[classifier.checkpoint.labels.index(label)], mel.shape[0]
    )
    maps = {
        "Occlusion": losses,
        "Grad-CAM": attribution.smooth(attribution.grad_cam(classifier, mel, label), front_end),
    }
    for region in deletion.deletion_test(classifier, mel, label, maps):
        heat.overlay(region, mel.numpy(), front_end, 0.0, region.method).to_json()


def speed(rounds: int = 5) -> dict[str, Any]:
    """Medians in seconds with two threads; median ratio to one prediction."""
    torch.set_num_threads(2)
    classifier = Classifier(Checkpoint.load("genre"))
    mel = analyse(EXAMPLES["metal-madness"].file, [classifier])[1].mel
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


def worth(shares: tuple[float, ...] = (0.1, 0.2, 0.3)) -> dict[str, Any]:
    """Mean over the six examples' first answers, by network, map and share of the picture: what is
    left of the probability with the brightest share silent; with as much silent elsewhere; with as
    much of the same bands silent at other times.

    "Loudest" is the spectrogram itself taken for a map: what a map has to beat. Grad-CAM by the
    convolution it reads, too.
    """
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for name in ("genre", "mood"):
        classifier = Classifier(Checkpoint.load(name))
        front_end = classifier.checkpoint.front_end
        left: dict[str, list[tuple[float, ...]]] = {}
        for example in EXAMPLES.values():
            analysis = analyse(example.file, [classifier])[1]
            mel, (label, before) = analysis.mel, analysis.predictions[0].ranked()[0]
            k = classifier.checkpoint.labels.index(label)
            maps = {
                "occlusion": attribution.expand_patches(
                    attribution.occlusion(classifier, mel)[k], mel.shape[0]
                )
            }
            for layer in range(len(classifier.network.convolutions)):
                cam = attribution.grad_cam(classifier, mel, label, layer)
                maps[f"Grad-CAM of convolution {layer + 1}"] = attribution.smooth(cam, front_end)
                maps[f"Grad-CAM of convolution {layer + 1}, not softened"] = cam
            maps["loudest"] = attribution.smooth(mel, front_end)
            for method, values in maps.items():
                for share in (
                    shares
                    if method in ("occlusion", "Grad-CAM of convolution 3")
                    else (deletion.TOP_FRACTION,)
                ):
                    mask = deletion.top_mask(values, share)

                    def mean(
                        masks: list[Tensor],
                        label: str = label,
                        mel: Tensor = mel,
                        classifier: Classifier = classifier,
                    ) -> float:
                        return statistics.mean(
                            classifier.predict(mel.masked_fill(m, -80.0)).to_dict()[label]
                            for m in masks
                        )

                    row = (
                        mean([mask]),
                        mean(deletion.moved_masks(mask)),
                        mean(deletion.moved_masks(mask, same_bands=True)),
                    )
                    left.setdefault(f"{method}, {share:.0%}", []).append(
                        tuple(p / before for p in row)
                    )
        found[name] = {
            method: dict(
                zip(
                    ("own", "elsewhere", "other times"),
                    (round(statistics.mean(c), 3) for c in zip(*rows, strict=True)),
                    strict=True,
                )
            )
            for method, rows in left.items()
        }
    return found
