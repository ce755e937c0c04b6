"""Ten tasks as a new visitor would try them, each done within three clicks."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.idle import rest, shared_link
from tests.conftest import encode, melody

pytestmark = pytest.mark.browser

MOST_CLICKS = 3


class Visitor:
    """Counts the clicks of one task at a time; moving the mouse and typing cost none."""

    def __init__(self) -> None:
        self.clicks: dict[str, int] = {}

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        self.clicks[name] = 0
        yield
        assert self.clicks[name] <= MOST_CLICKS, name

    def count(self, clicks: int = 1) -> None:
        self.clicks[next(reversed(self.clicks))] += clicks

    def click(self, target: Locator, **options: Any) -> None:
        self.count()
        target.click(**options)


def in_sight(element: Locator, height: int) -> bool:
    box = element.bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height


def strongest(page: Page, lanes: Locator, label: str) -> float:
    """Where on the time axis, 0 to 1, the words under the mouse give a genre its highest value."""
    box = lanes.bounding_box()
    assert box is not None
    values = {}
    for place in (k / 60 for k in range(1, 60)):
        page.mouse.move(box["x"] + place * box["width"], box["y"] + 250)
        found = re.search(rf"Genre: .*{label} (\d+)%", page.locator(".tip").inner_text())
        values[place] = int(found[1]) if found else 0
    return max(values, key=lambda place: values[place])


def test_ten_tasks_take_three_clicks_each(chromium: Browser, server: str) -> None:
    visitor = Visitor()
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server)

    with visitor.task("search a title without network"):
        visitor.click(page.get_by_role("radio", name="Search or Spotify link"))
        field = page.get_by_role("textbox", name="Song title and artist, or Spotify link")
        field.fill("Yesterday Beatles")
        field.press("Enter")
        refused = page.get_by_role("alert").filter(has_text="could not be reached")
        expect(refused).to_contain_text("Upload the song instead, or open an example.")
        expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()

    with visitor.task("open an example"):
        visitor.click(page.get_by_role("button", name="Open Kart Grand Prix"))
        verdict = page.locator(".st-key-verdict")
        expect(verdict).to_contain_text("Happy")

    with visitor.task("understand it"):
        for width, height in ((390, 844), (1280, 720)):
            page.set_viewport_size({"width": width, "height": height})
            rest(page)
            for answer in ("Rock 44%", "Happy 87%"):
                assert in_sight(verdict.get_by_role("heading", name=answer), height)

    with visitor.task("find out how reliable it is"):
        expect(verdict.get_by_text(re.compile(r"Of \d+ .* were .*correct"))).to_have_count(2)

    with visitor.task("play and pause"):
        player = page.locator(".player").first
        audio = player.locator("audio")
        visitor.click(player.get_by_role("button", name="Play"))
        expect(player.locator(".clock")).to_have_text(re.compile(r"0:00\.[3-9]"))
        visitor.click(player.get_by_role("button", name="Pause"))
        assert audio.evaluate("audio => audio.paused")
        told = page.get_by_test_id("stMarkdown").filter(has_text=re.compile("^At 0:"))
        expect(told).to_be_visible()

    with visitor.task("find the strongest moment of the second genre"):
        second = re.findall(r"([\w-]+) \d+%", verdict.inner_text().replace("\n", " "))[1]
        lanes = player.locator(".lanes")
        lanes.scroll_into_view_if_needed()
        place, box = strongest(page, lanes, second), lanes.bounding_box()
        assert box is not None
        visitor.click(lanes, position={"x": place * box["width"], "y": 250})
        moment = int(place * audio.evaluate("audio => audio.duration"))
        near = "|".join(f"{at:02d}" for at in range(moment - 1, moment + 2))
        expect(told).to_have_text(re.compile(f"^At 0:({near}): .*{second}"))

    with visitor.task("loop a region at half speed"):
        visitor.click(player.get_by_role("button", name="Loop"))
        visitor.count(2)  # to open the list and to choose from it
        player.get_by_role("combobox", name="Speed").select_option("0.5×")
        expect(player.locator(".region")).to_be_visible()
        assert audio.evaluate("audio => audio.playbackRate") == 0.5

    with visitor.task("find out why"):
        visitor.click(page.get_by_role("tab", name="Why"))
        muting = re.compile("Muting the highlighted 20% takes Rock")
        expect(page.get_by_text(muting).first).to_be_visible()
        visitor.click(page.get_by_role("radio", name=re.compile("^Disco ")))
        expect(page.get_by_text(re.compile("takes Disco from")).first).to_be_visible()
        expect(page.get_by_text("Grad-CAM: evidence for Disco")).to_be_visible()
        visitor.click(page.get_by_text("Play highlighted parts").first)
        expect(page.get_by_role("button", name="The rest")).to_be_visible()
        expect(page.locator(".player audio")).to_have_count(3)

    with visitor.task("share"):
        visitor.count()
        other = chromium.new_page()
        other.goto(shared_link(page))
        expect(other.get_by_role("heading", name="Rock 44%")).to_be_visible()
        other.close()

    with visitor.task("compare three tracks"):
        visitor.click(page.get_by_role("link", name="Compare"))
        visitor.click(page.get_by_role("radio", name="Files"))
        visitor.count()  # the button that opens the browser's own window
        page.locator("input[type=file]").set_input_files(
            [
                {"name": f"{n}.wav", "mimeType": "audio/wav", "buffer": encode(melody(4, seed=n))}
                for n in range(3)
            ]
        )
        expect(page.get_by_label(re.compile("^Table of 3 tracks"))).to_be_attached()
    assert len(visitor.clicks) == 10
    assert errors == []
