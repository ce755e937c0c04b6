"""A class in a room: the teacher's projector and two phones, each a browser of its own."""

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_a_class_joins_votes_reloads_and_is_sent_home(chromium: Browser, server: str) -> None:
    desk = chromium.new_page(viewport={"width": 1280, "height": 720})
    desk.goto(f"{server}/lab?view=Quiz")
    press(desk, "Class mode")
    code = desk.locator(".st-key-room-invitation h1").inner_text()
    qr = desk.locator(".room-qr").bounding_box()
    assert qr is not None
    assert qr["width"] > 250
    assert qr["y"] + qr["height"] < 720
    scanned, typed = (chromium.new_page(viewport={"width": 390, "height": 844}) for _ in range(2))
    scanned.goto(f"{server}/room?code={code.replace(' ', '')}")
    typed.goto(f"{server}/room")
    typed.get_by_role("textbox", name="Room code").fill(code.lower())
    press(typed, "Join")
    expect(desk.get_by_text("2 students joined")).to_be_visible()
    press(desk, "First question")
    for phone, answer in ((scanned, "Time masking"), (typed, "Time warping")):
        expect(phone.get_by_role("heading", name="Question 1 of 8")).to_be_visible()
        box = phone.get_by_role("button", name=answer).bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert box["x"] + box["width"] <= 390
        press(phone, answer)
        expect(phone.get_by_text("Your answer is in.")).to_be_visible()
    for page in (scanned, desk):
        page.reload()
    expect(scanned.get_by_text("Your answer is in.")).to_be_visible()
    expect(desk.get_by_text("2 of 2 answered")).to_be_visible()
    press(desk, "Show the answer")
    expect(desk.locator(".votes b", has_text="1")).to_have_count(2)
    expect(scanned.get_by_role("alert")).to_be_visible()
    press(desk, "Close room")
    press(desk, "Close it")
    expect(typed.get_by_text("its votes are deleted")).to_be_visible()
    expect(desk.get_by_role("button", name="Class mode")).to_be_visible()
