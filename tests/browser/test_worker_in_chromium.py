"""A file that occupies its worker, or kills it, while others use the app."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from crnn.sources.examples import EXAMPLES
from tests.browser.conftest import serve
from tests.conftest import encode, melody

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]


def workers(server: psutil.Process) -> list[psutil.Process]:
    return [child for child in server.children() if "crnn.audio.worker" in child.cmdline()]


def upload(page: Page, address: str, name: str, seconds: float) -> None:
    page.goto(address)
    file = {"name": name, "mimeType": "audio/wav", "buffer": encode(melody(seconds))}
    page.locator("input[type=file]").set_input_files(file)


def until(condition: object) -> None:
    for _ in range(600):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.1)
    pytest.fail("it did not happen within a minute")


def test_others_pass_and_the_server_lives(chromium: Browser, tmp_path: Path) -> None:
    """The uploaded file's worker is stopped, as by a file that takes very long, then killed."""
    with serve() as address:
        port = address.rpartition(":")[2]
        (server,) = (
            child
            for child in psutil.Process().children()
            if any(port in argument for argument in child.cmdline())
        )
        page, other = chromium.new_page(), chromium.new_page()
        upload(page, address, "first.wav", 5)  # loads the networks
        expect(page.get_by_role("heading", name="first.wav")).to_be_visible()
        until(lambda: workers(server))
        (stuck,) = workers(server)
        os.kill(stuck.pid, signal.SIGSTOP)
        upload(page, address, "slow.wav", 6)
        expect(page.get_by_text("Opening")).to_be_visible()
        other.goto(f"{address}/?example=palace")
        heading = other.get_by_role("heading", name=EXAMPLES["palace"].title, exact=True)
        expect(heading).to_be_visible()
        os.kill(stuck.pid, signal.SIGKILL)
        expect(page.get_by_role("alert")).to_contain_text("decoder fail")
        upload(page, address, "good.wav", 7)
        expect(page.get_by_role("heading", name="good.wav")).to_be_visible()
        # Who leaves while the file is decoded takes the worker along.
        (worker,) = workers(server)
        os.kill(worker.pid, signal.SIGSTOP)
        upload(page, address, "left.wav", 8)
        expect(page.get_by_text("Opening")).to_be_visible()
        page.close()
        until(lambda: not worker.is_running())
        assert server.is_running()
