"""Train the networks and measure them.

train      one run: genre, mood or quadrant, on a split; or on a collection of your own, a manifest
evaluate   protocols F, P, N, M, M-quadrants as JSON; trains what is missing
bundle     the checkpoints of assets/checkpoints
card       refresh figures and model card of a checkpoint folder from measured results
parity     does serving see what training saw?
playlists  a mood collection from your own Spotify playlists (its audio never from Spotify)
tables     the paper's tables: V, VII-trained, choices, mood-grid, optimism, curves
codecs     how far answers move when music is re-encoded
reproduce  everything that assets/results and README.md show; goes on where it stopped
svm        the baseline on hand-made features: all its figures, and the bundled SVM
portraits  the average spectrum and modulation of every genre and mood
publish    push a checkpoint and its model card to the Hugging Face Hub

On several GPUs or hosts: torchrun --nproc_per_node=N -m training train …
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from crnn.errors import CrnnError
from training.collections import DataError
from training.launch import Launch, ToldElsewhere
from training.recipes import RECIPES, Recipe

ASSETS = Path(__file__).parent.parent / "assets"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; user errors become one line on stderr and status 1."""
    options = _parser().parse_args(arguments)
    try:
        if Launch.here().world > 1:
            _together(options)
        options.command(options)
    except ToldElsewhere:
        return 1
    except (CrnnError, DataError, ValueError, OSError) as error:
        print(f"python -m training: {error}", file=sys.stderr)
        return 1
    return 0


def _together(options: argparse.Namespace) -> None:
    launch = Launch.here()
    launch.join()

    def check() -> None:
        if options.command is not _train:
            raise ValueError(
                f"only `train` runs in several processes, and torchrun started {launch.world}; run this command without it"
            )

    launch.together(check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], about: str, data: bool = True) -> Any:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(command=run)
        if data:
            sub.add_argument(
                "--data",
                type=Path,
                required=True,
                help="folder that holds gtzan/ and moods4q/, or is one of them; for manifest, a table or a folder of audio",
            )
            sub.add_argument("--runs", type=Path, default=Path("runs"), help="where runs and computed frames are kept")
            sub.add_argument(
                "--precision", default="auto", help="auto, 32-true, bf16-mixed, …: as Lightning names them"
            )
            sub.add_argument(
                "--workers", type=int, help="processes that read crops ahead; default: 0, with a GPU up to 4"
            )
            sub.add_argument("--no-progress", action="store_true", help="no progress bar")
        return sub

    train = command("train", _train, "Train one network; a run that was stopped goes on, a finished one is kept.")
    train.add_argument("task", choices=["genre", "mood", "quadrant", "manifest"])
    train.add_argument(
        "--split",
        default=None,
        help="all, filtered, paper:SEED, fold:K, fold:K/valid; of a manifest: given, grouped:SEED",
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--recipe", choices=sorted(RECIPES), help="default: the task's")
    train.add_argument("--patience", type=int, help="epochs without progress before stopping; 0 = never")
    train.add_argument("--delta", type=float, help="the smallest fall of the validation loss that counts as progress")
    train.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=JSON", help="other recipe settings, such as epochs=5"
    )
    train.add_argument("--tag", default="", help="added to the run's name; needed with --set, --patience, --delta")
    own = train.add_argument_group("manifest", "a table with the columns path,label[,group][,split], or label/song.mp3")
    own.add_argument("--front-end", choices=["gtzan-mels", "paper"], default="gtzan-mels", help="of the spectrograms")
    own.add_argument("--task-name", help="what the labels are of, such as mood; default: the name of file or folder")
    own.add_argument(
        "--skip-broken", action="store_true", help="go on without files that are missing or can't be heard"
    )

    evaluate = command("evaluate", _evaluate, "Measure protocols, one JSON each; trains the runs that are missing.")
    evaluate.add_argument(
        "protocols", nargs="+", choices=["F", "P", "N", "M", "M-quadrants", "VII"], metavar="F|P|N|M|M-quadrants|VII"
    )
    evaluate.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="for F (runs) and P (splits)")
    evaluate.add_argument("--checkpoint", default="genre", help="for N: a bundled name, a folder, or user/repo")
    evaluate.add_argument("--out", type=Path, default=ASSETS / "results")
    evaluate.add_argument("--recipe", choices=sorted(RECIPES), help="default: the task's")

    bundle = command("bundle", _bundle, "Retrain the recipe on every track and write the checkpoint folder.")
    bundle.add_argument("tasks", nargs="+", choices=["genre", "mood"])
    bundle.add_argument("--out", type=Path, default=ASSETS / "checkpoints")
    bundle.add_argument("--results", type=Path, default=ASSETS / "results")

    card = command("card", _card, "Refresh a checkpoint's figures and model card from results.", data=False)
    card.add_argument("folders", nargs="+", type=Path)
    card.add_argument("--results", type=Path, default=ASSETS / "results")

    report = command("report", _report, "Write the table of README.md from measured results.", data=False)
    report.add_argument("--readme", type=Path, default=ASSETS.parent / "README.md")
    report.add_argument("--results", type=Path, default=ASSETS / "results")

    parity = command("parity", _parity, "Compare serving's front end with the published GTZAN mels.")
    parity.add_argument("--checkpoint", default="genre")

    tables = command("tables", _tables, "Measure the paper's tables, one JSON each; trains the runs that are missing.")
    tables.add_argument("tables", nargs="+", metavar="TABLE")
    tables.add_argument("--seeds", type=int, nargs="+", default=[0])
    tables.add_argument("--width", choices=["narrow", "paper"], default="narrow", help="narrow: for a CPU")
    tables.add_argument("--out", type=Path, default=ASSETS / "results")

    moved = command("codecs", _codecs, "Measure how far the bundled networks' answers move when music is re-encoded.")
    moved.add_argument("--out", type=Path, default=ASSETS / "results")

    whole = command("reproduce", _reproduce, "Train and measure everything, and write the README's tables.")
    whole.add_argument("--quick", action="store_true", help="two epochs a run, one seed: a rehearsal, into runs/quick/")
    whole.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="for F (runs) and P (splits)")
    whole.add_argument("--table-seeds", type=int, nargs="+", default=[0], help="for the paper's tables")
    whole.add_argument("--width", choices=["narrow", "paper"], default="narrow", help="narrow: for a CPU")
    whole.add_argument("--out", type=Path, help="default: assets/results")

    svm = command("svm", _svm, "Measure the SVM baseline as svm.json and write its checkpoint folder, svm-genre.")
    svm.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="for F (calibration folds) and P (splits)"
    )
    svm.add_argument("--out", type=Path, default=ASSETS / "results")
    svm.add_argument("--checkpoints", type=Path, default=ASSETS / "checkpoints")

    portraits = command("portraits", _portraits, "Average spectrum and modulation of every genre and mood.")
    portraits.add_argument("--out", type=Path, default=ASSETS / "results")

    playlists = command(
        "playlists",
        _playlists,
        "A mood collection from your own playlists, with previews of Deezer or Apple.",
        data=False,
    )
    from training.playlists.command import add_options

    add_options(playlists)

    publish = command("publish", _publish, "Push a checkpoint folder to the Hugging Face Hub.", data=False)
    publish.add_argument("--task", choices=["genre", "mood"], default="genre", help="which bundled checkpoint")
    publish.add_argument("--folder", type=Path, help="another checkpoint folder")
    publish.add_argument("--repo", required=True, metavar="USER/NAME", help="made where it does not exist")
    publish.add_argument("--private", action="store_true", help="make the repository private")
    publish.add_argument("--revision", help="branch, made where it does not exist; default: main")
    return parser


def _workshop(options: argparse.Namespace) -> Any:
    from training.protocols import Workshop

    recipe = getattr(options, "recipe", None)
    return Workshop(options.data, options.runs, recipe, options.precision, not options.no_progress, options.workers)


def _train(options: argparse.Namespace) -> None:
    shop = _workshop(options)
    changes = dict(_setting(text) for text in options.set)
    changes |= {name: getattr(options, name) for name in ("patience", "delta") if getattr(options, name) is not None}
    if changes and not options.tag:
        raise ValueError("a changed recipe needs a name of its own: add --tag NAME")
    if options.task == "manifest":
        from training import manifest_run

        name = options.recipe or manifest_run.default_recipe(options.task_name or "")
        recipe = replace(RECIPES[name], **changes)
        name += f"-{options.tag}" if changes else ""
        folder = manifest_run.train(
            shop, recipe, name, options.seed, options.split, options.front_end, options.task_name, options.skip_broken
        )
        _print_once(folder)
        return
    split = options.split or ("filtered" if options.task == "genre" else "fold:0/valid")
    spec = shop.spec(options.task, split, options.seed)
    if changes:
        spec = replace(spec, recipe=replace(spec.recipe, **changes), recipe_name=f"{spec.recipe_name}-{options.tag}")
    _print_once(shop.train(spec))


def _print_once(folder: Path) -> None:
    if Launch.here().rank == 0:
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


def _evaluate(options: argparse.Namespace) -> None:
    from training import augmented, protocols

    shop = _workshop(options)
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "F": lambda: protocols.filtered(shop, options.seeds),
        "P": lambda: protocols.paper(shop, options.seeds),
        "N": lambda: protocols.new_songs(shop, options.checkpoint),
        "M": lambda: protocols.mood(shop, "mood"),
        "M-quadrants": lambda: protocols.mood(shop, "quadrant"),
        "VII": lambda: augmented.table(shop, options.seeds),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.protocols:
        result = measure[name]()
        other = f"-{options.recipe}" if options.recipe else ""
        (options.out / f"{name}{other}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result))


def _tables(options: argparse.Namespace) -> None:
    from training import experiments
    from training.reproduce import write

    known = (*experiments.TABLES, "curves")
    unknown = [name for name in options.tables if name not in known]
    if unknown:
        raise ValueError(f"table {unknown[0]!r}: one of {', '.join(known)} is needed")
    shop = _workshop(options)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.tables:
        if name == "curves":
            result = experiments.curves(shop, options.seeds, options.width)
        else:
            result = experiments.table(shop, name, options.seeds, options.width)
        print(write(options.out, name, result))


def _codecs(options: argparse.Namespace) -> None:
    from training import codecs
    from training.reproduce import write

    print(write(options.out, "codecs", codecs.measure(options.data, progress=not options.no_progress)))


def _reproduce(options: argparse.Namespace) -> None:
    from training import protocols, svm
    from training.report import fill
    from training.reproduce import reproduce, write

    shop = replace(_workshop(options), most_epochs=2 if options.quick else None)
    seeds = options.seeds[:1] if options.quick else options.seeds
    out = options.out or (options.runs / "quick" if options.quick else ASSETS / "results")
    reproduce(shop, seeds, options.table_seeds, options.width, out)
    write(out, "N", protocols.new_songs(shop))
    checkpoints = out if options.quick else ASSETS / "checkpoints"
    print(svm.summary(svm.reproduce(options.data, options.runs, seeds, out, checkpoints)))
    if not options.quick:
        fill(ASSETS.parent / "README.md", out)


def _bundle(options: argparse.Namespace) -> None:
    from training.bundle import bundle

    for task in options.tasks:
        print(bundle(_workshop(options), task, options.out, options.results))


def _card(options: argparse.Namespace) -> None:
    from training.bundle import write_card

    for folder in options.folders:
        print(write_card(folder, options.results))


def _report(options: argparse.Namespace) -> None:
    from training.report import fill

    fill(options.readme, options.results)


def _parity(options: argparse.Namespace) -> None:
    from training.parity import measure

    print(json.dumps(measure(options.data, options.runs / "frames", options.checkpoint), indent=1))


def _svm(options: argparse.Namespace) -> None:
    from training.svm import reproduce, summary

    found = reproduce(options.data, options.runs, options.seeds, options.out, options.checkpoints)
    print(summary(found))


def _portraits(options: argparse.Namespace) -> None:
    from training.portraits import table

    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "portraits.json"
    file.write_text(json.dumps(table(options.data, options.runs / "frames"), separators=(",", ":")) + "\n")
    print(file)


def _playlists(options: argparse.Namespace) -> None:
    from training.playlists.command import run

    run(options)


def _publish(options: argparse.Namespace) -> None:
    from training.publish import publish

    folder = options.folder or ASSETS / "checkpoints" / options.task
    print(publish(folder, options.repo, options.private, options.revision))


if __name__ == "__main__":
    sys.exit(main())
