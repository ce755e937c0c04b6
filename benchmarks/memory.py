"""Resident memory of the served app: after many tracks in one session, and with many sessions."""

import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.speed import song

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
    return round(process.memory_info().rss / 2**20)


def first_page() -> dict[str, float]:
    """Seconds from `streamlit run` to a health check, and to the first page in Chromium."""
    with browser() as chromium:
        page = chromium.new_page()
        start = time.perf_counter()
        with app() as (address, _):
            served = time.perf_counter() - start
            page.goto(address)
            expect(page.get_by_role("button", name="Palace")).to_be_visible(timeout=PATIENCE)
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
        page.get_by_role("radio", name="Upload").click()
        for number in range(count):
            name = f"track-{number}.mp3"
            data = {
                "name": name,
                "mimeType": "audio/mpeg",
                "buffer": song(30 + 210 * (number % lengths) / (lengths - 1)),
            }
            page.locator("input[type=file]").set_input_files(data)
            _drawn(page, name)
            megabytes_each.append(megabytes(process))
    rounds = [max(megabytes_each[first : first + lengths]) for first in range(0, count, lengths)]
    return {
        "tracks": count,
        "rss_mb": megabytes_each,
        "peak_mb": max(megabytes_each),
        "peak_of_each_round_mb": rounds,
    }


def many_sessions(count: int = 30) -> dict[str, Any]:
    """`count` visitors who open the same example at once."""
    with app() as (address, process), browser() as chromium:
        peak, stop = [0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.1):
                peak[0] = max(peak[0], megabytes(process))

        watcher = threading.Thread(target=watch)
        watcher.start()
        pages = [chromium.new_page() for _ in range(count)]
        start = time.perf_counter()
        for page in pages:
            page.goto(f"{address}/?example=palace", wait_until="commit")
        errors = 0
        for page in pages:
            _drawn(page, "Palace")
            errors += (
                page.get_by_test_id("stException").count()
                + page.get_by_test_id("stAlertContentError").count()
            )
        seconds = time.perf_counter() - start
        stop.set()
        watcher.join()
        return {
            "sessions": count,
            "errors": errors,
            "peak_mb": peak[0],
            "all_drawn_s": round(seconds, 1),
        }


def _drawn(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(6, timeout=PATIENCE)
