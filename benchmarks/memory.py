"""Memory of the served app and its worker: many tracks, long ones, many visitors, hostile files.

Megabytes are those of the server and of the processes that decode (PSS: a page that several share
counts once).
"""

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import soundfile
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.speed import song
from crnn.format import duration
from crnn.sources.examples import EXAMPLES

ROOT = Path(__file__).parents[1]
PATIENCE = 180_000  # ms


@contextmanager
def app() -> Iterator[tuple[str, psutil.Process]]:
    """The app on a free port, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
        f"--server.port={port}",
    ]
    process = subprocess.Popen(
        [*command, "--server.address=127.0.0.1"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


def megabytes(process: psutil.Process) -> int:
    total, command = process.memory_full_info().pss, process.cmdline()
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            # Until a new process runs its own program, its memory is its parent's (vfork), and
            # would be counted twice.
            if child.cmdline() != command:
                total += child.memory_full_info().pss
    return round(total / 2**20)


@contextmanager
def peak(process: psutil.Process) -> Iterator[list[int]]:
    """A list whose one value is the largest number of megabytes during the block."""
    most, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            most[0] = max(most[0], megabytes(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        stop.set()
        watcher.join()


def first_page() -> dict[str, float]:
    """Seconds from `streamlit run` to a health check, and to the first page in Chromium."""
    with browser() as chromium:
        page = chromium.new_page()
        start = time.perf_counter()
        with app() as (address, _):
            served = time.perf_counter() - start
            page.goto(address)
            expect(page.get_by_role("button", name="Open Palace")).to_be_visible(timeout=PATIENCE)
            return {
                "served_s": round(served, 2),
                "first_page_s": round(time.perf_counter() - start, 2),
            }


def many_tracks(count: int = 40, lengths: int = 10) -> dict[str, Any]:
    """One visitor, `count` uploads one after the other: rounds of `lengths` lengths from 30 to 240
    s, so that growth from one round to the next is not the tracks' own.
    """
    megabytes_each = []
    with app() as (address, process), browser() as chromium:
        page = chromium.new_page()
        page.goto(address)
        for number in range(count):
            name = f"track-{number}.mp3"
            data = {
                "name": name,
                "mimeType": "audio/mpeg",
                "buffer": song(30 + 210 * (number % lengths) / (lengths - 1)),
            }
            _upload(page, data)
            _drawn(page, name)
            megabytes_each.append(megabytes(process))
    rounds = [max(megabytes_each[first : first + lengths]) for first in range(0, count, lengths)]
    return {
        "tracks": count,
        "mb": megabytes_each,
        "peak_mb": max(megabytes_each),
        "peak_of_each_round_mb": rounds,
    }


def long_tracks() -> dict[str, Any]:
    """One visitor: ten minutes of MP3, then 50 MB of WAV, which is played."""
    samples, rate = soundfile.read(BytesIO(song(285)), dtype="int16")
    wav = BytesIO()
    soundfile.write(wav, samples[: 49_900_000 // 4], rate, format="WAV", subtype="PCM_16")
    files = {"long.mp3": song(600), "large.wav": wav.getvalue()}
    del samples, wav
    with (
        tempfile.TemporaryDirectory() as folder,
        app() as (address, process),
        browser() as chromium,
        peak(process) as most,
    ):
        page, after = chromium.new_page(), {}
        page.goto(address)
        for name, data in files.items():
            file = Path(folder) / name
            file.write_bytes(data)
            _upload(page, file)
            _drawn(page, name)
            after[name] = {"peak_mb": most[0], "then_mb": megabytes(process)}
        most[0] = 0
        page.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_timeout(3000)
        after["large.wav"]["played_mb"] = most[0]
        return after


def hostile(folder: Path) -> dict[str, Any]:
    """Each file of a folder uploaded by one visitor while another one opens an example."""
    results: dict[str, Any] = {}
    examples = [example for example in EXAMPLES.values() if example.name != "palace"]
    with app() as (address, process), browser() as chromium, peak(process) as most:
        _timed(chromium, address, "palace")  # loads the networks
        results["example alone, s"] = _timed(chromium, address, examples[0].name)
        for number, file in enumerate(sorted(folder.iterdir())):
            page = chromium.new_page()
            page.goto(address)
            most[0], start = 0, time.perf_counter()
            page.locator("input[type=file]").set_input_files(file)
            # An example that nobody has opened with these networks, as far as there are any.
            example = examples[min(number + 1, len(examples) - 1)].name
            other = _timed(chromium, address, example)
            done = page.get_by_role("alert").or_(page.get_by_role("heading", name=file.name))
            done.first.wait_for(timeout=PATIENCE)
            results[file.name] = {
                "uploader_s": round(time.perf_counter() - start, 1),
                "other_s": other,
                "peak_mb": most[0],
                "answer": done.first.inner_text(),
                "server_runs": process.is_running(),
            }
            page.close()
    return results


def _timed(chromium: Any, address: str, example: str) -> float:
    """Seconds until an example is drawn in a new page."""
    page, start = chromium.new_page(), time.perf_counter()
    page.goto(f"{address}/?example={example}")
    _drawn(page, EXAMPLES[example].title)
    page.close()
    return round(time.perf_counter() - start, 2)


def strangers(visitors: int = 20, rounds: int = 15) -> dict[str, Any]:
    """Visitors who upload at once, again and again, each time another track.

    Each has to see the name and the length of their own. The lengths are the same in every round,
    so that growth from one round to the next is not the tracks' own.
    """
    sound, rate = soundfile.read(EXAMPLES["palace"].file, dtype="int16")
    mb, wrong, start = [], [], time.perf_counter()
    with app() as (address, process), browser() as chromium, peak(process) as most:
        pages = [chromium.new_page() for _ in range(visitors)]
        lengths = [5.02 + 0.5 * visitor for visitor in range(visitors)]
        for page in pages:
            page.goto(address)
        for number in range(rounds):
            names = [f"track-{number}-{visitor}.wav" for visitor in range(visitors)]
            for page, name, seconds in zip(pages, names, lengths, strict=True):
                wav = BytesIO()
                part = sound[number * rate // 4 :][: round(seconds * rate)]
                soundfile.write(wav, part, rate, format="WAV")
                _upload(page, {"name": name, "mimeType": "audio/wav", "buffer": wav.getvalue()})
            for page, name, seconds in zip(pages, names, lengths, strict=True):
                _drawn(page, name)
                words = page.get_by_test_id("stMain").inner_text()
                if f"{duration(seconds)} · WAV" not in words or "Traceback" in words:
                    wrong.append(name)
            mb.append(megabytes(process))
        return {
            "tracks": visitors * rounds,
            "visitors": visitors,
            "wrong": wrong,
            "mb_after_each_round": mb,
            "peak_mb": most[0],
            "s": round(time.perf_counter() - start),
        }


def _upload(page: Page, file: Any) -> None:
    """Upload a file, on the first page or with another track open."""
    field, box = page.locator("input[type=file]"), page.get_by_text("Open another song")
    field.or_(box).first.wait_for(state="attached", timeout=PATIENCE)
    if not field.count():
        box.click()
    field.set_input_files(file, timeout=PATIENCE)


def _drawn(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2, timeout=PATIENCE)
