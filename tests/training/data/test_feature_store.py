"""Features computed in several starts or by several processes are those computed at once."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.errors import AudioError
from training.data import feature_store
from training.data.feature_store import BrokenFiles, FeatureStore, from_audio

COUNT = 120


def expected(file: Path) -> np.ndarray:
    """As many frames of three bands as the file says: [3, F]."""
    return np.arange(int(file.read_text().split()[0]) * 3).reshape(3, -1) + float(len(file.name))


class Decoder:
    """Stands for decode, and remembers its files; stop_at: raises there, as Ctrl-C does."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.asked: list[Path] = []
        self.stop_at = stop_at

    def decode(self, file: Path, **_: Any) -> Any:
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(file)
        if file.read_text() == "broken":
            raise AudioError("Nothing to decode.")
        partial = "partial" in file.read_text()
        notices = ("Only part of it could be read.",) if partial else ()
        return SimpleNamespace(samples=file, notices=notices)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Decoder]:
    def use(**options: Any) -> Decoder:
        decoder = Decoder(**options)
        monkeypatch.setattr(feature_store, "decode", decoder.decode)
        monkeypatch.setattr(
            feature_store, "log_mel", lambda file, _: torch.from_numpy(expected(file))
        )
        return decoder

    return use


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "in").mkdir()
    made = [tmp_path / "in" / f"{number}.txt" for number in range(COUNT)]
    for number, file in enumerate(made):
        file.write_text(str(number % 7 + 1))
    return made


def compute(files: list[Path], cache: Path, **options: Any) -> FeatureStore:
    return from_audio(files, PAPER_FRONT_END, cache, **options)


def assert_right(store: FeatureStore, files: list[Path]) -> None:
    assert len(store) == len(files)
    for track, file in enumerate(files):
        np.testing.assert_array_equal(store.mel(track), expected(file))
        assert store.count(track) == expected(file).shape[1]


def test_all_files_in_their_order_and_nothing_else_left_behind(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    use()
    assert_right(compute(files, tmp_path / "cache"), files)
    assert {file.suffix for file in (tmp_path / "cache").iterdir()} == {".npy"}
    assert len(list((tmp_path / "cache").iterdir())) == COUNT


def test_a_stopped_computation_continues_where_it_was(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    first = use(stop_at=100)
    with pytest.raises(KeyboardInterrupt):
        compute(files, tmp_path / "cache")
    again = use()
    assert_right(compute(files, tmp_path / "cache"), files)
    assert len(first.asked) == 100
    assert set(again.asked) == set(files) - set(first.asked)


def test_what_is_there_is_not_computed_again(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    use()
    compute(files, tmp_path / "cache")
    again = use()
    compute(files[5:50], tmp_path / "cache")
    files[7].write_text("12")
    os.utime(files[7], ns=(0, 0))
    assert_right(compute(files, tmp_path / "cache"), files)
    assert again.asked == [files[7]]
    from_audio(files[:2], GTZAN_FRONT_END, tmp_path / "cache")
    assert set(again.asked[1:]) == set(files[:2])


def test_files_of_the_same_name_size_and_time_are_told_apart(
    tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    files = [tmp_path / folder / "1.txt" for folder in ("a", "b")]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(str(number + 1))
        os.utime(file, ns=(0, 0))
    use()
    assert_right(compute(files, tmp_path / "cache"), files)


def test_broken_files_are_listed_all_at_once_and_may_be_skipped(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    for number in (3, 77):
        files[number].write_text("broken")
    use()
    for _ in range(2):
        with pytest.raises(BrokenFiles, match=r"2 of the files can't be decoded") as caught:
            compute(files, tmp_path / "cache")
        assert list(caught.value.reasons) == [files[3], files[77]]
    again = use()
    store = compute(files, tmp_path / "cache", skip_broken=True)
    assert again.asked == []
    assert [store.count(number) for number in (3, 77, 99)] == [0, 0, 99 % 7 + 1]
    with pytest.raises(BrokenFiles, match="Nothing to decode"):
        compute(files, tmp_path / "cache")


def test_what_decode_says_is_told_whenever_features_are_used(
    files: list[Path],
    tmp_path: Path,
    use: Callable[..., Decoder],
    capsys: pytest.CaptureFixture[str],
) -> None:
    files[5].write_text("4 partial")
    for _ in range(2):
        use()
        compute(files[4:7], tmp_path / "cache")
        said = capsys.readouterr().err
        assert f"1 of 3 files have a notice:\n  {files[5]}: Only part of it could be read." in said


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"\x93NUMPY\x01\x00"])
def test_damaged_features_are_computed_again(
    content: bytes, files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    use()
    compute(files[:3], tmp_path / "cache")
    for place in (tmp_path / "cache").iterdir():
        place.write_bytes(content or place.read_bytes()[:-7])
    again = use()
    assert_right(compute(files[:3], tmp_path / "cache"), files[:3])
    assert len(again.asked) == 3


def test_all_broken_is_an_error_even_when_skipping(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    for file in files:
        file.write_text("broken")
    use()
    with pytest.raises(BrokenFiles, match=r"120 of the files .*\n(.*\n){50}  … and 70 more"):
        compute(files, tmp_path / "cache", skip_broken=True)


def test_several_at_once_share_the_work(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    """Each takes what is missing in an order of its own, so that few files are read twice."""
    decoder, together, done = use(), threading.Barrier(3), []
    decode = decoder.decode

    def slow(file: Path, **options: Any) -> Any:
        threading.Event().wait(0.002)
        return decode(file, **options)

    def run() -> None:
        together.wait()
        assert_right(compute(files, tmp_path / "cache"), files)
        done.append(True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feature_store, "decode", slow)
        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == 3
    assert set(decoder.asked) == set(files)
    assert len(decoder.asked) < 1.5 * COUNT


def test_excerpts_and_selections(
    files: list[Path], tmp_path: Path, use: Callable[..., Decoder]
) -> None:
    use()
    store = compute(files, tmp_path / "cache").select([6, 4])
    np.testing.assert_array_equal(store.mel(0, 2, 3), expected(files[6])[:, 2:5])
    np.testing.assert_array_equal(store.mel(1), expected(files[4]))
    assert store.offsets == [0, 7, 12]
    copy = FeatureStore.from_mels([expected(files[6]), expected(files[4])])
    assert all(np.array_equal(a, b) for a, b in zip(copy.arrays(), store.arrays(), strict=True))
