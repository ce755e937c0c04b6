"""A server and Chromium. Without Chromium the tests skip, unless REQUIRE_BROWSER is set."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.idle import PATIENCE

ROOT = Path(__file__).parents[2]

expect.set_options(timeout=PATIENCE)  # a busy machine draws a page in more than the usual 5 s


@contextmanager
def serve(fakes: int | None = None, **environment: str) -> Iterator[str]:
    """Serve the app and yield its address; fakes: port of the fake Spotify, Deezer and Apple."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            *(["streamlit", "run", "app.py"] if fakes is None else ["tests.fakes.app", str(fakes)]),
            *options,
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        else:
            pytest.fail("the app did not start within 30 s")
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def closed_pages(chromium: Browser) -> Iterator[None]:
    """A test's own pages are closed after it: each goes on drawing and asking the server."""
    before = {page for context in chromium.contexts for page in context.pages}
    yield
    for page in [page for context in chromium.contexts for page in context.pages]:
        if page not in before:
            page.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """One server for all tests that need no other; it reaches no network."""
    with serve(https_proxy="http://127.0.0.1:9") as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("REQUIRE_BROWSER is set and there is no chromium on the path")
        pytest.skip(
            "no chromium on the path; install it for these tests (Debian: apt install chromium)"
        )
    with sync_playwright() as playwright:
        # The fake microphone plays a beep each second.
        microphone = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-background-networking", *microphone],
        )
        yield browser
        browser.close()
