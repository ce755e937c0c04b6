"""The command line: standard output, standard error and exit status."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.cli import main
from crnn.labels import MOODS
from crnn.model.checkpoint import Checkpoint
from crnn.model.ood import N_FEATURES
from crnn.sources.examples import EXAMPLES, FOLDER
from tests.conftest import encode, melody
from training.ood.fit import fit

EXAMPLE = str(EXAMPLES["hunting"].file)


def test_json_lines_go_on_after_a_bad_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "notes.mp3"
    bad.write_text("not a song")
    assert main(["--json", str(bad), EXAMPLE]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) == {"file", "error"}
    assert "text file" in first["error"]
    assert set(second) - {"doubt"} == {"file", "seconds", "genre", "mood", "segments"}
    assert sum(second["genre"].values()) == pytest.approx(1, abs=1e-3)
    assert set(second["segments"][0]) == {"start", "genre", "mood"}


def test_folders_are_searched_and_a_table_is_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    (tmp_path / "deep").mkdir()
    for name in ("a.wav", "deep/音楽.wav"):
        (tmp_path / name).write_bytes(encode(melody(3)))
    (tmp_path / "cover.png").write_bytes(b"\x89PNG")
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["File", "Length", "Genre", "Mood"]
    assert "3.0 s" in lines[1]
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"  # in time for PyTorch, which loads after it


def test_out_of_distribution_tracks_are_reported_and_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned = fit(np.random.default_rng(0).standard_normal((200, N_FEATURES)))
    for task in ("genre", "mood"):
        limit = 0.0 if task == "genre" else 1e9
        replace(Checkpoint.load(task), ood=replace(learned, threshold=limit)).save(tmp_path / task)
    assert (
        main(["--genre", str(tmp_path / "genre"), "--mood", str(tmp_path / "mood"), EXAMPLE]) == 0
    )
    output = capsys.readouterr()
    assert output.err.count("Out of distribution: unlike the genre model's training data") == 1
    assert output.out.count(" ?") == 1
    row = output.out.splitlines()[1]
    assert row.index(" ?") < min(row.index(mood) for mood in MOODS if mood in row)


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--csv", EXAMPLE]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("file,seconds,start,genre:blues,")
    columns = header.split(",")
    of = {task: columns.index(task) for task in ("genre:blues", "mood:Dark")}
    counts = {task: sum(row.split(",")[place] != "" for row in rows) for task, place in of.items()}
    # The track, then windows of 6 s every three seconds of its 30.
    assert counts == {"genre:blues": 1 + 10, "mood:Dark": 1 + 10}


@pytest.mark.parametrize(
    ("path", "words"), [("nowhere.mp3", "No such file"), (".", "No audio files in this folder")]
)
def test_missing_things_are_named(
    path: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--json", path]) == 1
    assert words in json.loads(capsys.readouterr().out)["error"]


def test_a_checkpoint_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--genre", str(tmp_path), EXAMPLE]) == 1
    assert "no config.json there" in capsys.readouterr().err


def test_two_checkpoints_of_one_task_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--genre", "mood", EXAMPLE]) == 1
    assert "Both checkpoints predict mood" in capsys.readouterr().err


def test_the_name_of_a_file_does_not_matter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "song.raw"
    file.write_bytes(encode(melody(3)))
    assert main(["--json", str(file)]) == 0
    assert "genre" in json.loads(capsys.readouterr().out)


def test_notices_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "telephone.wav"
    file.write_bytes(encode(melody(3, 8_000), 8_000))
    assert main(["--json", str(file)]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert "8 kHz" in captured.err


def test_as_a_command_in_a_pipe_that_closes() -> None:
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "crnn",
        "--json",
        *[str(f) for f in sorted(FOLDER.glob("*.mp3"))[:2]],
    ]
    process = subprocess.Popen(
        command,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert process.stdout is not None
    process.stdout.close()  # like `| head -0`
    assert process.wait(120) == 0
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()


def test_names_too_long_and_pipes_are_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "good.wav").write_bytes(encode(melody(3)))
    paths = [f"{tmp_path}/{n}" for n in ("x" * 300 + ".mp3", "d/" * 3000, "", "pipe.wav")]
    assert main(["--json", *paths]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("error", "")[:40] for row in rows] == [
        "The file can't be opened: File name too ",
        "The file can't be opened: File name too ",
        "",
        "This is a folder, a pipe or a device; an",
    ]


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv"]])
def test_no_name_commands_the_terminal(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["\x1b]0;title\x07a.wav", "\x9b2Jb.wav", "c\u202egpj.wav", "line\nbreak.wav"]
    for name in names:
        (tmp_path / name).write_bytes(encode(melody(3, 8_000), 8_000))
    (tmp_path / "\x1b[31m.wav").write_bytes(b"no song")
    assert main([*options, str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert all(c.isprintable() or c == "\n" for c in output.out + output.err)
    if options == ["--json"]:
        found = {Path(json.loads(line)["file"]).name for line in output.out.splitlines()}
        assert found == {*names, "\x1b[31m.wav"}


@pytest.mark.parametrize("task", ["segments", "doubt", "file", "error"])
def test_a_task_called_as_a_key_of_the_records_is_refused(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Checkpoint.load("genre").save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"task": task}))
    assert main(["--json", "--genre", str(tmp_path), EXAMPLE]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("crnn: ")
    assert task in output.err
