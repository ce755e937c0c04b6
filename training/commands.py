"""What each command of `python -m training` does.

Each command is a function in COMMANDS: its parameters become arguments and options, its docstring
the help (training.cli). The help of a boolean that is true by default is that of its switch, --no-…
A parameter `experiment` stands for the options of `shared_options`.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from crnn import results
from training.distributed import ProcessGroup
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES
from training.evaluation import comparison, protocols
from training.experiments import (
    ablation,
    class_profiles,
    codecs,
    corruption,
    lab_training,
    noise_domain,
    paper_tables,
    parity,
)
from training.playlists import cli as playlists
from training.release import bundle, custom, publish, report, reproduce
from training.release.onnx import write as write_onnx

ASSETS = Path(__file__).parents[1] / "assets"
RESULTS, CHECKPOINTS = ASSETS / "results", ASSETS / "checkpoints"
FIVE_SEEDS = (0, 1, 2, 3, 4)

Task = Literal["genre", "mood"]
Width = Literal["narrow", "paper"]
Protocol = Literal["F", "P", "N", "M", "M-quadrants", "M-mixed", "M-quadrants-mixed", "VII"]


def shared_options(
    *,
    data: Path,
    runs: Path = Path("runs"),
    precision: str = "auto",
    workers: int | None = None,
    progress: bool = True,
) -> Experiment:
    """The experiment that a command works on.

    Args:
        data: folder that holds gtzan/ and moods4q/, or is one of them; for manifest, a table or a
            folder of audio
        runs: where runs and computed features are kept
        precision: auto, or as Lightning names it: 32-true, bf16-mixed, …
        workers: data-loading processes; default: up to 4 with a GPU, else none
        progress: no progress bar, as where the output is not a terminal
    """
    # Bars would fill a log with their every step.
    progress = progress and sys.stdout.isatty() and sys.stderr.isatty()
    return Experiment(data, runs, precision=precision, progress=progress, workers=workers)


def train(
    experiment: Experiment,
    task: Literal["genre", "mood", "quadrant", "manifest"],
    *,
    split: str | None = None,
    seed: int = 0,
    recipe: str | None = None,
    patience: int | None = None,
    delta: float | None = None,
    set_: Sequence[str] = (),
    tag: str = "",
    front_end: Literal["gtzan-mels", "paper"] | None = None,
    task_name: str | None = None,
    skip_broken: bool = False,
) -> None:
    """Train one network; a stopped run continues, a finished one is kept.

    Args:
        task: what to train; manifest: on a table with the columns path,label[,group][,split], or on
            folders label/song.mp3
        split: all, filtered (protocol F), paper:SEED (P), fold:K or fold:K/valid (M); of a
            manifest: given or grouped:SEED; default: filtered for genre, fold:0/valid for mood and
            quadrant, a manifest's own split if it has one, else grouped:SEED
        seed: of weights, crops and augmentation; default: 0
        patience: stop after this many epochs without an improvement of delta; changes the recipe
        delta: fall of the validation loss that counts as an improvement; changes the recipe
        set_: other settings of the recipe, NAME=VALUE, such as epochs=5
        tag: appended to the recipe's name; needed where settings are changed, and only there
        front_end: of a manifest's spectrograms; default: gtzan-mels
        task_name: what a manifest's labels are of, such as mood; default: its name
        skip_broken: go on without files that are missing or can't be decoded
    """
    if task != "manifest" and (front_end or task_name):
        raise ValueError("--front-end and --task-name are a manifest's: train manifest …")
    settings = dict(_setting(text) for text in set_)
    settings |= {"patience": patience} if patience is not None else {}
    settings |= {"delta": delta} if delta is not None else {}
    if settings and not tag:
        raise ValueError("a changed recipe needs a name of its own: add --tag NAME")
    if tag and not settings:
        raise ValueError(
            f"--tag {tag} names a changed recipe: change a setting with --set, --patience or "
            "--delta, or leave --tag out"
        )
    suffix = f"-{tag}" if tag else ""
    if task == "manifest":
        name = recipe or custom.default_recipe(task_name or "")
        folder = custom.train(
            experiment,
            RECIPES[name].changed(settings),
            name + suffix,
            seed,
            split,
            front_end or "gtzan-mels",
            task_name,
            skip_broken,
        )
    else:
        split = split or ("filtered" if task == "genre" else "fold:0/valid")
        experiment = replace(experiment, recipe=recipe, skip_broken=skip_broken)
        spec = experiment.spec(task, split, seed)
        changed, name = spec.recipe.changed(settings), spec.recipe_name + suffix
        folder = experiment.train(replace(spec, recipe=changed, recipe_name=name))
    if ProcessGroup.current().rank == 0:
        print(folder)


def evaluate(
    experiment: Experiment,
    protocol_names: Sequence[Protocol],
    *,
    seeds: Sequence[int] = FIVE_SEEDS,
    checkpoint: str = "genre",
    out: Path = RESULTS,
    recipe: str | None = None,
) -> None:
    """Measure protocols, one JSON each; trains the runs that are missing.

    Args:
        protocol_names: as docs/results.md describes them; VII is the paper's Table VII
        checkpoint: for N: a bundled name, a folder, or user/repo
        recipe: instead of the task's; not for N
    """
    if recipe and "N" in protocol_names:
        raise ValueError("N measures --checkpoint as it is: leave --recipe out, or N")
    experiment = replace(experiment, recipe=recipe)
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "F": partial(protocols.filtered, experiment, seeds),
        "P": partial(protocols.paper, experiment, seeds),
        "N": partial(protocols.new_songs, experiment, checkpoint),
        "M": partial(protocols.mood, experiment, "mood"),
        "M-quadrants": partial(protocols.mood, experiment, "quadrant"),
        "M-mixed": partial(protocols.mood, experiment, "mood", mixed=True),
        "M-quadrants-mixed": partial(protocols.mood, experiment, "quadrant", mixed=True),
        "VII": partial(corruption.table, experiment, seeds),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name in protocol_names:
        result = measure[name]() | ({"recipe": recipe} if recipe else {})
        file = out / (f"{name}-{recipe}.json" if recipe else f"{name}.json")
        file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(json.dumps(result))


def compare(
    experiment: Experiment,
    recipes: Sequence[str],
    *,
    task: Task = "genre",
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Compare recipes on validation folds, each with the first; trains the runs that are missing.

    Args:
        recipes: at least one, of training/engine/recipes.yaml
        task: genre: five artist-disjoint folds of F's training and validation tracks; mood: inside
            M's folds
        out: folder to write compare-TASK.json to; default: none
    """
    if unknown := [name for name in recipes if name not in RECIPES]:
        raise ValueError(f"recipe {unknown[0]!r}: one of {', '.join(RECIPES)} is needed")
    result = comparison.compare(experiment, task, recipes, seed)
    if out:
        print(reproduce.write(out, f"compare-{task}", result))
    print(results.table(result).to_string(index=False))


def bundle_checkpoints(
    experiment: Experiment,
    tasks: Sequence[Task],
    *,
    out: Path = CHECKPOINTS,
    results: Path = RESULTS,
) -> None:
    """Train each task's recipe on all tracks and write its checkpoint folder."""
    for task in tasks:
        print(bundle.bundle(experiment, task, out, results))


def write_cards(folders: Sequence[Path], *, results: Path = RESULTS) -> None:
    """Update the results in a checkpoint's config.json and its model card."""
    for folder in folders:
        print(bundle.write_card(folder, results))


def write_report(*, readme: Path = ASSETS.parent / "README.md", results: Path = RESULTS) -> None:
    """Write README.md's table and docs/results.md from measured results."""
    report.write(readme, results)


def measure_parity(experiment: Experiment, *, checkpoint: str = "genre") -> None:
    """Compare spectrograms that crnn computes from audio with the published ones."""
    print(json.dumps(parity.measure(experiment.data, experiment.cache, checkpoint), indent=1))


def measure_tables(
    experiment: Experiment,
    tables: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    width: Width = "narrow",
    out: Path = RESULTS,
) -> None:
    """Measure the paper's tables and ablations, one JSON each; trains the runs that are missing.

    Args:
        tables: V, VII-trained, choices (activation, optimiser, pooling), mood-grid (spectrogram
            resolution), optimism (split leakage), curves; ablation, ablation-mood
    """
    known = (*paper_tables.TABLES, *ablation.ABLATIONS, "curves")
    if unknown := [name for name in tables if name not in known]:
        raise ValueError(f"table {unknown[0]!r}: one of {', '.join(known)} is needed")
    for name in tables:
        if name in ablation.ABLATIONS:
            result = ablation.ablation(experiment, name, seeds)
        elif name == "curves":
            result = paper_tables.curves(experiment, seeds, width)
        else:
            result = paper_tables.table(experiment, name, seeds, width)
        print(reproduce.write(out, name, result))


def measure_codecs(experiment: Experiment, *, out: Path = RESULTS) -> None:
    """Measure how much re-encoding music changes the bundled networks' predictions."""
    result = codecs.measure(experiment.data, progress=experiment.progress)
    print(reproduce.write(out, "codecs", result))


def measure_noise(
    experiment: Experiment, *, checkpoint: str = "genre", out: Path = RESULTS
) -> None:
    """Compare noise added to the spectrogram with noise added to the waveform."""
    result = noise_domain.measure(experiment.data, checkpoint, progress=experiment.progress)
    print(reproduce.write(out, "noise", result))


def measure_lab_training(*, seeds: Sequence[int] = FIVE_SEEDS, out: Path = RESULTS) -> None:
    """Measure the effect of augmentation in the Lab's small training, on the bundled clips."""
    result = lab_training.measure(seeds)
    print(reproduce.write(out, "live", result))  # a stored name
    print(results.table(result).to_string(index=False))


def reproduce_everything(
    experiment: Experiment,
    *,
    quick: bool = False,
    seeds: Sequence[int] = FIVE_SEEDS,
    table_seeds: Sequence[int] = (0,),
    width: Width = "narrow",
    out: Path | None = None,
) -> None:
    """Train and measure everything; write the tables of README.md and docs/results.md.

    Args:
        quick: a trial: two epochs a run and one seed, into runs/quick/; no report
        table_seeds: seeds of the paper's tables and ablations
        out: default: assets/results
    """
    if quick:
        experiment, seeds = replace(experiment, max_epochs=2), seeds[:1]
    out = out or (experiment.runs / "quick" if quick else RESULTS)
    checkpoints = out if quick else CHECKPOINTS
    reproduce.reproduce(experiment, seeds, table_seeds, width, out)
    reproduce.write(out, "N", protocols.new_songs(experiment))
    train_svm(experiment, seeds=seeds, out=out, checkpoints=checkpoints)
    measure_class_profiles(experiment, out=out)
    if not quick:
        measure_lab_training(out=out)
        write_report(results=out)


def train_svm(
    experiment: Experiment,
    *,
    seeds: Sequence[int] = FIVE_SEEDS,
    out: Path = RESULTS,
    checkpoints: Path = CHECKPOINTS,
) -> None:
    """Train and measure the SVM baseline; write svm.json and the checkpoint folder svm-genre."""
    print(reproduce.baseline(experiment, seeds, out, checkpoints))


def measure_class_profiles(experiment: Experiment, *, out: Path = RESULTS) -> None:
    """Average spectrum and modulation of every genre and mood."""
    out.mkdir(parents=True, exist_ok=True)
    profiles = class_profiles.table(experiment.data, experiment.cache)
    file = out / "portraits.json"  # a stored name
    # Compact: indented, the arrays would take more than twice the space.
    file.write_text(json.dumps(profiles, separators=(",", ":")) + "\n", encoding="utf-8")
    print(file)


def measure_ood(
    experiment: Experiment,
    *,
    out: Path = RESULTS,
    checkpoints: Path = CHECKPOINTS,
    recipe: str | None = None,
) -> None:
    """Measure out-of-distribution detection, and refit the detectors of bundled checkpoints."""
    result = reproduce.ood(replace(experiment, recipe=recipe), out, checkpoints)
    for row in result["rows"]:
        # share_doubted, a stored key: fraction flagged as out of distribution.
        flagged = f"{100 * row['share_doubted']:5.1f} %  of {row['tracks']}"
        print(f"{row['network']:<6} {row['name']:<60} {flagged}")


def export(*, onnx: Sequence[str]) -> None:
    """Write checkpoints in another format.

    Args:
        onnx: bundled names, folders or user/repo; model.onnx is written beside the weights
    """
    for checkpoint in onnx:
        print(write_onnx(checkpoint))


def publish_checkpoint(
    *,
    task: Task = "genre",
    folder: Path | None = None,
    repo: str,
    private: bool = False,
    revision: str | None = None,
) -> None:
    """Push a checkpoint and its model card to the Hugging Face Hub.

    Args:
        task: which bundled checkpoint
        folder: another checkpoint folder
        repo: USER/NAME; made where it does not exist
        private: make the repository private
        revision: branch, made where it does not exist; default: main
    """
    print(publish.publish(folder or CHECKPOINTS / task, repo, private, revision))


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text!r}: NAME=VALUE is needed, such as epochs=5")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value  # a word such as avg


COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "evaluate": evaluate,
    "compare": compare,
    "bundle": bundle_checkpoints,
    "card": write_cards,
    "report": write_report,
    "parity": measure_parity,
    "tables": measure_tables,
    "codecs": measure_codecs,
    "noise": measure_noise,
    "lab-training": measure_lab_training,
    "reproduce": reproduce_everything,
    "svm": train_svm,
    "class-profiles": measure_class_profiles,
    "ood": measure_ood,
    "playlists": playlists.run,
    "export": export,
    "publish": publish_checkpoint,
}
