"""The paper's tables, each from a handful of runs; paper_tables.yaml lists them row by row.

    V            segments of 1, 3, 5 and 10 s
    VII-trained  trained with each augmentation, tested on clean and on equally augmented tracks
    choices      ELU or PELU, Adam or SGD, max or average pooling
    mood-grid    mood on the paper's front end and on that of GTZAN's published spectrograms
    optimism     split leakage: what duplicates and artists in training and test add to accuracy
    curves       training curves (Figs 3 and 4)

Rows of one table share split, seed and settings except for what they compare. Settings are the
paper's (Table VI) with fewer filters, so that a CPU trains a row in minutes; width "paper" takes
all of them. Rows with the same test tracks are compared track by track
(training.evaluation.significance).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.augment.plan import Strengths
from training.data import splits
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES, Recipe
from training.engine.run import RunSpec, history
from training.evaluation import significance, tables
from training.evaluation.metrics import scores, track_logits
from training.evaluation.protocols import CONTEXT
from training.experiments.corruption import corrupted_logits

NARROW = (16, 32, 64, 64)
METRICS = ("track_accuracy", "track_macro_f1", "segment_accuracy", "segment_macro_f1")

_CONTEXT = CONTEXT | {
    "fold": "Mood: moods4q, the first of five artist-disjoint folds, validation cut from its "
    "training part."
}


@dataclass(frozen=True)
class Row:
    """One row: a recipe on a split ("{seed}" stands for the seed), and the paper's figures.

    corruption: how the test tracks are augmented for a second figure. reference: name of the row
    that it is compared with; "" is none.
    """

    name: str
    recipe: Recipe
    recipe_name: str
    task: str = "genre"
    split: str = "paper:{seed}"
    paper: dict[str, float] | None = None
    corruption: Strengths | None = None
    front_end: FrontEnd = GTZAN_FRONT_END
    reference: str = ""

    def spec(self, seed: int) -> RunSpec:
        return RunSpec(self.task, self.recipe_name, self.recipe, self.split.format(seed=seed), seed)

    @classmethod
    def read(cls, entry: dict[str, Any], width: str) -> "Row":
        """A row of paper_tables.yaml; width: "narrow" or "paper"."""
        more = dict(entry)
        base, slug = more.pop("base", "paper-genre"), more.pop("slug", "")
        changes = more.pop("recipe", {}) | ({"channels": NARROW} if width == "narrow" else {})
        if "corruption" in more:
            more["corruption"] = Strengths(**more["corruption"])
        if more.pop("front_end", "") == "paper":
            more["front_end"] = PAPER_FRONT_END
        suffix = "" if width == "paper" else width
        name = "-".join(filter(None, (base, suffix, slug)))
        return cls(recipe=RECIPES[base].changed(changes), recipe_name=name, **more)


@dataclass(frozen=True)
class Table:
    """A table of paper_tables.yaml; context: what its rows are measured on."""

    title: str
    context: str
    entries: tuple[dict[str, Any], ...]

    def rows(self, width: str) -> list[Row]:
        return [Row.read(entry, width) for entry in self.entries]


TABLES = {
    name: Table(
        entry["title"], " ".join(_CONTEXT[key] for key in entry["context"]), tuple(entry["rows"])
    )
    for name, entry in yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    ).items()
}


def table(
    experiment: Experiment, name: str, seeds: Sequence[int], width: str = "narrow"
) -> dict[str, Any]:
    """Train the runs of a table that are missing, and measure its rows on their test tracks."""
    chosen = TABLES[name]
    rows = chosen.rows(width)
    found = [measure(experiment, row, seeds) for row in rows]
    correct = {row.name: tested for row, (_, tested) in zip(rows, found, strict=True)}
    lines = [
        line | (significance.mcnemar(tested, correct[row.reference]) if row.reference else {})
        for row, (line, tested) in zip(rows, found, strict=True)
    ]
    settings = _settings(rows, seeds, width)
    return tables.table(name, chosen.title, f"{chosen.context} {settings}", lines, width=width)


def _settings(rows: Sequence[Row], seeds: Sequence[int], width: str) -> str:
    """The end of a table's context: filters, seeds, spectrogram, and what the columns mean."""
    filters = f"filters {NARROW}, a quarter to a half of the paper's"
    text = f"Settings of Table VI with {'the paper’s filters' if width == 'paper' else filters}; "
    text += f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    if grids := {row.front_end for row in rows if row.task == "genre"}:
        (grid,) = grids
        text += f"; genre on the {grid.mel_scale} {1000 * grid.hop_seconds:.1f} ms grid"
    text += ". SE: standard error of a proportion."
    if references := dict.fromkeys(f"“{row.reference}”" for row in rows if row.reference):
        text += " Only this / only baseline correct and p: exact McNemar test against "
        text += f"{' and '.join(references)}."
    return text


def measure(
    experiment: Experiment, row: Row, seeds: Sequence[int]
) -> tuple[dict[str, Any], significance.Correct]:
    """A row's figures over seeds, and which test tracks are classified correctly."""
    collection = experiment.collection(row.task, row.front_end)
    measured, runs, correct = [], [], []
    for seed in seeds:
        spec = row.spec(seed)
        classifier = experiment.classifier(spec, collection)
        test = splits.from_name(spec.split, collection).test
        given = track_logits(classifier, collection, test)
        found = scores(given, 1.0, collection.labels)
        figures = {key: float(found[key]) for key in METRICS}
        if row.corruption is not None:
            augmented = corrupted_logits(classifier, collection, test, row.corruption)
            figures["track_accuracy_spoilt_alike"] = float(augmented.correct().mean())
        measured.append(figures)
        runs.append(experiment.folder(spec).name)
        correct.append(given.correct())
    tested = np.concatenate(correct)
    line = tables.row(row.name, tables.collect(measured), runs, row.paper)
    return line | {"standard_error": significance.standard_error(tested)}, tested


def curve_rows(width: str) -> list[Row]:
    """The paper's genre and mood recipes, whose training curves are shown."""
    return [row for row in TABLES["choices"].rows(width) if not row.reference]


def curves(experiment: Experiment, seeds: Sequence[int], width: str = "narrow") -> dict[str, Any]:
    """Training curves of the paper's genre and mood recipes, from their runs' histories."""
    runs = []
    for row in curve_rows(width):
        spec = row.spec(seeds[0])
        folder = experiment.train(spec, experiment.collection(row.task, row.front_end))
        label = "Genre, random split" if row.task == "genre" else "Mood, artist-disjoint"
        runs.append({"name": spec.name, "task": row.task, "label": label} | history(folder))
    return {
        "table": "curves",
        "title": "Training curves (paper's Figs 3 and 4)",
        "context": "Cross-entropy in nats per segment; training stops when the validation loss has "
        "not fallen by 0.01 for 15 epochs.",
        "runs": runs,
    }
