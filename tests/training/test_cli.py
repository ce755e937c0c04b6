"""Commands are made from functions; a user error is one sentence and status 1."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from training import commands
from training.cli import main
from training.commands import COMMANDS
from training.engine.experiment import Experiment
from training.engine.run import RunSpec


def test_command_line_says_what_is_wrong(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "genre", "--data", str(tmp_path)]) == 1
    assert "No GTZAN in" in capsys.readouterr().err
    (tmp_path / "gtzan").symlink_to(data / "gtzan")
    assert main(["train", "genre", "--data", str(tmp_path), "--runs", str(tmp_path / "runs")]) == 1
    said = capsys.readouterr().err
    assert "No moods4q in" in said
    assert "genre-alone" in said
    assert main(["train", "genre", "--data", str(data), "--set", "epochs=1"]) == 1
    assert "add --tag" in capsys.readouterr().err
    assert main(["train", "genre", "--data", str(data), "--tag", "x"]) == 1
    assert "--tag x names a changed recipe: change a setting" in capsys.readouterr().err
    assert main(["train", "genre", "--data", str(data), "--tag", "x", "--set", "epoch=1"]) == 1
    assert "recipe setting epoch: one of" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["train", "polka", "--data", str(data)])
    assert main(["train", "genre", "--data", str(data), "--tag", "x", "--set", "epochs"]) == 1
    assert "NAME=VALUE is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "setting",
    [
        *("epochs=abc", "batch_size=0", "noise_db=NaN", "noise_db=[NaN,20]", "noise=loud"),
        *("channels=5", "pools={}", "learning_rate=Infinity", "epochs=1e400", "weight_decay=-1"),
        *("=1", "epochs"),
    ],
)
def test_an_impossible_setting_is_named(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "genre", "--data", str(tmp_path), "--tag", "x", "--set", setting]
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert said.startswith("python -m training: ")
    assert "setting" in said or "NAME=VALUE" in said


def test_options_of_a_manifest_are_not_ignored_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (["--front-end", "paper"], ["--task-name", "mood"]):
        assert main(["train", "genre", "--data", str(tmp_path), *option]) == 1
        assert "are a manifest's" in capsys.readouterr().err


def test_protocol_n_takes_no_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It measures a checkpoint as it is: a recipe's name on its result would be wrong."""
    arguments = ["F", "N", "--data", str(tmp_path), "--recipe", "genre-alone"]
    assert main(["evaluate", *arguments, "--out", str(tmp_path / "out")]) == 1
    assert "N measures --checkpoint as it is: leave --recipe out" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


class TestArguments:
    """What reaches a command, by a function with a parameter of each kind."""

    @pytest.fixture
    def call(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        seen: dict[str, Any] = {}

        def command(
            experiment: Experiment,
            what: Sequence[Literal["a", "b"]],
            *,
            seeds: Sequence[int] = (0, 1),
            set_: Sequence[str] = (),
            task_name: str | None = None,
            ratio: float = 0.5,
            out: Path,
            quick: bool = False,
            browser: bool = True,
        ) -> None:
            """One command.

            Args:
                task_name: what a very long help text is needed for, in two
                    lines
            """
            seen.update(locals())

        monkeypatch.setitem(COMMANDS, "new", command)

        def call(*arguments: str) -> dict[str, Any]:
            assert main(["new", *arguments]) == 0
            return seen

        return call

    @pytest.mark.parametrize("terminal", [True, False])
    def test_defaults(self, call: Any, monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
        for stream in (sys.stdout, sys.stderr):
            monkeypatch.setattr(stream, "isatty", lambda: terminal)
        seen = call("a", "b", "--data", "D", "--out", "O")
        experiment = seen.pop("experiment")
        assert (experiment.data, experiment.runs) == (Path("D"), Path("runs"))
        assert (experiment.precision, experiment.progress, experiment.workers) == (
            "auto",
            terminal,  # no bar fills a log
            None,
        )
        expected = {
            "what": ["a", "b"],
            "seeds": (0, 1),
            "set_": [],
            "task_name": None,
            "ratio": 0.5,
        }
        expected |= {"out": Path("O"), "quick": False, "browser": True}
        assert {name: seen[name] for name in expected} == expected

    def test_options(self, call: Any) -> None:
        switches = ["--quick", "--no-browser", "--no-progress", "--workers", "2"]
        several = ["--seeds", "3", "4", "--set", "a=1", "b=2", "--set", "c=3"]
        seen = call(
            "a",
            "--data",
            "D",
            "--out",
            "O",
            "--task-name",
            "mood",
            "--ratio",
            "1",
            *several,
            *switches,
        )
        assert (seen["seeds"], seen["set_"]) == ([3, 4], ["a=1", "b=2", "c=3"])
        assert (seen["task_name"], seen["ratio"]) == ("mood", 1.0)
        assert (seen["quick"], seen["browser"]) == (True, False)
        assert (seen["experiment"].progress, seen["experiment"].workers) == (False, 2)

    def test_what_is_missing_or_unknown(
        self, call: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for arguments, words in (
            (["a", "--data", "D"], "required: --out"),
            (["c", "--data", "D", "--out", "O"], "invalid choice: 'c'"),
            (["a", "--data", "D", "--out", "O", "--seeds", "x"], "invalid int value"),
        ):
            with pytest.raises(SystemExit):
                main(["new", *arguments])
            assert words in capsys.readouterr().err

    def test_help_is_the_docstrings(self, call: Any, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            main(["new", "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert "what a very long help text is needed for, in two lines" in text
        assert "where runs and computed features are kept" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"python -m training {command}" in capsys.readouterr().out


def test_commands_are_known_by_their_former_names(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []

    def measure(experiment: Experiment, *, out: Path = Path()) -> None:
        calls.append(out)

    for name, former in (
        ("class-profiles", "portraits"),
        ("ood", "doubt"),
        ("lab-training", "live"),
    ):
        monkeypatch.setitem(COMMANDS, name, measure)
        assert main([former, "--data", "D", "--out", former]) == 0
    assert calls == [Path("portraits"), Path("doubt"), Path("live")]


def test_every_option_of_train_has_a_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for option, words in (
        ("--patience PATIENCE", "stop after"),
        ("--delta DELTA", "fall of the validation loss"),
        ("--seed SEED", "of weights"),
        ("--set SET [SET ...]", "other settings"),
        ("--tag TAG", "appended to"),
    ):
        assert f"{option} {words}" in text


def test_a_changed_recipe_is_a_run_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    specs: list[RunSpec] = []

    def train(self: Experiment, spec: RunSpec) -> Path:
        specs.append(spec)
        return self.runs / spec.name

    monkeypatch.setattr(Experiment, "train", train)
    settings = ["channels=[4,8,8,8]", "pooling=avg", "noise_db=[10,20]"]
    arguments = ["quadrant", "--data", "D", "--seed", "3", "--patience", "0", "--tag", "new"]
    assert main(["train", *arguments, "--set", *settings]) == 0
    assert main(["train", "genre", "--data", "D", "--recipe", "genre-alone"]) == 0
    recipe = specs[0].recipe
    assert (recipe.channels, recipe.pooling) == ((4, 8, 8, 8), "avg")
    assert (recipe.noise_db, recipe.patience) == ((10, 20), 0)
    names = ["quadrant-mood-new-fold0-valid-seed3", "genre-genre-alone-filtered-seed0"]
    assert [spec.name for spec in specs] == names
    assert capsys.readouterr().out.split() == [f"runs/{name}" for name in names]
    assert commands.RESULTS.is_dir()
