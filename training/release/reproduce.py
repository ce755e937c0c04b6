"""Everything that assets/results and the documentation show, from one command.

    missing runs ──> protocols, tables, baseline, codecs, OOD detection ──> results/*.json

Every run is stored by its settings, so an interrupted reproduction resumes.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from crnn.audio.front_end import FrontEnd
from crnn.baseline.svm import CARD
from training.baseline import svm
from training.engine.experiment import Experiment
from training.engine.run import RunSpec
from training.evaluation import protocols
from training.evaluation.protocols import FILTERED, RANDOM, genre_specs, mood_specs
from training.experiments import codecs, corruption, noise_domain, paper_tables
from training.experiments.ablation import ABLATIONS, ablation
from training.ood import calibrate
from training.release import bundle, card

# A run and its front end; None: the collection's own.
Run = tuple[RunSpec, FrontEnd | None]

# Recipes that are reported but not bundled.
_OTHER_GENRE = (  # of F, of P
    ("genre-alone", "genre-unmixed", "genre-mixstyle", "genre-six-seconds"),
    ("genre-unmixed", "genre-loose", "genre-mixstyle", "genre-six-seconds"),
)
_OTHER_MOOD = (  # recipe, task, folds that ignore artists
    ("mood-labels", "mood", False),
    ("mood-labels", "quadrant", False),
    ("mood-tags", "mood", False),
    ("mood-tags", "quadrant", False),
    ("mood-tags", "quadrant", True),
    ("mood-mixstyle", "mood", False),
    ("mood-mixstyle", "quadrant", False),
)


@dataclass(frozen=True)
class Step:
    """One result: its file's name, the runs it needs, and how it is measured from them."""

    name: str
    runs: tuple[Run, ...]
    measure: Callable[[], dict[str, Any]]


def steps(
    experiment: Experiment, seeds: Sequence[int], table_seeds: Sequence[int], width: str
) -> list[Step]:
    """All results that networks are trained for, in the order in which they are made."""
    found: list[Step] = []

    def add(name: str, specs: Sequence[RunSpec], measure: Callable[[], dict[str, Any]]) -> None:
        # A recipe's hop may differ from that of the task's bundled recipe.
        found.append(Step(name, tuple((spec, spec.recipe.front_end) for spec in specs), measure))

    def genre(exp: Experiment, protocol: str, suffix: str = "") -> None:
        split, measure = (
            (FILTERED, protocols.filtered) if protocol == "F" else (RANDOM, protocols.paper)
        )
        specs = genre_specs(exp, split, seeds)
        add(protocol + suffix, specs, partial(measure, exp, seeds))

    def mood(exp: Experiment, task: str, mixed: bool = False, suffix: str = "") -> None:
        name, specs = protocols.mood_protocol(task, mixed), mood_specs(exp, task, mixed=mixed)
        add(name + suffix, specs, partial(protocols.mood, exp, task, mixed=mixed))

    genre(experiment, "F")
    tested = genre_specs(experiment, FILTERED, seeds)
    add("VII", tested, partial(corruption.table, experiment, seeds))
    genre(experiment, "P")
    mood(experiment, "mood")
    mood(experiment, "quadrant")
    for protocol, recipes in zip("FP", _OTHER_GENRE, strict=True):
        for recipe in recipes:
            genre(replace(experiment, recipe=recipe), protocol, f"-{recipe}")
    for recipe, task, mixed in _OTHER_MOOD:
        mood(replace(experiment, recipe=recipe), task, mixed, f"-{recipe}")
    for name, table in paper_tables.TABLES.items():
        rows = table.rows(width)
        runs = tuple((row.spec(seed), row.front_end) for row in rows for seed in table_seeds)
        measure = partial(paper_tables.table, experiment, name, table_seeds, width)
        found.append(Step(name, runs, measure))
    curves = tuple(
        (row.spec(table_seeds[0]), row.front_end) for row in paper_tables.curve_rows(width)
    )
    measure = partial(paper_tables.curves, experiment, table_seeds, width)
    found.append(Step("curves", curves, measure))
    for name, chosen in ABLATIONS.items():
        add(name, chosen.specs(table_seeds), partial(ablation, experiment, name, seeds))
    data, progress = experiment.data, experiment.progress
    add("noise", (), partial(noise_domain.measure, data, progress=progress))
    add("codecs", (), partial(codecs.measure, data, progress=progress))
    add("doubt", (), partial(calibrate.table, experiment))
    return found


def reproduce(
    experiment: Experiment,
    seeds: Sequence[int],
    table_seeds: Sequence[int],
    width: str,
    out: Path,
    say: Callable[[str], None] = print,
) -> list[Path]:
    """Train what is missing, printing the time left, then measure and write each result."""
    plan = steps(experiment, seeds, table_seeds, width)
    runs: dict[str, Run] = {}
    for spec, front_end in (run for step in plan for run in step.runs):
        if before := experiment.init_from(spec):
            # On its own, or the estimate for the first run that needs it would be far too low. It
            # learns on the spectrograms of the network that it initialises.
            runs[before.name] = (before, experiment.collection(spec.task, front_end).front_end)
        runs[spec.name] = (spec, front_end)
    costs = {
        name: experiment.cost(*run) for name, run in runs.items() if not experiment.finished(run[0])
    }
    say(f"{len(runs)} runs, {len(runs) - len(costs)} of them finished already.")
    left, spent, done = sum(costs.values()), 0.0, 0.0
    for number, (name, cost) in enumerate(costs.items(), 1):
        estimate = f", {duration(spent / done * left)} left" if done else ""
        say(f"[{number}/{len(costs)}{estimate}] {name}")
        started = time.monotonic()
        spec, front_end = runs[name]
        experiment.train(spec, experiment.collection(spec.task, front_end))
        spent, done, left = spent + time.monotonic() - started, done + cost, left - cost
    files = []
    for step in plan:
        files.append(write(out, step.name, step.measure()))
        say(f"{files[-1]}")
    return files


def baseline(experiment: Experiment, seeds: Sequence[int], out: Path, checkpoints: Path) -> str:
    """Measure the SVM baseline; writes svm.json and svm-genre/, and returns a table of figures."""
    result, model = svm.reproduce(experiment.data, experiment.runs, seeds)
    write(out, "svm", result)
    short = {name: card.summary(protocol) for name, protocol in result["protocols"].items()}
    model = replace(model, results={name: short[name] for name in ("F", "P", "N")})
    folder = checkpoints / "svm-genre"
    model.save(folder)
    (folder / CARD).write_text(card.svm(model), encoding="utf-8")
    return card.measured(short)


def ood(experiment: Experiment, out: Path, checkpoints: Path) -> dict[str, Any]:
    """Measure OOD detection (doubt.json), and refit the detectors of bundled checkpoints.

    Scores of a network whose run is not there keep the figures that an earlier run gave them.
    """
    result = calibrate.table(experiment)
    if (out / "doubt.json").exists():
        measured = {(row["name"], row["network"]) for row in result["compared"]}
        earlier = json.loads((out / "doubt.json").read_text(encoding="utf-8"))["compared"]
        kept = [row for row in earlier if (row["name"], row["network"]) not in measured]
        result["compared"] += kept
    write(out, "doubt", result)
    for task in ("genre", "mood"):
        if (checkpoints / task / "config.json").exists():
            bundle.update_detector(experiment, checkpoints / task, out)
    return result


def write(out: Path, name: str, result: dict[str, Any]) -> Path:
    """Write a result; a note that somebody added to an earlier one is kept."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{name}.json"
    if file.exists() and not result.get("note"):
        note = json.loads(file.read_text(encoding="utf-8")).get("note")
        result = result | ({"note": note} if note else {})
    file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return file


def duration(seconds: float) -> str:
    """ "2 h 05 min", or minutes alone."""
    minutes = max(1, round(seconds / 60))
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
