"""Model cards: the README.md of a checkpoint folder, from the templates beside this module."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from huggingface_hub import ModelCard, ModelCardData

from crnn import results
from crnn.baseline.svm import SVM
from crnn.model.checkpoint import Checkpoint
from training.data.collection import Collection

# The figures that travel with a checkpoint.
METRICS = (
    "track_accuracy",
    "track_macro_f1",
    "track_mean_recall",
    "segment_accuracy",
    "calibration_error",
)


def network(checkpoint: Checkpoint) -> str:
    """The card of a bundled checkpoint."""
    return _card(
        "network",
        ModelCardData(license="mit", tags=_tags(checkpoint.task, "crnn")),
        checkpoint.results,
        checkpoint=checkpoint,
        labels=", ".join(checkpoint.labels),
        model=checkpoint.model.config,
        front_end=checkpoint.front_end,
        size=sum(parameter.numel() for parameter in checkpoint.model.parameters()),
    )


def svm(model: SVM) -> str:
    """The card of the SVM baseline."""
    header = ModelCardData(license="mit", tags=_tags(model.task, "svm"))
    return _card("svm", header, model.results, svm=model, labels=", ".join(model.labels))


def custom(checkpoint: Checkpoint, collection: Collection, n_valid: int) -> str:
    """The card of a network on somebody's own collection."""
    counts = Counter(collection.labels[target] for target in collection.targets)
    return _card(
        "custom",
        ModelCardData(tags=_tags(checkpoint.task, "crnn")),
        checkpoint.results,
        checkpoint=checkpoint,
        counts=", ".join(f"{label} {counts[label]}" for label in collection.labels),
        groups=len(set(collection.groups)),
        n_valid=n_valid,
    )


def measured(figures: dict[str, Any]) -> str:
    """Markdown: one row a protocol with the figures of `summary`."""
    rows = [
        {"Protocol": name}
        | {
            results.heading(key): results.cell(key, short[key], short.get(f"{key}_sd"))
            for key in METRICS
            if key in short
        }
        | {"From": short.get("runs", results.MISSING)}
        for name, short in figures.items()
    ]
    table = pd.DataFrame(rows).fillna(results.MISSING)
    return str(table.to_markdown(index=False, disable_numparse=True)) if rows else ""


def summary(result: results.Result) -> dict[str, Any]:
    """The figures of a result that travel with a checkpoint, with their spread and origin."""
    short: dict[str, Any] = {"context": result["context"], "runs": _runs(result)}
    for key in METRICS:
        if results.has_figure(result, key):
            value, sd = results.value_and_spread(result, key)
            short[key] = round(value, 6)
            if sd is not None:
                short[f"{key}_sd"] = round(sd, 6)
    if "confusion" in result.get("pooled", result):
        matrix = np.array(results.confusion(result))
        for kind, totals in (("recall", matrix.sum(axis=1)), ("precision", matrix.sum(axis=0))):
            for label, hits, total in zip(result["labels"], matrix.diagonal(), totals, strict=True):
                if total:
                    short[f"{kind}_{label}"] = round(hits / total, 4)
    short |= {f"quadrant_{key}": round(x, 4) for key, x in result.get("quadrants", {}).items()}
    return short


def _runs(result: results.Result) -> str:
    if "pooled" in result:
        return f"{len(result['runs'])} folds pooled; sd over folds"
    if "summary" in result:
        return (
            f"mean ± sd of {len(result['runs'])} seeds" if len(result["runs"]) > 1 else "one seed"
        )
    low, high = result["interval_95_by_artist"]
    return f"one set of weights; track accuracy 95 % interval by artist {low:.3f} to {high:.3f}"


def _tags(task: str, kind: str) -> list[str]:
    return ["audio-classification", "music", task, kind]


def _card(template: str, header: ModelCardData, figures: dict[str, Any], **values: Any) -> str:
    contexts = "\n".join(
        f"- **{name}**: {short['context']}{_by_class(short)}" for name, short in figures.items()
    )
    path = Path(__file__).with_name(f"{template}_card.md")
    values |= {"measured": measured(figures), "contexts": contexts}
    return str(ModelCard.from_template(header, template_path=str(path), **values))


def _by_class(short: dict[str, Any]) -> str:
    """Recall and precision of each class, where they are known."""
    names = [key.removeprefix("recall_") for key in short if key.startswith("recall_")]

    def percent(kind: str, name: str) -> str:
        value = short.get(f"{kind}_{name}")
        return results.MISSING if value is None else f"{100 * value:.0f}"

    rows = [f"{name} {percent('recall', name)}/{percent('precision', name)}" for name in names]
    return f" Recall/precision by class (%): {', '.join(rows)}." if rows else ""
