"""Decode in a worker process: a file that crashes it or keeps it busy affects nobody else.

    caller ── path, or bytes in shared memory; settings ──> python -m crnn.audio.worker
           <── properties, or an error; samples in shared memory ──

A worker starts with the first file and decodes one after the other. It has limits on memory and
processor time, and its caller one on time; where it dies, the next file gets a new one.
"""

import atexit
import ctypes
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from queue import Empty, SimpleQueue
from stat import S_ISREG
from typing import Any, BinaryIO

import numpy as np

from crnn import audio
from crnn.audio.containers import Samples
from crnn.audio.decode import MAX_SECONDS, Downmix, Waveform
from crnn.audio.decode import decode as decode_here
from crnn.errors import AudioError

try:
    import resource
except ImportError:  # Windows has none: there only the deadline holds
    resource = None  # type: ignore[assignment]

# Bytes beyond those that the worker has when it starts. Ten minutes need 100 MB.
MEMORY = 256 << 20
# Seconds of processor time: ten minutes of Opus take 4 to 8, of any other codec half of it.
CPU_SECONDS, CPU_SECONDS_PER_MB = 12.0, 0.1
# Seconds until the caller gives up, as a multiple: processors are shared.
_DEADLINE = 4
# Workers at once; one of them stays when there is nothing to do, with 40 MB.
MAX_WORKERS = 2
_CHECK_SECONDS = 0.1
# Seconds that a file waits for a busy worker before another one starts, which takes half a second
# and 40 MB; most files are decoded sooner.
_PATIENCE = 1.0

# Of the environment: no tokens or passwords for a process that reads strangers' files.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMP", "TEMP", "TMPDIR")
_PREFIXES = ("PYTHON", "LC_", "LD_", "DYLD_")

_NEXT = "Convert it to MP3 or WAV and try again."
_log = logging.getLogger(__name__)
_slots = threading.BoundedSemaphore(MAX_WORKERS)
_idle: "list[_Worker]" = []
_busy: "list[_Worker]" = []


def decode(
    source: bytes | str | Path,
    *,
    sample_rate: int = 22_050,
    downmix: Downmix = "mean",
    max_seconds: float = MAX_SECONDS,
    check: Callable[[], object] = lambda: None,
) -> Waveform:
    """The same as `crnn.decode`, in a worker.

    Args:
        check: called every 0.1 s; an exception of it stops the work and is passed on.

    Raises:
        AudioError: as `crnn.decode` does; also where decoding takes more time or memory than any
            song needs, or crashes.
    """
    options = {"sample_rate": sample_rate, "downmix": downmix, "max_seconds": max_seconds}
    while not _slots.acquire(timeout=_CHECK_SECONDS):
        check()
    try:
        worker = _free_worker(check)
        _busy.append(worker)
        try:
            return worker.decode(source, options, check)
        finally:
            _busy.remove(worker)
            if worker.alive and not _idle:
                _idle.append(worker)
            else:
                worker.close()
    finally:
        _slots.release()


def start() -> None:
    """Start a worker, so that the first file need not wait for it."""
    if not _idle:
        _idle.append(_Worker())


@atexit.register
def close() -> None:
    """End the worker that waits for files."""
    while worker := _pop_idle():
        worker.close()


def _free_worker(check: Callable[[], object]) -> "_Worker":
    """A worker that has nothing to do; a new one where none becomes free within _PATIENCE."""
    deadline = time.monotonic() + _PATIENCE
    while (worker := _pop_idle()) is None and _busy and time.monotonic() < deadline:
        check()
        time.sleep(_CHECK_SECONDS / 10)
    return worker or _Worker()


def _pop_idle() -> "_Worker | None":
    """A living worker that has nothing to do; dead ones are closed."""
    while True:
        try:
            worker = _idle.pop()
        except IndexError:
            return None
        if worker.alive:
            return worker
        worker.close()


class _Worker:
    """A running worker and the memory shared with it."""

    def __init__(self) -> None:
        self._source, self._samples = _SharedFile(), _SharedFile()
        shared = [file.fileno() for file in (self._source, self._samples) if file.inherited]
        keep = (name for name in os.environ if name in _ENVIRONMENT or name.startswith(_PREFIXES))
        paths = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
        environment = {name: os.environ[name] for name in keep} | {
            "PYTHONPATH": os.pathsep.join(paths),
            "OPENBLAS_NUM_THREADS": "1",
            # glibc: few pools, and large blocks go back to the system.
            "MALLOC_ARENA_MAX": "2",
            "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
        }
        try:
            self._process = subprocess.Popen(
                # -P: a module in the current folder is not imported.
                [sys.executable, "-P", "-m", "crnn.audio.worker", self._samples.path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=shared,
            )
        except OSError as error:
            raise AudioError(f"Decoding can't start: {error.strerror}. Try again later.") from error
        self._replies: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as replies:
            for line in replies:
                self._replies.put(line)
        self._replies.put(b"")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the process and free the memory."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._source.close()
        self._samples.close()

    def decode(
        self, source: bytes | str | Path, options: dict[str, Any], check: Callable[[], object]
    ) -> Waveform:
        size = len(source) if isinstance(source, bytes) else _file_size(source)
        cpu = CPU_SECONDS + CPU_SECONDS_PER_MB * size / 1e6
        try:
            if isinstance(source, bytes):
                self._source.write(source)
                path = self._source.path
            else:
                path = os.path.abspath(source)  # noqa: PTH100 - Path.resolve would follow links
            request = options | {"path": os.fsencode(path).decode("latin-1"), "cpu": cpu}
            reply = self._ask(request, size, time.monotonic() + _DEADLINE * cpu, check)
            self._source.clear()
            if (count := reply.pop("count")) > options["max_seconds"] * options["sample_rate"] + 1:
                raise AudioError(_crash(size))
            samples = self._samples.read(count)
        except BaseException as error:
            if not isinstance(error, _Refused):
                self.close()
            raise
        return Waveform(samples=samples, **reply | {"notices": tuple(reply["notices"])})

    def _ask(
        self, request: dict[str, Any], size: int, deadline: float, check: Callable[[], object]
    ) -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died: what it left of a reply tells
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        while True:
            try:
                line = self._replies.get(timeout=_CHECK_SECONDS)
                break
            except Empty:
                check()
                if time.monotonic() > deadline:
                    raise AudioError(_too_slow(size)) from None
        if not line:
            code = self._process.wait()
            _log.info("the worker ended with status %s", code)
            slow = resource is not None and code == -signal.SIGXCPU
            raise AudioError(_too_slow(size) if slow else _crash(size))
        reply: dict[str, Any] = json.loads(line)
        if trace := reply.get("trace"):
            _log.info("an unexpected error while decoding\n%s", trace)
            raise AudioError(_crash(size))
        if "error" in reply:
            self._source.clear()
            raise _Refused(reply["error"] or _too_large(size))
        return reply


class _Refused(AudioError):
    """The worker's answer that a file holds no usable audio; it can go on with the next one."""


class _SharedFile:
    """A file in memory that the worker opens by its path; a temporary one where there is none."""

    def __init__(self) -> None:
        self.inherited = hasattr(os, "memfd_create")
        if self.inherited:
            number = os.memfd_create("crnn")
            self.path = f"/proc/self/fd/{number}"  # of the worker, which inherits the number
        else:
            number, self.path = tempfile.mkstemp()
        self._file = open(number, "r+b", buffering=0)  # noqa: SIM115, PTH123 - a number; closed by close()
        self.fileno = self._file.fileno

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    def read(self, count: int) -> Samples:
        """`count` samples; the file is empty afterwards."""
        samples = np.zeros(count, dtype=np.float32)
        self._file.seek(0)
        self._file.readinto(samples.data)
        self.clear()
        return samples

    def clear(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def close(self) -> None:
        self._file.close()
        if not self.inherited:
            Path(self.path).unlink(missing_ok=True)


def _file_size(path: str | Path) -> int:
    try:
        status = os.stat(path)  # noqa: PTH116 - of a str, too
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"The file can't be opened: {reason}.") from error
    if not S_ISREG(status.st_mode):
        raise AudioError("This is a folder, a pipe or a device; an audio file is needed.")
    return status.st_size


def _megabytes(size: int) -> str:
    return f"This file of {max(0.1, size / 1e6):.1f} MB"


def _too_slow(size: int) -> str:
    return (
        f"{_megabytes(size)} takes longer to decode than any song of that size, so this was "
        f"stopped. The file is damaged or unusual. {_NEXT}"
    )


def _too_large(size: int) -> str:
    return (
        f"{_megabytes(size)} needs more than {MEMORY >> 20} MB of memory to be decoded, the limit; "
        f"songs need less. The file is damaged or unusual. {_NEXT}"
    )


def _crash(size: int) -> str:
    return f"{_megabytes(size)} makes the decoder fail: it is damaged or unusual. {_NEXT}"


def _serve(requests: BinaryIO, replies: BinaryIO, samples_path: str) -> None:
    """The worker: a line of JSON for every line of JSON, until its caller ends."""
    _ = audio.stream  # loads FFmpeg, before the limit on memory
    if resource is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its caller's
        _limit(resource.RLIMIT_CORE, 0)
        if sys.platform == "linux":
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY)
    for line in requests:
        replies.write(json.dumps(_answer(json.loads(line), samples_path)).encode() + b"\n")
        replies.flush()
        release_memory()


def _answer(request: dict[str, Any], samples_path: str) -> dict[str, Any]:
    """Properties of the waveform, whose samples are written to a file; or an error."""
    if resource is not None:
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        _limit(resource.RLIMIT_CPU, int(used + request["cpu"]) + 1)
    del request["cpu"]
    path = Path(os.fsdecode(request.pop("path").encode("latin-1")))
    try:
        waveform = decode_here(path, **request)
        with Path(samples_path).open("r+b") as file:
            file.write(waveform.samples.data)
    except AudioError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": ""}
    except Exception:
        return {"trace": traceback.format_exc()}
    names = [field.name for field in fields(waveform) if field.name != "samples"]
    return {name: getattr(waveform, name) for name in names} | {"count": len(waveform.samples)}


def release_memory() -> None:
    """Give freed memory back to the system: after ten minutes of music 55 MB, in small blocks."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # not glibc
            ctypes.CDLL(None).malloc_trim(0)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    # What a library prints must not get into the replies.
    _replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, _replies, sys.argv[1])
