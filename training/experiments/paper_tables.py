"""The paper's tables, each from a handful of runs to one JSON in assets/results (beyond the paper: training/experiments/ablation.py).

    V            segments of 1, 3, 5 and 10 s
    VII-trained  trained with each augmentation, tested on clean tracks and on tracks spoilt alike
    choices      ELU or PELU, Adam or SGD, max or average pooling
    mood-grid    mood on the paper's front end against the one that GTZAN's published mels are on
    optimism     what a random split gains from copies of one recording, and from artists, on both sides
    curves       losses by epoch (the paper's Figs 3 and 4)

All rows of a table share split, seed and settings but for what they are about. Settings are the paper's (Table VI) with fewer
filters, so that a CPU trains a row in minutes; `width="paper"` takes all of them. Rows that are tested on the same tracks are
also compared track by track (training/evaluation/significance.py), since a hundred tracks tell two figures apart only when they are far apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crnn.audio.front_end import PAPER_FRONT_END, FrontEnd
from crnn.augment.plan import Strengths
from crnn.inference.classifier import Classifier
from training.data import splits
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES, Recipe
from training.engine.run import RunSpec, history
from training.evaluation import significance
from training.evaluation.metrics import mean_sd, scores, track_logits
from training.evaluation.protocols import CONTEXT
from training.experiments.corruption import corrupted_logits

NARROW = (16, 32, 64, 64)
_HOP_512 = 512 / 22_050  # the paper counts masks and warps in such frames

METRICS = ("track_accuracy", "track_macro_f1", "segment_accuracy", "segment_macro_f1")


@dataclass(frozen=True)
class Row:
    """One line of a table: a recipe with some changes, on a split ("{seed}" stands for the seed), and what the paper found.

    Strengths: how the test tracks are spoilt as well, for a second figure. front_end: None is the collection's own.
    reference: name of the row of its table, tested on the same tracks, that it is compared with; "" is none.
    """

    name: str
    recipe: Recipe
    recipe_name: str
    task: str = "genre"
    split: str = "paper:{seed}"
    paper: dict[str, float] | None = None
    spoilt: Strengths | None = None
    front_end: FrontEnd | None = None
    reference: str = ""

    def spec(self, seed: int) -> RunSpec:
        return RunSpec(self.task, self.recipe_name, self.recipe, self.split.format(seed=seed), seed)


def _row(
    name: str, slug: str, base: str = "paper-genre", width: str = "narrow", **more: Any
) -> Row:
    """A row from a recipe's name: settings that are the recipe's go there, the rest to the row."""
    own = {key: more.pop(key) for key in list(more) if key in Recipe.__dataclass_fields__}
    if width == "narrow":
        own["channels"] = NARROW
    suffix = "" if width == "paper" else f"-{width}"
    full = f"{base}{suffix}-{slug}" if slug else f"{base}{suffix}"
    return Row(name, replace(RECIPES[base], **own), full, **more)


def _paper(accuracy: float, f1: float | None = None) -> dict[str, float]:
    return {"track_accuracy": accuracy} | ({} if f1 is None else {"track_macro_f1": f1})


def segment_lengths(width: str) -> list[Row]:
    """Table V."""
    theirs = {1.0: (0.890, 0.889), 3.0: (0.920, 0.922), 5.0: (0.690, 0.679), 10.0: (0.570, 0.534)}
    return [
        _row(
            f"{seconds:g} s",
            "" if seconds == 3 else f"{seconds:g}s",
            width=width,
            segment_seconds=seconds,
            paper=_paper(*found),
            reference="" if seconds == 3 else "3 s",
        )
        for seconds, found in theirs.items()
    ]


def augmentations(width: str) -> list[Row]:
    """Table VII: trained with each; W and T in seconds, since the paper counts hop-512 frames."""
    plain: dict[str, Any] = {"width": width, "reference": "nothing"}
    return [
        _row("nothing", "", width=width),
        _row(
            "time mask, T = 50",
            "time-mask",
            time_mask=50 * _HOP_512,
            paper=_paper(0.89),
            spoilt=Strengths(time_mask=50),
            **plain,
        ),
        _row(
            "frequency mask, F = 60",
            "frequency-mask",
            frequency_mask=60,
            paper=_paper(0.78),
            spoilt=Strengths(frequency_mask=60),
            **plain,
        ),
        _row(
            "time warp, W = 20",
            "time-warp",
            time_warp=20 * _HOP_512,
            paper=_paper(0.81),
            spoilt=Strengths(time_warp=20),
            **plain,
        ),
        _row(
            "white noise, 10 to 30 dB",
            "noise",
            noise_db=(10.0, 30.0),
            paper=_paper(0.82),
            spoilt=Strengths(snr_db=20.0),
            **plain,
        ),
    ]


def choices(width: str) -> list[Row]:
    """What the paper chose, against what it did not choose."""
    ours, theirs = (
        "genre: ELU, Adam, max pooling (the paper's)",
        "mood: average pooling (the paper's)",
    )
    genre: dict[str, Any] = {"width": width, "reference": ours}
    return [
        _row(ours, "", width=width),
        _row("genre: PELU (its future work)", "pelu", activation="pelu", **genre),
        _row("genre: SGD", "sgd", optimizer="sgd", learning_rate=0.01, **genre),
        _row("genre: average pooling", "avg", pooling="avg", **genre),
        _row(theirs, "", paper=_paper(0.74, 0.74), **_mood(width)),
        _row("mood: max pooling", "max", pooling="max", reference=theirs, **_mood(width)),
    ]


def _mood(width: str) -> dict[str, Any]:
    return {"base": "paper-mood", "task": "mood", "split": "fold:0/both", "width": width}


def mood_grid(width: str) -> list[Row]:
    """The same mood network on two front ends."""
    bundled = "slaney, one frame every 77.5 ms (bundled)"
    return [
        _row(bundled, "", **_mood(width)),
        _row(
            "HTK, one frame every 23.2 ms (the paper's)",
            "htk",
            front_end=PAPER_FRONT_END,
            reference=bundled,
            **_mood(width),
        ),
    ]


def split_leakage(width: str) -> list[Row]:
    """One recipe, three ways to hold tracks back."""
    return [
        _row(
            "random tracks, copies of one recording on both sides",
            "",
            width=width,
            split="paper:{seed}/copies",
        ),
        _row("random tracks, copies on one side (P)", "", width=width),
        _row("artists apart (F)", "", width=width, split="filtered"),
    ]


_FOLD = (
    "Mood: moods4q, the first of five artist-disjoint folds, validation cut from its training part."
)

# What each table asks, its rows, and what they are measured on.
TABLES = {
    "V": ("Table V: how long a segment", segment_lengths, CONTEXT["P"]),
    "VII-trained": ("Table VII: trained with each augmentation", augmentations, CONTEXT["P"]),
    "choices": (
        "What the paper chose, and what else there was",
        choices,
        f"{CONTEXT['P']} {_FOLD}",
    ),
    "mood-grid": ("The price of the grid", mood_grid, _FOLD),
    "optimism": ("What a random split gains", split_leakage, f"{CONTEXT['P']} {CONTEXT['F']}"),
}


def table(
    shop: Experiment, name: str, seeds: Sequence[int], width: str = "narrow"
) -> dict[str, Any]:
    """Train what is missing of a table's rows and measure them on their test parts."""
    title, rows, tested_on = TABLES[name]
    given = {row.name: (row, *measure(shop, row, seeds)) for row in rows(width)}
    found = []
    for row, figures, right in given.values():
        found.append(
            figures
            | (significance.mcnemar(right, given[row.reference][2]) if row.reference else {})
        )
    size = (
        "the paper's filters"
        if width == "paper"
        else f"filters {NARROW}, a quarter to a half of the paper's"
    )
    seeds_said = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
    context = (
        f"{tested_on} SE: standard error of a share of so many tracks. Settings of Table VI, {size}; {seeds_said}"
        + (
            "; genre on the slaney 77.5 ms grid."
            if any(row.task == "genre" for row, _, _ in given.values())
            else "."
        )
    )
    if references := dict.fromkeys(row.reference for row, _, _ in given.values() if row.reference):
        against = " and ".join(f"“{reference}”" for reference in references)
        context += f" Won, lost and p (exact McNemar test, track by track): against {against}."
    return {
        "table": name,
        "title": title,
        "context": context,
        "note": "",
        "width": width,
        "rows": found,
    }


def measure(
    shop: Experiment, row: Row, seeds: Sequence[int]
) -> tuple[dict[str, Any], significance.Correct]:
    """A row's figures over seeds: mean, sd and each; and which of all test tracks, seed after seed, it names right."""
    collection = shop.collection(row.task, row.front_end)
    each: dict[str, list[float]] = {}
    runs, right = [], []
    for seed in seeds:
        spec = row.spec(seed)
        classifier = shop.classifier(spec, collection)
        test = splits.from_name(spec.split, collection).test
        given = track_logits(classifier, collection, test)
        right.append(given.probabilities().argmax(axis=1) == given.targets)
        figures = scores(given, 1.0, collection.labels)
        kept = {key: float(figures[key]) for key in METRICS}
        if row.spoilt is not None:
            kept["track_accuracy_spoilt_alike"] = _spoilt(classifier, collection, test, row.spoilt)
        runs.append(shop.folder(spec).name)
        for key, value in kept.items():
            each.setdefault(key, []).append(value)
    about: dict[str, Any] = {"name": row.name, "paper": row.paper, "runs": runs}
    all_right = np.concatenate(right)
    return about | mean_sd_each(each) | {
        "standard_error": significance.standard_error(all_right)
    }, all_right


def mean_sd_each(each: dict[str, list[float]]) -> dict[str, Any]:
    """Mean, standard deviation and the values themselves of every figure, as a row of a table holds them."""
    return {key: mean_sd(values) | {"each": values} for key, values in each.items()}


def _spoilt(
    classifier: Classifier, collection: Collection, test: splits.Indices, strengths: Strengths
) -> float:
    given = corrupted_logits(classifier, collection, test, strengths)
    return float(scores(given, 1.0, collection.labels)["track_accuracy"])


def curve_rows(width: str) -> list[Row]:
    """The two rows of `choices` whose losses are drawn: genre and mood as the paper has them."""
    rows = choices(width)
    return [rows[0], rows[4]]


def curves(shop: Experiment, seeds: Sequence[int], width: str = "narrow") -> dict[str, Any]:
    """Losses by epoch of the paper's genre and mood recipes, as their runs wrote them down."""
    found = []
    for row in curve_rows(width):
        spec = row.spec(seeds[0])
        folder = shop.train(spec, shop.collection(row.task, row.front_end))
        label = "Genre, random split" if row.task == "genre" else "Mood, artists apart"
        found.append({"name": spec.name, "task": row.task, "label": label} | history(folder))
    return {
        "table": "curves",
        "title": "Losses by epoch (the paper's Figs 3 and 4)",
        "context": "Cross-entropy in nats a segment; training stops when validation has not fallen by 0.01 in 15 epochs.",
        "runs": found,
    }
