"""What each command of `python -m training` does; heavy imports wait until a command needs them."""

import argparse
import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from training.distributed import ProcessGroup
from training.engine.recipes import RECIPES, Recipe

ASSETS = Path(__file__).parent.parent / "assets"


def _workshop(options: argparse.Namespace) -> Any:
    from training.engine.experiment import Experiment

    recipe = getattr(options, "recipe", None)
    return Experiment(
        options.data,
        options.runs,
        recipe,
        options.precision,
        not options.no_progress,
        options.workers,
    )


def train(options: argparse.Namespace) -> None:
    shop = _workshop(options)
    changes = dict(_setting(text) for text in options.set)
    changes |= {
        name: getattr(options, name)
        for name in ("patience", "delta")
        if getattr(options, name) is not None
    }
    if changes and not options.tag:
        raise ValueError("a changed recipe needs a name of its own: add --tag NAME")
    if options.task == "manifest":
        from training.release import custom

        name = options.recipe or custom.default_recipe(options.task_name or "")
        recipe = replace(RECIPES[name], **changes)
        name += f"-{options.tag}" if changes else ""
        folder = custom.train(
            shop,
            recipe,
            name,
            options.seed,
            options.split,
            options.front_end,
            options.task_name,
            options.skip_broken,
        )
        _print_once(folder)
        return
    split = options.split or ("filtered" if options.task == "genre" else "fold:0/valid")
    spec = shop.spec(options.task, split, options.seed)
    if changes:
        spec = replace(
            spec,
            recipe=replace(spec.recipe, **changes),
            recipe_name=f"{spec.recipe_name}-{options.tag}",
        )
    _print_once(shop.train(spec))


def _print_once(folder: Path) -> None:
    if ProcessGroup.current().rank == 0:
        print(folder)


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    known = [field.name for field in fields(Recipe)]
    if not equals or name not in known:
        raise ValueError(f"--set {text!r}: NAME=VALUE is needed, NAME one of {', '.join(known)}")
    try:
        parsed = json.loads(value)
    except json.JSONDecodeError:
        parsed = value  # a word such as avg
    return name, _tuples(parsed)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def evaluate(options: argparse.Namespace) -> None:
    from training.evaluation import protocols
    from training.experiments import corruption

    shop = _workshop(options)
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "F": lambda: protocols.filtered(shop, options.seeds),
        "P": lambda: protocols.paper(shop, options.seeds),
        "N": lambda: protocols.new_songs(shop, options.checkpoint),
        "M": lambda: protocols.mood(shop, "mood"),
        "M-quadrants": lambda: protocols.mood(shop, "quadrant"),
        "M-mixed": lambda: protocols.mood(shop, "mood", mixed=True),
        "M-quadrants-mixed": lambda: protocols.mood(shop, "quadrant", mixed=True),
        "VII": lambda: corruption.table(shop, options.seeds),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.protocols:
        result = measure[name]()
        if options.recipe:
            result["recipe"] = options.recipe
        other = f"-{options.recipe}" if options.recipe else ""
        (options.out / f"{name}{other}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result))


def tables(options: argparse.Namespace) -> None:
    from training.experiments import paper_tables
    from training.experiments.ablation import ABLATIONS, ablation
    from training.release.reproduce import write

    known = (*paper_tables.TABLES, *ABLATIONS, "curves")
    unknown = [name for name in options.tables if name not in known]
    if unknown:
        raise ValueError(f"table {unknown[0]!r}: one of {', '.join(known)} is needed")
    shop = _workshop(options)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.tables:
        if name in ABLATIONS:
            result = ablation(shop, name, options.seeds)
        elif name == "curves":
            result = paper_tables.curves(shop, options.seeds, options.width)
        else:
            result = paper_tables.table(shop, name, options.seeds, options.width)
        print(write(options.out, name, result))


def codecs(options: argparse.Namespace) -> None:
    from training.experiments import codecs
    from training.release.reproduce import write

    print(
        write(options.out, "codecs", codecs.measure(options.data, progress=not options.no_progress))
    )


def noise(options: argparse.Namespace) -> None:
    from training.experiments import noise_domain
    from training.release.reproduce import write

    found = noise_domain.measure(options.data, options.checkpoint, progress=not options.no_progress)
    print(write(options.out, "noise", found))


def reproduce(options: argparse.Namespace) -> None:
    from training.baseline import svm
    from training.evaluation import protocols
    from training.release import report
    from training.release.reproduce import reproduce, write

    shop = replace(_workshop(options), max_epochs=2 if options.quick else None)
    seeds = options.seeds[:1] if options.quick else options.seeds
    out = options.out or (options.runs / "quick" if options.quick else ASSETS / "results")
    reproduce(shop, seeds, options.table_seeds, options.width, out)
    write(out, "N", protocols.new_songs(shop))
    checkpoints = out if options.quick else ASSETS / "checkpoints"
    print(svm.summary(svm.reproduce(options.data, options.runs, seeds, out, checkpoints)))
    options.out = out
    portraits(options)
    if not options.quick:
        report.write(ASSETS.parent / "README.md", out)


def bundle(options: argparse.Namespace) -> None:
    from training.release.bundle import bundle

    for task in options.tasks:
        print(bundle(_workshop(options), task, options.out, options.results))


def card(options: argparse.Namespace) -> None:
    from training.release.bundle import write_card

    for folder in options.folders:
        print(write_card(folder, options.results))


def report(options: argparse.Namespace) -> None:
    from training.release.report import write

    write(options.readme, options.results)


def parity(options: argparse.Namespace) -> None:
    from training.experiments.parity import measure

    print(json.dumps(measure(options.data, options.runs / "frames", options.checkpoint), indent=1))


def svm(options: argparse.Namespace) -> None:
    from training.baseline.svm import reproduce, summary

    found = reproduce(options.data, options.runs, options.seeds, options.out, options.checkpoints)
    print(summary(found))


def portraits(options: argparse.Namespace) -> None:
    from training.experiments.class_profiles import table

    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "portraits.json"
    # Long rows of numbers: in one line they take less than half the room.
    file.write_text(
        json.dumps(table(options.data, options.runs / "frames"), separators=(",", ":")) + "\n"
    )
    print(file)


def playlists(options: argparse.Namespace) -> None:
    from training.playlists.cli import run

    run(options)


def doubt(options: argparse.Namespace) -> None:
    from training.ood import calibrate

    found = calibrate.run(_workshop(options), options.out, options.checkpoints, options.out)
    for row in found["rows"]:
        print(
            f"{row['network']:<6} {row['name']:<60} {100 * row['share_doubted']:5.1f} %  of {row['tracks']}"
        )


def publish(options: argparse.Namespace) -> None:
    from training.release.publish import publish

    folder = options.folder or ASSETS / "checkpoints" / options.task
    print(publish(folder, options.repo, options.private, options.revision))
