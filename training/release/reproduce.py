"""Everything that assets/results and the README show, from one command.

    runs that are missing ──> protocols, tables, baseline, codecs, doubt ──> results/*.json ──> README's tables

Every run is kept by its settings, so a stopped reproduction goes on where it stopped. `quick` trains each run for two epochs:
a rehearsal whose figures mean nothing, and so go elsewhere.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crnn.audio.front_end import FrontEnd
from training.engine.experiment import Experiment
from training.engine.run import RunSpec
from training.evaluation import protocols
from training.experiments import codecs, corruption, noise_domain, paper_tables
from training.experiments.ablation import ABLATIONS, ablation
from training.ood import calibrate

Say = Callable[[str], None]
# None: the collection's own front end.
Run = tuple[RunSpec, FrontEnd | None]


@dataclass(frozen=True)
class Step:
    """One result: its file's name, the runs it needs, each with its front end, and how it is measured from them."""

    name: str
    runs: tuple[Run, ...]
    measure: Callable[[], dict[str, Any]]


def steps(
    shop: Experiment, seeds: Sequence[int], table_seeds: Sequence[int], width: str
) -> list[Step]:
    """All results that networks have to be trained for, in the order in which they are made."""
    filtered = tuple((shop.spec("genre", "filtered", seed), None) for seed in seeds)
    paper = tuple((shop.spec("genre", f"paper:{seed}", seed), None) for seed in seeds)
    found = [
        Step("F", filtered, lambda: protocols.filtered(shop, seeds)),
        Step("VII", filtered, lambda: corruption.table(shop, seeds)),
        Step("P", paper, lambda: protocols.paper(shop, seeds)),
    ]
    for name, task in (("M", "mood"), ("M-quadrants", "quadrant")):
        folds = tuple((spec, None) for spec in protocols.mood_specs(shop, task))
        found.append(Step(name, folds, lambda task=task: protocols.mood(shop, task)))  # type: ignore[misc]
    found += _not_bundled(shop, seeds)
    for name, (_, rows, _) in paper_tables.TABLES.items():
        needed = tuple(
            (row.spec(seed), row.front_end) for row in rows(width) for seed in table_seeds
        )
        found.append(
            Step(name, needed, lambda name=name: paper_tables.table(shop, name, table_seeds, width))  # type: ignore[misc]
        )
    losses = tuple(
        (row.spec(table_seeds[0]), row.front_end) for row in paper_tables.curve_rows(width)
    )
    found.append(Step("curves", losses, lambda: paper_tables.curves(shop, table_seeds, width)))
    for name, table in ABLATIONS.items():
        on_the_way = tuple((spec, None) for spec in table.specs(table_seeds))
        found.append(Step(name, on_the_way, lambda name=name: ablation(shop, name, seeds)))  # type: ignore[misc]
    found.append(Step("noise", (), lambda: noise_domain.measure(shop.data, progress=shop.progress)))
    found.append(Step("codecs", (), lambda: codecs.measure(shop.data, progress=shop.progress)))
    found.append(Step("doubt", (), lambda: calibrate.table(shop)))
    return found


# Recipe, task, folds that ignore artists.
_MOODS_NOT_BUNDLED = (
    ("mood-labels", "mood", False),
    ("mood-labels", "quadrant", False),
    ("mood-tags", "mood", False),
    ("mood-tags", "quadrant", False),
    ("mood-tags", "quadrant", True),
)


def _not_bundled(shop: Experiment, seeds: Sequence[int]) -> list[Step]:
    """Protocols of recipes that were tried and are shown beside the bundled ones."""
    alone, unmixed, loose = (
        replace(shop, recipe=recipe) for recipe in ("genre-alone", "genre-unmixed", "genre-loose")
    )
    steps = [
        Step(
            f"F-{other.recipe}",
            tuple((other.spec("genre", "filtered", seed), None) for seed in seeds),
            lambda other=other: protocols.filtered(other, seeds),  # type: ignore[misc]
        )
        for other in (alone, unmixed)
    ]
    steps += [
        Step(
            f"P-{other.recipe}",
            tuple((other.spec("genre", f"paper:{seed}", seed), None) for seed in seeds),
            lambda other=other: protocols.paper(other, seeds),  # type: ignore[misc]
        )
        for other in (unmixed, loose)
    ]
    for recipe, task, mixed in _MOODS_NOT_BUNDLED:
        other = replace(shop, recipe=recipe)
        folds = tuple((spec, None) for spec in protocols.mood_specs(other, task, mixed=mixed))
        name = f"{protocols.mood_protocol(task, mixed)}-{recipe}"
        steps.append(
            Step(
                name,
                folds,
                lambda other=other, task=task, mixed=mixed: protocols.mood(  # type: ignore[misc]
                    other, task, mixed=mixed
                ),
            )
        )
    return steps


def reproduce(
    shop: Experiment,
    seeds: Sequence[int],
    table_seeds: Sequence[int],
    width: str,
    out: Path,
    say: Say = print,
) -> list[Path]:
    """Train what is missing, with the time that is left, then measure and write each result. Returns the files."""
    plan = steps(shop, seeds, table_seeds, width)
    runs: dict[str, Run] = {}
    for spec, front_end in (run for step in plan for run in step.runs):
        if before := shop.init_from(spec):  # on its own, or estimates of the time left would be off
            runs[before.name] = (before, None)
        runs[spec.name] = (spec, front_end)
    costs = {name: shop.cost(*run) for name, run in runs.items() if not shop.finished(run[0])}
    say(f"{len(runs)} runs, {len(runs) - len(costs)} of them there already.")
    left, spent, done = sum(costs.values()), 0.0, 0.0
    for number, (name, cost) in enumerate(costs.items(), 1):
        guess = f", {duration(spent / done * left)} left" if done else ""
        say(f"[{number}/{len(costs)}{guess}] {name}")
        started = time.monotonic()
        spec, front_end = runs[name]
        shop.train(spec, shop.collection(spec.task, front_end))
        spent, done, left = spent + time.monotonic() - started, done + cost, left - cost
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for step in plan:
        files.append(write(out, step.name, step.measure()))
        say(f"{files[-1]}")
    return files


def write(out: Path, name: str, result: dict[str, Any]) -> Path:
    """Put a result where the app and the README look for it; a note that somebody wrote on an earlier one is kept."""
    file = out / f"{name}.json"
    if (
        file.exists()
        and not result.get("note")
        and (note := json.loads(file.read_text()).get("note"))
    ):
        result = result | {"note": note}
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return file


def duration(seconds: float) -> str:
    """ "2 h 05 min", or minutes alone."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
