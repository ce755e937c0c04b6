"""The lab as a class uses it: move a control, see it change, hand on the link."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serve
from tests.browser.idle import PATIENCE, chart_words, rest, shared_link

pytestmark = pytest.mark.browser


def open_lab(chromium: Browser, address: str) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(address)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the outcome is there and nothing runs."""
    expect(page.locator(".st-key-outcome")).to_be_visible()
    rest(page)


def drawn(page: Page) -> list[str]:
    """The words and numbers in every chart, and all that the page says of them."""
    return [*chart_words(page), *page.get_by_test_id("stMarkdown").all_inner_texts()]


def test_a_first_visit_has_all_on_one_screen_and_b_switches_the_sounds(
    chromium: Browser, server: str
) -> None:
    page = open_lab(chromium, f"{server}/lab")
    expect(page.get_by_text("Genre changes from Jazz")).to_be_visible()
    for part in (".player", ".st-key-outcome", "[data-testid=stPlotlyChart]"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 720, part
    player = page.locator(".player")
    page.keyboard.press(" ")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_timeout(500)
    press_b = """player => {
      const [a, b] = [...player.querySelectorAll('audio')], before = a.currentTime;
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'b', bubbles: true }));
      return [before, b.currentTime];
    }"""
    original, augmented = player.evaluate(press_b)
    assert augmented == pytest.approx(original, abs=0.05)
    expect(player.get_by_role("button", name="Augmented")).to_have_attribute("aria-pressed", "true")


def test_a_preset_and_a_control_change_the_numbers_and_their_link_brings_them_back(
    chromium: Browser, server: str
) -> None:
    page = open_lab(chromium, f"{server}/lab?example=hunting")
    before = drawn(page)
    page.get_by_role("button", name="Crowded bar").click()
    outcome = page.locator(".st-key-outcome")
    expect(outcome.get_by_text("Crowd, 3 dB quieter than the music.")).to_be_visible()
    page.get_by_role("slider", name="Signal-to-noise ratio").press("ArrowLeft")
    expect(outcome.get_by_text("Crowd, 2 dB quieter than the music.")).to_be_visible()
    page.get_by_role("button", name="Reverb: later").click()
    expect(outcome.get_by_text("than the music. Reverberation of 0.8 s.")).to_be_visible()
    page.wait_for_url(re.compile("snr=2"), timeout=PATIENCE)
    settle(page)
    changed = drawn(page)
    assert changed != before
    link = shared_link(page)
    assert link.startswith(f"{server}/lab?")
    assert "example=hunting" in link
    afresh = open_lab(chromium, link)
    assert drawn(afresh) == changed


def test_a_link_to_a_page_works_on_a_server_that_nobody_has_visited(chromium: Browser) -> None:
    with serve() as address:
        page = open_lab(chromium, f"{address}/lab?example=palace")
        expect(page.get_by_role("button", name="Palace")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_role("link", name="Listen")).to_be_visible()


def test_the_track_of_one_page_is_the_track_of_the_other(chromium: Browser, server: str) -> None:
    page = chromium.new_page()
    page.goto(f"{server}/?example=awakening")
    expect(page.get_by_role("heading", name="Awakening")).to_be_visible()
    page.get_by_role("link", name="Lab").click()
    settle(page)
    expect(page.get_by_role("button", name="Awakening")).to_be_visible()
    train_live(page, chromium, server)


def train_live(page: Page, chromium: Browser, server: str) -> None:
    """Curves grow in place, Stop stops, and whoever waits begins, also when a visitor has left."""
    page.get_by_role("radio", name="Train live").click()
    page.get_by_role("button", name="Train both networks").click()
    curves, going = page.locator(".curves").first, re.compile(r"^Step \d+ of 600$")
    expect(page.get_by_text(going)).to_be_visible()
    line = curves.locator("polyline").first
    expect(line).to_have_attribute("points", re.compile(r" 10,"))
    curves.evaluate("drawn => { drawn.first = true }")
    expect(line).to_have_attribute("points", re.compile(r" 20,"))
    assert curves.evaluate("drawn => drawn.first")
    other = chromium.new_page()
    other.goto(f"{server}/lab?view=Train+live")
    other.get_by_role("button", name="Train both networks").click()
    expect(other.get_by_text("1 training is ahead of yours")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(re.compile(r"^Step \d+ of 600, stopped$"))).to_be_visible()
    expect(other.get_by_text(going)).to_be_visible()
    other.close()
    page.get_by_role("button", name="Train again").click()
    expect(page.get_by_text(going)).to_be_visible()
