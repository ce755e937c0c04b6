"""The lab as a class uses it: move a control, see it change, hand on the link."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serve
from tests.browser.idle import PATIENCE, chart_words, rest, shared_link

pytestmark = pytest.mark.browser


def open_lab(chromium: Browser, address: str) -> Page:
    page = chromium.new_page()
    page.goto(address)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the robustness curve, which is drawn last, is there and nothing runs."""
    expect(page.get_by_text("Mean and range over")).to_be_visible()
    rest(page)


def drawn(page: Page) -> list[str]:
    """The words and numbers in every chart, and all that the page says of them."""
    return [*chart_words(page), *page.get_by_test_id("stMarkdown").all_inner_texts()]


def test_a_control_changes_the_numbers_and_its_link_brings_them_back(
    chromium: Browser, server: str
) -> None:
    page = open_lab(chromium, f"{server}/lab?example=hunting")
    before = drawn(page)
    page.get_by_text("Noise", exact=True).first.click()
    expect(page.get_by_text("White noise, 10 dB quieter than the music.")).to_be_visible(
        timeout=PATIENCE
    )
    page.get_by_role("slider", name="Signal-to-noise ratio").press("ArrowLeft")
    page.get_by_role("slider", name="Signal-to-noise ratio").press("ArrowLeft")
    expect(page.get_by_text("White noise, 8 dB quieter than the music.")).to_be_visible(
        timeout=PATIENCE
    )
    page.wait_for_url(re.compile("snr=8"), timeout=PATIENCE)
    settle(page)
    changed = drawn(page)
    assert changed[1] != before[1]
    assert any("White noise, 8 dB quieter" in said for said in changed)
    link = shared_link(page)
    assert link.startswith(f"{server}/lab?")
    assert "example=hunting" in link
    assert "snr=8" in link
    afresh = open_lab(chromium, link)
    assert drawn(afresh) == changed


def test_a_link_to_a_page_works_on_a_server_that_nobody_has_visited(chromium: Browser) -> None:
    with serve() as address:
        page = open_lab(chromium, f"{address}/lab?example=palace")
        expect(page.get_by_role("heading", name="Palace")).to_be_visible()
        expect(page.get_by_text("Page not found")).to_have_count(0)
        expect(page.get_by_role("link", name="Listen")).to_be_visible()


def test_the_track_of_one_page_is_the_track_of_the_other(chromium: Browser, server: str) -> None:
    page = chromium.new_page()
    page.goto(f"{server}/?example=awakening")
    expect(page.get_by_role("heading", name="Awakening")).to_be_visible()
    page.get_by_role("link", name="Lab").click()
    settle(page)
    expect(page.get_by_role("heading", name="Awakening")).to_be_visible()
