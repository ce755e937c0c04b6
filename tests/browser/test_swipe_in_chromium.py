"""With a finger: a swipe over a figure scrolls the page, and no toolbar lies on a title."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.idle import PATIENCE, rest

pytestmark = pytest.mark.browser

TOP = "() => document.querySelector('[data-testid=stMain]').scrollTop"


def test_a_swipe_over_a_figure_scrolls_the_page(chromium: Browser, server: str) -> None:
    size = {"width": 390, "height": 844}
    page = chromium.new_page(viewport=size, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)
    for address in ("compare?examples=palace&examples=mountain", "results"):
        page.goto(f"{server}/{address}")
        page.locator(".js-plotly-plot").first.wait_for(timeout=PATIENCE)
        rest(page)
        charts = page.locator("[data-testid=stPlotlyChart]:visible")
        for i in range(charts.count()):
            charts.nth(i).evaluate("e => e.scrollIntoView({block: 'center'})")
            box = charts.nth(i).bounding_box()
            assert box is not None
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.6
            before = page.evaluate(TOP)
            step = 15 if before > 200 else -15  # where there is room to scroll to
            moves = [{"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}]
            moves += [
                {"type": "touchMove", "touchPoints": [{"x": x, "y": y + step * k}]}
                for k in range(1, 11)
            ]
            for move in (*moves, {"type": "touchEnd", "touchPoints": []}):
                touch.send("Input.dispatchTouchEvent", move)
            page.wait_for_function(
                f"before => Math.abs(({TOP})() - before) > 50", arg=before, timeout=30_000
            )
        assert page.locator(".modebar:visible").count() == 0
        if address.startswith("compare"):  # a tap is still a click, once the page stands still
            page.wait_for_timeout(1000)
            page.locator(".js-plotly-plot .point").first.tap(force=True)
            expect(page.get_by_role("slider", name="Position in Palace")).to_be_visible()
