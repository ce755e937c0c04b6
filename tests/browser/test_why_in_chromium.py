"""A visitor asks why, tries another class, plays the highlighted parts."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_listen_in_chromium import charts, open_page

pytestmark = pytest.mark.browser


def test_why_another_class_and_the_sound_of_it(chromium: Browser, server: str) -> None:
    page, errors = open_page(chromium, f"{server}/?example=metal-madness")
    charts(page)
    page.get_by_role("tab", name="Why").click()
    expect(
        page.get_by_text(re.compile("Muting the highlighted 20% takes Metal")).first
    ).to_be_visible()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    page.get_by_role("radio", name=re.compile("^Rock ")).click()
    expect(page.get_by_text(re.compile("takes Rock from")).first).to_be_visible()
    expect(page.get_by_text("Grad-CAM: evidence for Rock")).to_be_visible()
    page.get_by_text("Play highlighted parts").first.click()
    expect(page.get_by_role("button", name="The rest")).to_be_visible()
    expect(page.locator(".player audio")).to_have_count(3)
    page.set_viewport_size({"width": 390, "height": 900})
    overflow = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow == 0
    assert errors == []
