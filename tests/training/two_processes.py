"""What each of two processes does in test_distributed; leaves its results in OUT/rank<n>.json.

python -m torch.distributed.run --nproc_per_node=2 -m tests.training.two_processes DATA OUT
"""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.training.conftest import toy_collection
from training.cli import main
from training.data.datamodule import EpochSampler
from training.distributed import OtherProcessFailed, ProcessGroup
from training.engine.module import TrainingModule
from training.engine.recipes import Recipe
from training.engine.run import RunSpec, train

# Nothing drawn but the crops: what a single process would have done is known.
PLAIN = Recipe(
    epochs=3,
    batch_size=8,
    learning_rate=5e-3,
    channels=(4, 8, 8, 8),
    gru=8,
    dropout=0.0,
    conv_dropout=0.0,
    delta=0.0,
)
# Everything drawn, and everything that a step moves.
DRAWN = replace(
    PLAIN,
    epochs=8,
    patience=0,
    mixup=0.3,
    frequency_mask=8,
    gain_db=3.0,
    schedule="one-cycle",
    averaging=0.8,
    dropout=0.1,
    conv_dropout=0.05,
)
# The same, short, to be stopped and gone on with.
SHORT = replace(DRAWN, epochs=3)
SPLIT = "fold:0/valid"  # 7 tracks to validate on: an odd number
TRAIN = [
    "train",
    "genre",
    "--recipe=paper-genre",
    "--split=all",
    "--no-progress",
    "--precision=32-true",
    "--tag=tiny",
]
SMALL = ["--set", "epochs=1", "channels=[4,8,8,8]", "gru=8"]


def spec(name: str, recipe: Recipe) -> RunSpec:
    return RunSpec("toy", name, recipe, SPLIT, 0)


def outcome(arguments: list[str]) -> tuple[int, str, str]:
    """Status, standard output and errors of `python -m training`."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as errors:
        status = main(arguments)
    return (
        status,
        out.getvalue(),
        "\n".join(row for row in errors.getvalue().splitlines() if "python -m" in row),
    )


def stopped(runs: Path) -> None:
    """The last epoch of a run never comes."""
    original = EpochSampler.__iter__

    def stop(self: EpochSampler) -> Any:
        if self.epoch == 2:
            raise InterruptedError
        return original(self)

    with patch.object(EpochSampler, "__iter__", stop):
        try:
            train(spec("short", SHORT), toy_collection(), runs, "32-true", False)
        except InterruptedError:
            return
    raise AssertionError("it was not stopped")


def everything(data: Path, out: Path) -> dict[str, Any]:
    toy, found = toy_collection(), {}
    places = ["--data", str(data), "--runs", str(out / "runs")]
    found["command"] = outcome([*TRAIN, *places, *SMALL, "batch_size=4"])
    own = ["--data", str(data / "gtzan"), "--runs", str(out / "own")]
    found["manifest"] = outcome(["train", "manifest", *TRAIN[2:], *own, *SMALL, "batch_size=4"])
    found["indivisible"] = outcome([*TRAIN, *places, *SMALL, "batch_size=5"])
    found["no data"] = outcome([*TRAIN, "--data", str(out / "none"), *SMALL])
    found["not train"] = outcome(["report"])

    seeds = []
    augment = TrainingModule.augment

    def noted(self: TrainingModule, mel: Any, generator: Any) -> Any:
        seeds.append(generator.initial_seed())
        return augment(self, mel, generator)

    train(spec("plain", PLAIN), toy, out / "runs", "32-true", False)
    with patch.object(TrainingModule, "augment", noted):
        train(spec("drawn", DRAWN), toy, out / "runs", "32-true", False)
    found["seeds"] = seeds
    train(spec("short", SHORT), toy, out / "runs", "32-true", False)
    stopped(out / "again")
    train(spec("short", SHORT), toy, out / "again", "32-true", False)

    group = ProcessGroup.current()
    try:
        group.run_on_all(lambda: 1 // (1 - group.rank))  # only the second fails
    except (ZeroDivisionError, OtherProcessFailed) as error:
        found["failed"] = type(error).__name__
    return found


if __name__ == "__main__":
    out = Path(sys.argv[2])
    (out / f"rank{ProcessGroup.current().rank}.json").write_text(
        json.dumps(everything(Path(sys.argv[1]), out))
    )
