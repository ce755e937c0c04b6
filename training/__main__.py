"""Train the networks and measure them.

train      one run: genre, mood or quadrant, on a split; or on a collection of your own, a manifest
evaluate   protocols F, P, N, M, M-quadrants as JSON; trains what is missing
bundle     the checkpoints of assets/checkpoints
card       refresh figures and model card of a checkpoint folder from measured results
parity     does serving see what training saw?
playlists  a mood collection from your own Spotify playlists (its audio never from Spotify)
tables     the paper's tables: V, VII-trained, choices, mood-grid, optimism, curves; ablation, ablation-mood
noise      noise added to spectrograms against noise in the waveform
codecs     how far answers move when music is re-encoded
reproduce  everything that assets/results and README.md show; goes on where it stopped
svm        the baseline on hand-made features: all its figures, and the bundled SVM
portraits  the average spectrum and modulation of every genre and mood
doubt      when the networks should doubt: doubt.json, and the threshold into the bundled checkpoints
publish    push a checkpoint and its model card to the Hugging Face Hub

On several GPUs or hosts: torchrun --nproc_per_node=N -m training train …
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from crnn.errors import CrnnError
from training import commands
from training.data.collection import DataError
from training.distributed import OtherProcessFailed, ProcessGroup
from training.engine.recipes import RECIPES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; user errors become one line on stderr and status 1."""
    options = _parser().parse_args(arguments)
    try:
        if ProcessGroup.current().world > 1:
            _together(options)
        options.command(options)
    except OtherProcessFailed:
        return 1
    except (CrnnError, DataError, ValueError, OSError) as error:
        print(f"python -m training: {error}", file=sys.stderr)
        return 1
    return 0


def _together(options: argparse.Namespace) -> None:
    launch = ProcessGroup.current()
    launch.join()

    def check() -> None:
        if options.command is not commands.train:
            raise ValueError(
                f"only `train` runs in several processes, and torchrun started {launch.world}; run this command without it"
            )

    launch.run_on_all(check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], None], about: str, data: bool = True
    ) -> Any:
        sub = subparsers.add_parser(name, help=about, description=about)
        sub.set_defaults(command=run)
        if data:
            sub.add_argument(
                "--data",
                type=Path,
                required=True,
                help="folder that holds gtzan/ and moods4q/, or is one of them; for manifest, a table or a folder of audio",
            )
            sub.add_argument(
                "--runs",
                type=Path,
                default=Path("runs"),
                help="where runs and computed frames are kept",
            )
            sub.add_argument(
                "--precision",
                default="auto",
                help="auto, 32-true, bf16-mixed, …: as Lightning names them",
            )
            sub.add_argument(
                "--workers",
                type=int,
                help="processes that read crops ahead; default: 0, with a GPU up to 4",
            )
            sub.add_argument("--no-progress", action="store_true", help="no progress bar")
        return sub

    train = command(
        "train",
        commands.train,
        "Train one network; a run that was stopped goes on, a finished one is kept.",
    )
    train.add_argument("task", choices=["genre", "mood", "quadrant", "manifest"])
    train.add_argument(
        "--split",
        default=None,
        help="all, filtered, paper:SEED, fold:K, fold:K/valid; of a manifest: given, grouped:SEED",
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--recipe", choices=sorted(RECIPES), help="default: the task's")
    train.add_argument(
        "--patience", type=int, help="epochs without progress before stopping; 0 = never"
    )
    train.add_argument(
        "--delta",
        type=float,
        help="the smallest fall of the validation loss that counts as progress",
    )
    train.add_argument(
        "--set",
        nargs="*",
        default=[],
        metavar="NAME=JSON",
        help="other recipe settings, such as epochs=5",
    )
    train.add_argument(
        "--tag", default="", help="added to the run's name; needed with --set, --patience, --delta"
    )
    own = train.add_argument_group(
        "manifest", "a table with the columns path,label[,group][,split], or label/song.mp3"
    )
    own.add_argument(
        "--front-end",
        choices=["gtzan-mels", "paper"],
        default="gtzan-mels",
        help="of the spectrograms",
    )
    own.add_argument(
        "--task-name",
        help="what the labels are of, such as mood; default: the name of file or folder",
    )
    own.add_argument(
        "--skip-broken",
        action="store_true",
        help="go on without files that are missing or can't be heard",
    )

    evaluate = command(
        "evaluate",
        commands.evaluate,
        "Measure protocols, one JSON each; trains the runs that are missing.",
    )
    known = ["F", "P", "N", "M", "M-quadrants", "M-mixed", "M-quadrants-mixed", "VII"]
    evaluate.add_argument("protocols", nargs="+", choices=known, metavar="|".join(known))
    evaluate.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="for F (runs) and P (splits)"
    )
    evaluate.add_argument(
        "--checkpoint", default="genre", help="for N: a bundled name, a folder, or user/repo"
    )
    evaluate.add_argument("--out", type=Path, default=commands.ASSETS / "results")
    evaluate.add_argument("--recipe", choices=sorted(RECIPES), help="default: the task's")

    bundle = command(
        "bundle",
        commands.bundle,
        "Retrain the recipe on every track and write the checkpoint folder.",
    )
    bundle.add_argument("tasks", nargs="+", choices=["genre", "mood"])
    bundle.add_argument("--out", type=Path, default=commands.ASSETS / "checkpoints")
    bundle.add_argument("--results", type=Path, default=commands.ASSETS / "results")

    card = command(
        "card",
        commands.card,
        "Refresh a checkpoint's figures and model card from results.",
        data=False,
    )
    card.add_argument("folders", nargs="+", type=Path)
    card.add_argument("--results", type=Path, default=commands.ASSETS / "results")

    report = command(
        "report", commands.report, "Write the table of README.md from measured results.", data=False
    )
    report.add_argument("--readme", type=Path, default=commands.ASSETS.parent / "README.md")
    report.add_argument("--results", type=Path, default=commands.ASSETS / "results")

    parity = command(
        "parity", commands.parity, "Compare serving's front end with the published GTZAN mels."
    )
    parity.add_argument("--checkpoint", default="genre")

    tables = command(
        "tables",
        commands.tables,
        "Measure the paper's tables, one JSON each; trains the runs that are missing.",
    )
    tables.add_argument("tables", nargs="+", metavar="TABLE")
    tables.add_argument("--seeds", type=int, nargs="+", default=[0])
    tables.add_argument(
        "--width", choices=["narrow", "paper"], default="narrow", help="narrow: for a CPU"
    )
    tables.add_argument("--out", type=Path, default=commands.ASSETS / "results")

    moved = command(
        "codecs",
        commands.codecs,
        "Measure how far the bundled networks' answers move when music is re-encoded.",
    )
    moved.add_argument("--out", type=Path, default=commands.ASSETS / "results")

    noise = command(
        "noise", commands.noise, "Compare noise added as power with noise mixed into the waveform."
    )
    noise.add_argument("--checkpoint", default="genre")
    noise.add_argument("--out", type=Path, default=commands.ASSETS / "results")

    whole = command(
        "reproduce",
        commands.reproduce,
        "Train and measure everything, and write the README's tables.",
    )
    whole.add_argument(
        "--quick",
        action="store_true",
        help="two epochs a run, one seed: a rehearsal, into runs/quick/",
    )
    whole.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="for F (runs) and P (splits)"
    )
    whole.add_argument(
        "--table-seeds", type=int, nargs="+", default=[0], help="for the paper's tables"
    )
    whole.add_argument(
        "--width", choices=["narrow", "paper"], default="narrow", help="narrow: for a CPU"
    )
    whole.add_argument("--out", type=Path, help="default: assets/results")

    svm = command(
        "svm",
        commands.svm,
        "Measure the SVM baseline as svm.json and write its checkpoint folder, svm-genre.",
    )
    svm.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[0, 1, 2, 3, 4],
        help="for F (calibration folds) and P (splits)",
    )
    svm.add_argument("--out", type=Path, default=commands.ASSETS / "results")
    svm.add_argument("--checkpoints", type=Path, default=commands.ASSETS / "checkpoints")

    portraits = command(
        "portraits", commands.portraits, "Average spectrum and modulation of every genre and mood."
    )
    portraits.add_argument("--out", type=Path, default=commands.ASSETS / "results")

    playlists = command(
        "playlists",
        commands.playlists,
        "A mood collection from your own playlists, with previews of Deezer or Apple.",
        data=False,
    )
    from training.playlists.cli import add_options

    add_options(playlists)
    doubts = command(
        "doubt",
        commands.doubt,
        "Measure when the networks doubt; give the bundled checkpoints their threshold.",
    )
    doubts.add_argument("--out", type=Path, default=commands.ASSETS / "results")
    doubts.add_argument("--checkpoints", type=Path, default=commands.ASSETS / "checkpoints")
    doubts.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        help="whose validation runs are compared; default: the task's",
    )

    publish = command(
        "publish", commands.publish, "Push a checkpoint folder to the Hugging Face Hub.", data=False
    )
    publish.add_argument(
        "--task", choices=["genre", "mood"], default="genre", help="which bundled checkpoint"
    )
    publish.add_argument("--folder", type=Path, help="another checkpoint folder")
    publish.add_argument(
        "--repo", required=True, metavar="USER/NAME", help="made where it does not exist"
    )
    publish.add_argument("--private", action="store_true", help="make the repository private")
    publish.add_argument("--revision", help="branch, made where it does not exist; default: main")
    return parser


if __name__ == "__main__":
    sys.exit(main())
