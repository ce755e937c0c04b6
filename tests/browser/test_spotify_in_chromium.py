"""A link pasted by a visitor, with and without credentials, and with everything unplugged."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from crnn.sources.examples import EXAMPLES
from tests.browser.conftest import serve
from tests.browser.idle import rest
from tests.fakes.services import CLIENT, TITLE, TRACK, Services

pytestmark = pytest.mark.browser


def paste(chromium: Browser, address: str) -> Page:
    page = chromium.new_page()
    page.goto(address)
    page.get_by_role("radio", name="Search or Spotify link").click()
    field = page.get_by_role("textbox", name="Song title and artist, or Spotify link")
    field.fill(f"https://open.spotify.com/intl-de/track/{TRACK}?si=1")
    field.press("Enter")
    return page


def read_answers(page: Page) -> None:
    rest(page)  # the song before has gone
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    audio = page.locator(".player audio")
    audio.evaluate(  # its length is not known before
        "audio => audio.readyState || new Promise(seen => audio.addEventListener("
        "'loadedmetadata', () => seen(), { once: true }))"
    )
    assert audio.evaluate("audio => audio.duration") > 5


def test_with_credentials_then_unplugged(chromium: Browser, tmp_path: Path) -> None:
    services = Services()
    with serve(
        services.port, SPOTIPY_CLIENT_ID=CLIENT[0], SPOTIPY_CLIENT_SECRET=CLIENT[1]
    ) as address:
        page = paste(chromium, address)
        read_answers(page)
        expect(page.get_by_role("link", name=TITLE, exact=True)).to_have_attribute(
            "href", f"https://open.spotify.com/track/{TRACK}"
        )
        assert page.locator("img[src='https://i.scdn.co/image/fake']").count() == 1
        assert not any(secret in page.content() for secret in CLIENT)
        services.stop()
        page.get_by_text("Open another song").click()
        page.get_by_role("radio", name="Search or Spotify link").click()
        field = page.get_by_role("textbox", name="Song title and artist, or Spotify link")
        field.fill("https://open.spotify.com/track/1111111111111111111111")
        field.press("Enter")
        refused = page.get_by_role("alert").filter(
            has_text="could not be reached"
        )  # beside a warning about the made-up preview
        expect(refused).to_be_visible()
        page.locator("input[type=file]").set_input_files(EXAMPLES["hunting"].file)
        expect(page.get_by_role("heading", name="hunting.mp3")).to_be_visible()
        read_answers(page)


def test_without_credentials_a_recording_is_chosen(chromium: Browser) -> None:
    services = Services()
    with serve(services.port, SPOTIPY_CLIENT_ID="", SPOTIPY_CLIENT_SECRET="") as address:
        page = paste(chromium, address)
        page.get_by_role("button", name="This one").first.click()
        read_answers(page)
        expect(page.get_by_text("the preview that Apple offers")).to_be_visible()
    services.stop()
