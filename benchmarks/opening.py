"""CPU time of the server when a visitor opens a track on Listen, beside that of its analysis."""

import time
from collections.abc import Callable
from typing import Any

import psutil
from playwright.sync_api import Page

from benchmarks.memory import _drawn, app, browser
from benchmarks.ratios import against
from benchmarks.speed import song
from crnn import analyse
from crnn.sources.examples import EXAMPLES


def measure(rounds: int = 5) -> dict[str, Any]:
    """Medians in seconds of CPU, of the server and its workers; ratios to `crnn.analyse`.

    Each is opened in a new page, an example by a click on its card: for the first time after the
    server's start, and again. The browser has the app's scripts from the first round, except in a
    new one, which fetches those of charts with the first chart.
    """
    times: dict[str, list[float]] = {}
    with app() as (address, server), browser() as chromium:
        visitor = chromium.new_context()
        for number, name in enumerate(list(EXAMPLES)[: rounds + 1]):
            clip = song(30 + 0.1 * number)
            used = {
                "crnn.analyse of 30 s": _cpu_seconds(psutil.Process(), lambda c=clip: analyse(c)),
                "example, first time": _example(server, visitor.new_page(), address, name),
                "example, cached": _example(server, visitor.new_page(), address, name),
                "example, new browser": _example(server, chromium.new_page(), address, name),
                "new track of 30 s": _new(server, visitor.new_page(), address, clip),
            }
            for what, seconds in used.items():
                if number:  # the first round loads what is needed
                    times.setdefault(what, []).append(seconds)
    return against(times, "crnn.analyse of 30 s", 2)


def _example(server: psutil.Process, page: Page, address: str, name: str) -> float:
    page.goto(address)
    card = page.get_by_role("button", name=f"Open {EXAMPLES[name].title} by")
    card.wait_for()
    time.sleep(1)

    def open_it() -> None:
        card.click()
        _drawn(page, EXAMPLES[name].title)

    seconds = _cpu_seconds(server, open_it)
    page.close()
    return seconds


def _new(server: psutil.Process, page: Page, address: str, clip: bytes) -> float:
    page.goto(address)
    file = {"name": f"{len(clip)}.mp3", "mimeType": "audio/mpeg", "buffer": clip}
    page.locator("input[type=file]").wait_for(state="attached")
    time.sleep(1)

    def upload() -> None:
        page.locator("input[type=file]").set_input_files(file)
        _drawn(page, file["name"])

    seconds = _cpu_seconds(server, upload)
    page.close()
    return seconds


def _cpu_seconds(process: psutil.Process, action: Callable[[], Any]) -> float:
    """CPU time of a process and its children during an action, and for a second after it."""

    def used() -> float:
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return sum(one.user + one.system for one in times)

    if process.pid == psutil.Process().pid:
        start = time.process_time()
        action()
        return time.process_time() - start
    before = used()
    action()
    time.sleep(1)
    return used() - before
