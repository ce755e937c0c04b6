"""What a visitor does first: bring a song, read the answer."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from crnn.labels import GENRES, MOODS, display
from crnn.sources.examples import EXAMPLES
from tests.browser.idle import chart_words, rest
from tests.conftest import encode, melody

pytestmark = pytest.mark.browser


def open_page(chromium: Browser, address: str) -> tuple[Page, list[str]]:
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page, errors


def charts(page: Page) -> list[str]:
    """The words drawn in each chart."""
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    return chart_words(page)


def test_upload_a_song_and_read_both_answers(
    chromium: Browser, server: str, tmp_path: Path
) -> None:
    page, errors = open_page(chromium, server)
    page.locator("input[type=file]").set_input_files(EXAMPLES["hunting"].file)
    expect(page.get_by_role("heading", name="hunting.mp3")).to_be_visible()
    all_genres, all_moods = charts(page)
    assert all(display(name) in all_genres for name in GENRES)
    assert all(display(name) in all_moods for name in MOODS)
    page.get_by_role("tab", name="Data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    file = tmp_path / "result.json"
    download.value.save_as(file)
    result = json.loads(file.read_text())
    assert download.value.suggested_filename == "hunting.json"
    best = max(result["genre"], key=result["genre"].get)
    expect(page.locator(".st-key-verdict")).to_contain_text(display(best))
    assert f"{100 * result['genre'][best]:.0f}%" in all_genres
    assert errors == []


def test_a_card_plays_and_opens_its_example(chromium: Browser, server: str) -> None:
    page, errors = open_page(chromium, server)
    card = page.get_by_role("listitem").filter(has_text="Palace")
    card.get_by_role("button", name="Play Palace").click()
    stop = card.get_by_role("button", name="Stop Palace")
    expect(stop).to_be_visible()
    expect(card).to_have_attribute("style", re.compile(r"--played: \d"))  # it sounds
    page.get_by_role("button", name="Play Egypt").click()  # one at a time
    expect(stop).to_have_count(0)
    card.get_by_role("button", name="Open Palace by Will Savino: Jazz 50%, Happy 83%").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Palace", exact=True)).to_be_visible()
    expect(page.get_by_role("slider", name="Position in Palace")).to_have_attribute(
        "aria-valuemax", re.compile("^(29.9|30.0)")
    )
    expect(page).to_have_url(re.compile("example=palace"))
    page.get_by_text("Open another song").click()
    chosen = page.locator(".card").filter(has=page.locator("[aria-current=true]"))
    expect(chosen).to_have_text(re.compile("Palace"))
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Play Egypt").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()  # it paused
    charts(page)
    assert errors == []


def test_a_bad_file_is_a_sentence_and_the_next_one_works(chromium: Browser, server: str) -> None:
    page, _ = open_page(chromium, f"{server}/?example=palace")
    page.get_by_text("Open another song").click()
    bad = {"name": "cover.wav", "mimeType": "audio/wav", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(99)}
    page.locator("input[type=file]").set_input_files(bad)
    said = page.get_by_role("alert")
    expect(said).to_contain_text("This is a PNG picture")
    expect(said).to_be_in_viewport(ratio=0.9)
    expect(page).to_have_url(re.compile("example=palace"))  # what is open stays shareable
    good = {"name": "tune.wav", "mimeType": "audio/wav", "buffer": encode(melody(5))}
    page.locator("input[type=file]").set_input_files(good)
    expect(page.get_by_role("heading", name="tune.wav")).to_be_visible()
    charts(page)
    assert page.get_by_test_id("stAlertContentError").count() == 0


def test_a_recording_has_the_rate_that_the_networks_were_trained_with(
    chromium: Browser, server: str
) -> None:
    page, errors = open_page(chromium, server)
    page.get_by_role("radio", name="Record").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_timeout(3000)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("heading", name="Your recording")).to_be_visible()
    expect(page.get_by_text("44.1 kHz")).to_be_visible()
    assert errors == []


def test_200_mb_are_refused_before_they_travel(
    chromium: Browser, server: str, tmp_path: Path
) -> None:
    page, errors = open_page(chromium, server)
    big = tmp_path / "long concert.wav"
    with big.open("wb") as file:
        file.truncate(200 * 2**20)
    page.locator("input[type=file]").set_input_files(big)
    expect(page.get_by_text("50.0MB or smaller")).to_be_visible()
    tune = tmp_path / "tune.wav"
    tune.write_bytes(encode(melody(5)))
    page.locator("input[type=file]").set_input_files(tune)
    expect(page.get_by_role("heading", name="tune.wav")).to_be_visible()
    assert errors == []


SHIFTS = """window.largest = 0
new PerformanceObserver(list => {
  for (const shift of list.getEntries())
    if (!shift.hadRecentInput) window.largest = Math.max(window.largest, shift.value)
}).observe({ type: "layout-shift", buffered: true })"""


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_verdict_is_on_the_first_screen_and_nothing_jumps(
    chromium: Browser, server: str, width: int, height: int
) -> None:
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.add_init_script(SHIFTS)
    page.goto(server)
    page.get_by_role("button", name="Open Palace").wait_for()
    rest(page)
    assert page.evaluate("largest") <= 0.1
    page.goto(f"{server}/?example=palace")
    verdict = page.locator(".st-key-verdict")
    expect(verdict).to_contain_text("Happy")
    rest(page)
    box = verdict.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < height
    assert page.evaluate("largest") <= 0.1
    assert page.title() == "Palace – Genre & Mood Spectrum"
