"""How it works as a class uses it: an example, another moment, the link, the same numbers."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.idle import PATIENCE, chart_words, shared_link

pytestmark = pytest.mark.browser


def settled(page: Page, charts: int) -> list[str]:
    """What stands in every chart, once so many are drawn and nothing runs."""
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(charts)
    return chart_words(page)


def test_the_moment_moves_everything_and_its_link_brings_it_back(
    chromium: Browser, server: str
) -> None:
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server}/how")
    settled(page, 3)
    page.get_by_text("Change track").click()
    page.get_by_role("button", name="Open Hunting").click()
    expect(page.get_by_role("heading", name="Hunting")).to_be_visible()
    settled(page, 3)
    page.get_by_role("radio", name="Prediction").click()
    expect(page.get_by_role("heading", name="Softmax: probabilities")).to_be_visible(
        timeout=PATIENCE
    )
    page.wait_for_url(re.compile("chapter=Prediction"), timeout=PATIENCE)
    before = settled(page, 3)
    slider = page.get_by_role("slider", name="Start of the segment")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("11.8 s to 17.8 s")).to_be_visible()
    # The picture follows the words within moments of its own.
    page.wait_for_function(
        "before => [...document.querySelectorAll('[data-testid=stPlotlyChart]')[1]"
        ".querySelectorAll('text')]"
        ".map(t => t.textContent).join(' ') !== before",
        arg=before[1],
        timeout=PATIENCE,
    )
    after = settled(page, 3)
    assert after[:2] != before[:2]
    assert after[2] == before[2]  # the whole track stays what it is
    page.wait_for_url(re.compile("at=11.8"), timeout=PATIENCE)
    link = shared_link(page)
    assert link.startswith(f"{server}/how?")
    afresh = chromium.new_page()
    afresh.goto(link)
    expect(afresh.get_by_text("11.8 s to 17.8 s")).to_be_visible()
    expect(afresh.get_by_role("heading", name="Softmax: probabilities")).to_be_visible()
    assert settled(afresh, 3) == after
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Results").click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    expect(page.get_by_role("slider")).to_have_count(0)
    assert errors == []
