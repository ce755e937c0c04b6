"""Decoding in a process of its own: the same samples, and every death of the worker a sentence."""

import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from crnn.audio import worker
from crnn.audio.decode import decode
from crnn.errors import AudioError
from crnn.sources.examples import EXAMPLES
from tests.conftest import encode, melody

EXAMPLE = EXAMPLES["hunting"].file


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    worker.close()


def pid() -> int:
    """Of the one worker that waits."""
    (idle,) = worker._idle
    return idle._process.pid


# Nearly three hours of silence, 8 bits at 4 kHz: seconds to decode.
LONG = (
    struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 40_000_036, b"WAVE", b"fmt ", 16, 1, 1, 4_000, 4_000, 1, 8, b"data", 40_000_000),
    )
    + b"\x80" * 40_000_000
)
SLOW = {"source": LONG, "sample_rate": 2_000, "max_seconds": 20_000}


def test_samples_and_properties_are_those_of_decode() -> None:
    files = (EXAMPLE.read_bytes(), encode(melody(2, 8_000), 8_000), EXAMPLE, str(EXAMPLE))
    for source in files:
        for settings in ({}, {"sample_rate": 16_000, "downmix": "normalised", "max_seconds": 3}):
            here, there = decode(source, **settings), worker.decode(source, **settings)
            np.testing.assert_array_equal(here.samples, there.samples)
            assert {**vars(here), "samples": 0} == {**vars(there), "samples": 0}


def test_an_error_is_decodes_own_and_the_worker_goes_on() -> None:
    worker.start()
    before = pid()
    for source in (b"not a song", b"", EXAMPLE.parent / "nowhere.mp3", EXAMPLE.parent):
        with pytest.raises(AudioError) as there:
            worker.decode(source)
        if isinstance(source, bytes):
            with pytest.raises(AudioError, match=re.escape(str(there.value))):
                decode(source)
    assert worker.decode(EXAMPLE).seconds > 29
    assert pid() == before


def test_a_dead_worker_is_a_sentence_and_the_next_file_gets_another() -> None:
    worker.start()
    os.kill(pid(), signal.SIGSTOP)
    stopped = pid()
    threading.Timer(0.3, os.kill, (stopped, signal.SIGKILL)).start()
    with pytest.raises(AudioError, match=r"This file of \d\.\d MB makes the decoder fail"):
        worker.decode(EXAMPLE)
    assert worker.decode(EXAMPLE).seconds > 29
    assert pid() != stopped


def test_a_worker_that_died_while_idle_is_replaced() -> None:
    worker.start()
    os.kill(pid(), signal.SIGKILL)
    time.sleep(0.1)
    assert worker.decode(EXAMPLE).seconds > 29


def test_processor_time_is_limited_for_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "CPU_SECONDS", 0.5)
    monkeypatch.setattr(worker, "CPU_SECONDS_PER_MB", 0.0)
    monkeypatch.setattr(worker, "_DEADLINE", 60)  # on the clock, so that a busy machine may be slow
    for _ in range(4):  # together more than one file may take
        worker.decode(EXAMPLE)
    with pytest.raises(AudioError, match="takes longer to decode than any song of that size"):
        worker.decode(**SLOW)
    assert worker.decode(EXAMPLE).seconds > 29


def test_the_deadline_counts_where_no_processor_time_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker.start()
    os.kill(pid(), signal.SIGSTOP)
    monkeypatch.setattr(worker, "CPU_SECONDS", 0.1)
    with pytest.raises(AudioError, match="takes longer"):
        worker.decode(b"abc")
    assert not worker._idle


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_memory_is_limited() -> None:
    with pytest.raises(AudioError, match="needs more than 256 MB of memory"):
        worker.decode(LONG[:2_000_044], sample_rate=192_000)  # 384 MB of samples
    assert worker.decode(EXAMPLE).seconds > 29


def test_who_leaves_ends_the_work_at_once() -> None:
    class Left(BaseException):
        pass

    calls = []

    def check() -> None:
        calls.append(time.monotonic())
        if len(calls) == 2:
            raise Left

    start = time.monotonic()
    with pytest.raises(Left):
        worker.decode(**SLOW, check=check)
    assert time.monotonic() - start < 2
    assert not worker._idle
    assert worker.decode(EXAMPLE).seconds > 29


def workers() -> int:
    """This process may have other children, such as a browser."""
    found = 0
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            found += "crnn.audio.worker" in child.cmdline()
    return found


def most_workers(visitors: int) -> int:
    """The largest number of workers while that many visitors decode at once."""
    seen: list[int] = []

    def visit() -> None:
        worker.decode(EXAMPLE, check=lambda: seen.append(workers()))

    threads = [threading.Thread(target=visit) for _ in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return max(seen)


def test_a_short_file_waits_for_the_worker_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_PATIENCE", 30)
    worker.decode(EXAMPLE)
    assert most_workers(visitors=2) == 1


def test_two_work_at_once_and_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_PATIENCE", 0)
    assert most_workers(visitors=5) == 2
    assert workers() == 1


def test_the_worker_has_no_torch_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    worker.start()
    worker.decode(EXAMPLE)
    folder = Path("/proc") / str(pid())
    if folder.is_dir():
        assert b"hf_secret" not in (folder / "environ").read_bytes()
        assert "torch" not in (folder / "maps").read_text()


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "song.wav"
    os.mkfifo(fifo)
    with pytest.raises(AudioError, match="a pipe or a device"):
        worker.decode(fifo)


def test_the_worker_ends_with_its_caller() -> None:
    code = "from crnn.audio import worker; worker.start(); "
    # Flushed, as os._exit does not.
    code += "print(worker._idle[0]._process.pid, flush=True)"
    done = subprocess.run(
        [sys.executable, "-c", code + "; import os; os._exit(1)"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(worker.__file__).parents[2],
    )
    number = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the worker lives on")
