"""Whole collections: what pandas reads, what is done again, and what survives a dead process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from distributed import Client, LocalCluster, WorkerPlugin
from pyarrow import parquet

import crnn
from crnn import collection
from crnn.cli import main
from crnn.errors import CrnnError
from crnn.labels import GENRES, MOOD_QUADRANTS, MOODS
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode, melody

ROOT = Path(__file__).parents[2]
LATIN = b"caf\xe9.wav"
# Results that are saved at once, so that a killed process leaves some.
KILLED = """
import sys
from crnn import cli, collection
if __name__ == "__main__":
    collection.SAVE_SECONDS = 0
    cli.main(sys.argv[1:])
"""


@pytest.fixture(scope="module", autouse=True)
def empty_main() -> Iterator[None]:
    """Dask's processes run __main__ again, which a test of a page leaves as that page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    options: dict[str, Any] = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(n_workers=2, threads_per_worker=1, **options) as running:
        yield running


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Five songs, one with a name that is no UTF-8, and a file that is none."""
    folder = tmp_path / "music"
    (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate((b"a.wav", b"b.flac", b"deep/c.wav", LATIN, "音楽.wav".encode())):
        kind = "FLAC" if name.endswith(b"flac") else "WAV"
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(
            encode(melody(3, seed=seed), kind=kind)
        )
    (folder / "notes.mp3").write_text("no song")
    (folder / "cover.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture(scope="module")
def checkpoints() -> list[Checkpoint]:
    return [Checkpoint.load("genre"), Checkpoint.load("mood")]


def numbered(folder: Path, count: int) -> Path:
    folder.mkdir()
    for seed in range(count):
        (folder / f"{seed:03d}.wav").write_bytes(encode(melody(3, seed=seed)))
    return folder


def analyse(music: Path, out: Path, *options: str) -> int:
    return main(["analyse", str(music), "--out", str(out), *options])


def row(song: collection.Song, results: collection.Results, **columns: Any) -> collection.Row:
    state = {"file": song.name, "size": song.size, "modified": song.modified}
    return state | {"checkpoints": results.checkpoints} | columns


def test_pandas_reads_what_the_library_predicts(
    music: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collection, "CPU_COUNT", 2)
    out = tmp_path / "new folder" / "r.parquet"
    assert analyse(music, out) == 1
    assert capsys.readouterr().out == f"{out}: 6 files, 6 of them analysed now, 1 failed.\n"
    assert list(out.parent.iterdir()) == [out]
    table = pd.read_parquet(out).set_index("file")
    names = ["a.wav", "b.flac", r"caf\udce9.wav", "deep/c.wav", "notes.mp3", "音楽.wav"]
    assert list(table.index) == names
    good = table[table.error.isna()]
    assert set(table.index) - set(good.index) == {"notes.mp3"}
    assert "text file" in table.error["notes.mp3"]
    bad = table.loc["notes.mp3"].drop(["size", "modified", "error", "checkpoints"])
    assert bad.isna().all()
    for task, labels in (("genre", GENRES), ("mood", MOODS)):
        probs = good[[f"{task}_{label}" for label in labels]]
        np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
        assert (f"{task}_" + good[task] == probs.idxmax(axis=1)).all()
        assert (good[f"{task}_probability"] == probs.max(axis=1)).all()
    for axis in ("valence", "arousal"):
        signs = [getattr(MOOD_QUADRANTS[label], axis) for label in MOODS]
        expected = good[[f"mood_{label}" for label in MOODS]] @ signs
        np.testing.assert_allclose(good[axis], expected, atol=1e-5)
    for name, file in (("deep/c.wav", "deep/c.wav"), (r"caf\udce9.wav", os.fsdecode(LATIN))):
        stored, path = table.loc[name], music / file
        assert stored["size"] == path.stat().st_size
        assert stored["modified"].timestamp() == pytest.approx(path.stat().st_mtime, abs=1e-5)
        assert stored["seconds"] == pytest.approx(3, abs=0.01)
        for task, prediction in crnn.analyse(path).items():
            for label, probability in prediction.to_dict().items():
                assert stored[f"{task}_{label}"] == pytest.approx(probability, abs=1e-5)
            assert prediction.ood is not None
            assert stored[f"{task}_ood"] == pytest.approx(prediction.ood.score, abs=1e-4)
            assert stored[f"{task}_is_ood"] == prediction.ood.is_ood


def test_what_changed_or_failed_is_done_again(
    music: Path, tmp_path: Path, cluster: LocalCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    out, options = tmp_path / "r.parquet", ("--scheduler", cluster.scheduler_address)

    def run(*others: str) -> str:
        analyse(music, out, *options, *others)
        return capsys.readouterr().out.removeprefix(f"{out}: ")

    (music / "notes.mp3").unlink()
    assert run() == "5 files, 5 of them analysed now, 0 failed.\n"
    first = out.read_bytes()
    assert run() == "5 files, 0 of them analysed now, 0 failed.\n"
    assert out.read_bytes() == first
    os.utime(music / "a.wav", (0, 0))
    (music / "b.flac").unlink()
    (music / "d.wav").write_bytes(b"no song")
    assert run() == "5 files, 2 of them analysed now, 1 failed.\n"
    table = pd.read_parquet(out).set_index("file")
    assert table.modified["a.wav"].timestamp() == 0
    assert "b.flac" not in table.index
    assert run() == "5 files, 1 of them analysed now, 1 failed.\n"  # it may have been the disk
    Checkpoint.load("genre").save(tmp_path / "genre")
    assert run("--genre", str(tmp_path / "genre")) == "5 files, 1 of them analysed now, 1 failed.\n"
    config = tmp_path / "genre" / "config.json"
    config.write_text(config.read_text().replace('"temperature": ', '"temperature": 2'))
    assert run("--genre", str(tmp_path / "genre")) == "5 files, 5 of them analysed now, 1 failed.\n"


def test_a_worker_that_is_killed_is_replaced(
    tmp_path: Path, cluster: LocalCluster, checkpoints: list[Checkpoint]
) -> None:
    music = collection.find(numbered(tmp_path / "music", 24))
    results = collection.Results(tmp_path / "r.parquet", checkpoints)
    victim = next(iter(cluster.workers.values())).pid

    def rows() -> Iterator[collection.Row]:
        for count, each in enumerate(
            collection.predict(music, checkpoints, cluster.scheduler_address)
        ):
            if count == 2:
                os.kill(victim, signal.SIGKILL)
            yield each

    results.add(rows())
    assert results.merge(music) == (24, 0)
    table = pd.read_parquet(tmp_path / "r.parquet")
    assert list(table.file) == [song.name for song in music]
    assert table[["genre", "mood"]].notna().all(axis=None)
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)


def test_a_killed_run_goes_on(
    tmp_path: Path, cluster: LocalCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    music, out = numbered(tmp_path / "music", 100), tmp_path / "r.parquet"
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    options = ["--scheduler", cluster.scheduler_address]
    command = [sys.executable, script, "analyse", music, "--out", out, *options]
    running = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    parts = tmp_path / "r.parquet.parts"
    while len(list(parts.glob("*.parquet"))) < 3:
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.wait()
    assert not out.exists()
    saved = pd.concat(map(pd.read_parquet, parts.glob("*.parquet")))
    (parts / "cut off.parquet").write_bytes(next(parts.glob("*.parquet")).read_bytes()[:-99])
    (parts / "empty.parquet").touch()
    assert analyse(music, out, *options) == 0
    rest = 100 - len(saved)
    assert 0 < rest < 98
    assert capsys.readouterr().out == f"{out}: 100 files, {rest} of them analysed now, 0 failed.\n"
    table = pd.read_parquet(out)
    assert list(table.file) == [f"{seed:03d}.wav" for seed in range(100)]
    kept = table.set_index("file").loc[saved.file].reset_index()
    pd.testing.assert_frame_equal(kept, saved.reset_index(drop=True))
    assert not parts.exists()


class Deadly(WorkerPlugin):
    """Ends a process that opens a certain file."""

    def setup(self, worker: Any) -> None:
        predict = collection.decode_and_predict

        def deadly(source: Path, *arguments: Any, **options: Any) -> Any:
            if source.name == "deadly.wav":
                os._exit(1)
            return predict(source, *arguments, **options)

        collection.decode_and_predict = deadly


def test_a_file_at_which_processes_die_is_a_row(
    tmp_path: Path, cluster: LocalCluster, checkpoints: list[Checkpoint]
) -> None:
    (tmp_path / "deadly.wav").write_bytes(encode(melody(3)))
    allowed, cluster.scheduler.allowed_failures = cluster.scheduler.allowed_failures, 0
    with Client(cluster) as client:
        client.register_plugin(Deadly(), "deadly")
        try:
            (deadly,) = collection.find(tmp_path)
            (row,) = collection.predict([deadly], checkpoints, cluster.scheduler_address)
            assert row["error"] == "1 processes ended at this file. Too little memory?"
            assert (row["file"], row["size"]) == ("deadly.wav", deadly.size)
        finally:
            client.unregister_worker_plugin("deadly")
            cluster.scheduler.allowed_failures = allowed


def test_the_newest_row_counts_and_an_error_in_between_loses_none(
    tmp_path: Path, checkpoints: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "PARTITION", 2)
    music = collection.find(numbered(tmp_path / "music", 5))
    (tmp_path / "link.parquet").symlink_to("r.parquet")
    results = collection.Results(tmp_path / "link.parquet", checkpoints)
    results.add(row(song, results, seconds=1.0) for song in music)
    assert len(list(results.parts_folder.iterdir())) == 3
    assert results.pending(music) == []

    def rows() -> Iterator[collection.Row]:
        for song in music[:3]:
            yield row(song, results, seconds=2.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        results.add(rows())
    assert results.merge(music) == (5, 0)
    assert (tmp_path / "link.parquet").is_symlink()
    assert list(pd.read_parquet(tmp_path / "r.parquet").seconds) == [2, 2, 2, 1, 1]
    # As when killed between the new file and the removal of its parts.
    results.add([row(music[0], results, seconds=3.0, error="bad")])
    assert collection.Results(results.file, checkpoints).pending(music) == music[:1]
    assert results.merge(music[:4]) == (4, 1)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("file/r.parquet", "can't be written: File exists"),
        ("folder", "can't be read as a Parquet file: Is a directory"),
        ("file", "can't be read as a Parquet file: "),
        ("other.parquet", "holds something else than results; choose another file"),
        ("results.parquet", "holds results of other files; choose another one, or remove it"),
    ],
)
def test_an_out_that_cannot_be_is_one_sentence_and_stays(
    out: str,
    words: str,
    music: Path,
    tmp_path: Path,
    checkpoints: list[Checkpoint],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("a text")
    parquet.write_table(pa.table({"file": ["a.wav"]}), tmp_path / "other.parquet")
    others = collection.find(numbered(tmp_path / "others", 1))
    results = collection.Results(tmp_path / "results.parquet", checkpoints)
    results.add([row(others[0], results)])
    results.merge(others)
    before = {file: file.read_bytes() for file in tmp_path.glob("*") if file.is_file()}
    assert analyse(music, tmp_path / out) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("crnn: ")
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert {file: file.read_bytes() for file in tmp_path.glob("*") if file.is_file()} == before


def test_no_folder_and_no_audio_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyse(tmp_path / "nowhere", tmp_path / "r.parquet") == 1
    assert "No such folder" in capsys.readouterr().err
    assert analyse(tmp_path, tmp_path / "r.parquet") == 1
    assert "No audio files in this folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_is_not_there_is_one_sentence(
    music: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collection, "_CONNECT_SECONDS", 0.2)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        assert analyse(music, tmp_path / "r.parquet", "--scheduler", address) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"crnn: The Dask cluster at {address} can't be used: ")
        assert error.count("\n") == 1


def test_a_file_that_vanishes_is_a_row_and_a_class_may_not_be_called_as_a_column(
    tmp_path: Path, tiny: Checkpoint
) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    assert collection.find(tmp_path) == []
    broken = Checkpoint("toy", ("a", "b", "ood"), tiny.front_end, 3.0, tiny.model)
    with pytest.raises(CrnnError, match="Two columns would be called toy_ood"):
        collection.Results(tmp_path / "r.parquet", [broken])


def test_without_the_extra_only_collections_say_so() -> None:
    code = """
import sys
sys.modules |= dict.fromkeys(("pyarrow", "dask", "distributed"))
import crnn.cli
print(crnn.cli.main(["analyse", ".", "--out", "r.parquet"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "1\n"
    assert done.stderr == (
        "crnn: Collections need the packages pyarrow and dask: pip install pyarrow "
        '"dask[distributed]" cryptography\n'
    )
