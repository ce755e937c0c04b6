"""Results in Chromium: a section by its address, another by a click, which the address follows."""

import re

import pytest
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.browser


def test_sections_are_reached_by_address_and_by_click(server: str, chromium: Browser) -> None:
    page = chromium.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{server}/results?section=Mistakes")
    expect(page.get_by_role("heading", name="Results", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    page.get_by_role("radio", name="What genres look like").click()
    expect(page).to_have_url(re.compile("notes=What"), timeout=60_000)
    expect(page.get_by_text("average spectrum", exact=False).first).to_be_visible(timeout=60_000)
    expect(page.locator(".stException")).to_have_count(0)
    page.close()
