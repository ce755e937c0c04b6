"""An array computed in parts is the array computed at once, whatever stops it, and whoever shares the work."""

import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from crnn.errors import AudioError
from training.data.feature_cache import BrokenFiles, Job, collect

COUNT = 120


def rows(file: Path) -> np.ndarray:
    """Three numbers a row, as many rows as the file says."""
    text = file.read_text()
    if text == "broken":
        raise AudioError("Nothing to hear.")
    return np.arange(int(text) * 3).reshape(-1, 3) + len(file.name)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "in").mkdir()
    made = [tmp_path / "in" / f"{number}.txt" for number in range(COUNT)]
    for number, file in enumerate(made):
        file.write_text(str(number % 7 + 1))
    return made


def job(files: list[Path], folder: Path, work: Callable[[Path], np.ndarray] = rows) -> Job:
    return Job(files, work, 3, np.float16, {"some": "settings"}, folder)


def values(of: Job) -> list[np.ndarray]:
    whole, offsets = np.load(of.values, mmap_mode="r"), np.load(of.offsets)
    return [np.asarray(whole[a:b]) for a, b in pairwise(offsets)]


def assert_right(of: Job) -> None:
    for file, found in zip(of.files, values(of), strict=True):
        np.testing.assert_array_equal(found, rows(file))


class Counting:
    """rows, remembering which files it was asked for; stop_at: raises there, as Ctrl-C does."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.asked: list[Path] = []
        self.stop_at = stop_at

    def __call__(self, file: Path) -> np.ndarray:
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(file)
        return rows(file)


def test_all_files_in_their_order_and_nothing_left_behind(
    files: list[Path], tmp_path: Path
) -> None:
    done = job(files, tmp_path / "cache")
    collect(done)
    assert_right(done)
    assert {file.name for file in (tmp_path / "cache").iterdir()} == {
        done.values.name,
        done.offsets.name,
        "parts",
    }
    assert not list((tmp_path / "cache/parts").glob("*.rows"))


def test_what_was_stopped_goes_on_where_it_was(files: list[Path], tmp_path: Path) -> None:
    first = Counting(stop_at=100)
    with pytest.raises(KeyboardInterrupt):
        collect(job(files, tmp_path / "cache", first))
    again = Counting()
    collect(job(files, tmp_path / "cache", again))
    assert_right(job(files, tmp_path / "cache"))
    twice = set(first.asked) & set(again.asked)
    assert set(first.asked) | set(again.asked) == set(files)
    assert 0 < len(again.asked) < COUNT  # some parts were kept
    assert twice == set(again.asked[: len(twice)])  # at most the part that was under way


def test_a_finished_array_is_not_computed_again(files: list[Path], tmp_path: Path) -> None:
    collect(job(files, tmp_path / "cache"))
    again = Counting()
    collect(job(files, tmp_path / "cache", again))
    assert again.asked == []


def test_one_more_file_costs_its_part_alone_while_parts_are_there(
    files: list[Path], tmp_path: Path
) -> None:
    files[50].write_text("broken")
    with pytest.raises(BrokenFiles):
        collect(job(files, tmp_path / "cache"))
    again = Counting()
    collect(job([*files[:50], *files[51:]], tmp_path / "cache", again))
    assert 0 <= len(again.asked) < COUNT - 1
    assert_right(job([*files[:50], *files[51:]], tmp_path / "cache"))


def test_broken_files_are_named_all_at_once_and_may_be_skipped(
    files: list[Path], tmp_path: Path
) -> None:
    for number in (3, 77):
        files[number].write_text("broken")
    files[99].write_text("2")
    for _ in range(2):
        with pytest.raises(BrokenFiles, match=r"2 of the files can't be heard") as caught:
            collect(job(files, tmp_path / "cache"))
        assert list(caught.value.reasons) == [files[3], files[77]]
    again = Counting()
    collect(job(files, tmp_path / "cache", again), skip_broken=True)
    assert again.asked == []
    found = values(job(files, tmp_path / "cache"))
    assert [len(found[number]) for number in (3, 77, 99)] == [0, 0, 2]
    with pytest.raises(BrokenFiles, match="Nothing to hear"):  # still, when it is all there
        collect(job(files, tmp_path / "cache"))


def test_all_broken_is_an_error_even_when_skipping(files: list[Path], tmp_path: Path) -> None:
    for file in files:
        file.write_text("broken")
    with pytest.raises(BrokenFiles, match=r"120 of the files .*\n(.*\n){50}  … and 70 more"):
        collect(job(files, tmp_path / "cache"), skip_broken=True)


def test_several_at_once_share_the_work(files: list[Path], tmp_path: Path) -> None:
    """Each file is read once, by one of them; all end with the whole array."""
    asked: list[Path] = []
    together = threading.Barrier(3)

    def slow(file: Path) -> np.ndarray:
        asked.append(file)
        if file in files[:2]:
            threading.Event().wait(0.05)
        return rows(file)

    def run() -> None:
        together.wait()
        mine = job(files, tmp_path / "cache", slow)
        collect(mine)
        assert_right(mine)
        finished.append(True)

    finished: list[bool] = []
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(finished) == 3
    assert sorted(asked) == sorted(files)


def test_other_settings_and_other_content_are_other_arrays(
    files: list[Path], tmp_path: Path
) -> None:
    one = job(files, tmp_path)
    assert Job(files, rows, 3, np.float16, {"other": "settings"}, tmp_path).values != one.values
    files[0].write_text("12")
    assert job(files, tmp_path).values != one.values
