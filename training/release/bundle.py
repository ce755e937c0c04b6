"""The bundled checkpoint: the recipe retrained on every track of its collection, with its figures and its card."""

import json
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from crnn.model.checkpoint import Checkpoint
from training.engine.experiment import Experiment
from training.evaluation.protocols import validation_temperature
from training.ood.calibrate import for_bundle

_DATA = {
    "genre": (
        "GTZAN (Tzanetakis & Cook 2002), all 1000 tracks, from a published rendering of its mel spectrograms. "
        "A research collection whose recordings were never cleared; it has known faults (Sturm 2013). "
        "The network begins, all but its last layer, from one that has learned quadrants and tags of moods4q (Panda, Malheiro & "
        "Paiva 2018), without the clips that protocol N tests and without others by their artists."
    ),
    "mood": (
        "The five-mood labels of the 764 clips that have one in moods4q (Panda, Malheiro & Paiva 2018): 30 s previews, "
        "annotated for research. Quadrants give Happy, Energetic and Relaxing; tags tell Dark from Sad. The network begins from "
        "one that has learned GTZAN's ten genres (Tzanetakis & Cook 2002), all but its last layer, and learns besides which "
        "genres and commoner mood words moods4q names for each clip."
    ),
}

# The figures of a result that the card and the app show.
SHOWN = (
    "track_accuracy",
    "track_macro_f1",
    "track_mean_recall",
    "segment_accuracy",
    "calibration_error",
)


def bundle(shop: Experiment, task: str, folder: Path, results: Path, seed: int = 0) -> Path:
    """Train on everything, take temperature and threshold of doubt from validation, collect measured figures, write the folder."""
    collection = shop.collection(task)
    run = shop.train(shop.spec(task, "all", seed), collection)
    trained = replace(
        Checkpoint.load(run / "checkpoint"),
        temperature=round(validation_temperature(shop, task, collection, seed), 3),
        ood=for_bundle(task, collection),
    )
    target = folder / task
    trained.save(target)  # before measuring N, which reads the folder as the app does
    return write_card(target, results)


def write_card(target: Path, results: Path) -> Path:
    """Put the figures measured so far (results/*.json) into a checkpoint's config and model card."""
    checkpoint = Checkpoint.load(target)
    digest = checkpoint.digest
    wanted = {"genre": ("F", "P", "N"), "mood": ("M", "M-quadrants")}[checkpoint.task]
    figures = {}
    for name in wanted:
        if (results / f"{name}.json").exists():
            result = json.loads((results / f"{name}.json").read_text())
            # A figure belongs to the weights, or at least to the recipe, that it was measured on.
            if (
                result.get("weights", digest) == digest
                and result.get("recipe", checkpoint.task) == checkpoint.task
            ):
                figures[name] = summary(result)
            else:
                print(
                    f"{name}.json was measured on other weights or another recipe, and is left out; measure it again."
                )
    updated = replace(checkpoint, results=figures)
    updated.save(target, card=model_card(updated))
    return target


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """The few figures of a result that travel with the checkpoint, with their spread and how they came about."""
    short: dict[str, Any] = {"context": result["context"]}
    if "pooled" in result:
        figures = {
            key: {"mean": result["pooled"][key], "sd": result["summary"][key]["sd"]}
            for key in SHOWN
        }
        short["runs"] = f"{len(result['runs'])} folds pooled; sd over folds"
    elif "summary" in result:
        figures = {key: result["summary"][key] for key in SHOWN}
        count = len(result["runs"])
        short["runs"] = f"mean ± sd of {count} seeds" if count > 1 else "one seed"
    else:
        figures = {key: {"mean": result[key], "sd": None} for key in SHOWN}
        low, high = result["interval_95_by_artist"]
        short["runs"] = (
            f"one set of weights; track accuracy 95 % interval by artist {low:.3f} to {high:.3f}"
        )
    for key, value in figures.items():
        short[key] = round(value["mean"], 4)
        if value["sd"] is not None:
            short[f"{key}_sd"] = round(value["sd"], 4)
    return short


def model_card(checkpoint: Checkpoint) -> str:
    """README.md of the folder, in the Hub's form."""
    model, front_end = checkpoint.model.config, checkpoint.front_end
    size = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    rows = []
    for name, figures in checkpoint.results.items():
        cells = [
            f"{figures[k]:.3f}" + (f" ± {figures[k + '_sd']:.3f}" if k + "_sd" in figures else "")
            for k in SHOWN
        ]
        rows.append(f"| {name} | {' | '.join(cells)} | {figures['runs']} |")
    contexts = "\n".join(
        f"- **{name}**: {figures['context']}" for name, figures in checkpoint.results.items()
    )
    return f"""---
license: mit
tags: [audio-classification, music, {checkpoint.task}, crnn]
---
# {checkpoint.task.capitalize()} of a music track, by a convolutional recurrent network

{", ".join(checkpoint.labels)}: how they are distributed over segments of {checkpoint.segment_seconds:g} s and over the track.

- **Network**: batch norm, four 3×3 convolutions ({", ".join(map(str, model.channels))}) with {model.activation.upper()},
  {model.pooling} pooling {model.pools}, two GRUs of {model.gru}, linear. {size:,} parameters.
- **Input**: {front_end.sample_rate} Hz mono ({front_end.downmix}), FFT {front_end.n_fft}, hop {front_end.hop_length},
  {front_end.n_mels} mel bands ({front_end.mel_scale}, norm {front_end.norm}), dB, reference {front_end.reference},
  floor {front_end.top_db:g} dB below the loudest.
- **Training data**: {_DATA[checkpoint.task]}
- **Weights**: the recipe retrained on {checkpoint.data}; code revision {checkpoint.revision}. The number of
  epochs was set without looking at test data; the temperature ({checkpoint.temperature:g}) comes from a validation run of the same
  recipe, whose weights are not these.
{_doubt(checkpoint)}
## Measured

| protocol | track accuracy | macro F1 | mean recall | segment accuracy | calibration error | from |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{contexts}

P, F and M come from the same recipe trained on each protocol's own training part; N, where given, from these weights.

## Meant for

Exploring, teaching, comparing methods. Genre and mood are judgements, the collections are small, Western and dated,
and the labels are one group's opinion: not for decisions about people or their work. The licence covers the weights and
code; the recordings behind them belong to their owners and are not included.
"""


def _doubt(checkpoint: Checkpoint) -> str:
    if checkpoint.ood is None:
        return ""
    said = (
        f"- **Doubt**: config.json holds what the training tracks sound like. The network doubts a track whose sound lies more "
        f"than {checkpoint.ood.threshold:g} times as far from them as they usually do: {checkpoint.ood.origin}. These "
        "weights and the statistics of their own tracks never set it."
    )
    return textwrap.fill(said, 120, subsequent_indent="  ", break_on_hyphens=False) + "\n"
