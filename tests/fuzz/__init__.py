"""Random inputs, each from its seed: only the library's own errors, no hang, bounded memory."""

import random
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from crnn.errors import CrnnError

MAX_SECONDS = 20  # of a case
MAX_GROWTH = 600 << 20  # bytes, of the process and its workers

Target = Callable[[random.Random], None]


@dataclass
class Report:
    """Cases that were tried, refused by an error of the library's, or failed (with a traceback)."""

    tried: int = 0
    refused: int = 0
    slowest: float = 0.0
    peak_mb: int = 0
    failures: dict[int, str] = field(default_factory=dict)


class Hang(BaseException):
    """A case took longer than MAX_SECONDS."""


def run(target: Target, seconds: float, seed: int = 0, first: int = 0) -> Report:
    """Try cases first, first + 1, … of a target for that long; one at least."""
    report, start, before = Report(), time.monotonic(), _memory()
    while not report.tried or time.monotonic() - start < seconds:
        number = first + report.tried
        report.tried += 1
        began = time.monotonic()
        try:
            _limited(target, random.Random(f"{seed}/{number}"))
        except CrnnError:
            report.refused += 1
        except (Exception, Hang):
            report.failures[number] = traceback.format_exc()
        report.slowest = max(report.slowest, time.monotonic() - began)
        memory = _memory()
        report.peak_mb = max(report.peak_mb, memory >> 20)
        if memory - before > MAX_GROWTH:
            report.failures[number] = f"{memory - before >> 20} MB more than before"
            return report
    return report


def _limited(target: Target, random: random.Random) -> None:
    def stop(*_: Any) -> None:
        raise Hang

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        target(random)
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        target(random)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _memory() -> int:
    here = psutil.Process()
    return sum(p.memory_info().rss for p in (here, *here.children()) if p.is_running())
