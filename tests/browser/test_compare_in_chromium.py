"""Compare as a visitor does: examples at a click, sorted, downloaded, shared; a folder; a phone."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from crnn.sources.examples import EXAMPLES
from tests.browser.idle import PATIENCE, chart_words, shared_link
from tests.conftest import encode, melody

pytestmark = pytest.mark.browser


def open_compare(chromium: Browser, address: str) -> Page:
    page = chromium.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", name="Compare tracks")).to_be_visible()
    return page


def words(page: Page) -> list[str]:
    """The words drawn in the map and the matrix, once both are there and nothing runs."""
    page.get_by_text("Similarity of any two tracks").click()
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(2)
    return chart_words(page)


def test_examples_are_compared_sorted_taken_home_and_handed_on(
    chromium: Browser, server: str, tmp_path: Path
) -> None:
    page = open_compare(chromium, f"{server}/compare")
    page.get_by_role("button", name="Compare the examples").click()
    near, alike = words(page)
    for example in EXAMPLES.values():
        assert all(example.title in chart for chart in (near, alike))
    assert "−1 to 1" in alike
    order = page.get_by_role("combobox", name="Sort by")
    order.click()
    order.press_sequentially("Metal")  # the list draws only the options that are in sight
    page.get_by_role("option", name="Metal", exact=True).click()
    page.wait_for_url(re.compile("sort=Metal"), timeout=PATIENCE)
    expect(page.get_by_label(re.compile("sorted by Order added"))).to_have_count(
        0, timeout=PATIENCE
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV", exact=True).click()
    file = tmp_path / "all.csv"
    download.value.save_as(file)
    rows = list(csv.DictReader(file.open(encoding="utf-8-sig")))
    assert [row["file"] for row in rows] == [example.title for example in EXAMPLES.values()]
    link = shared_link(page)
    assert link.startswith(f"{server}/compare?")
    afresh = open_compare(chromium, link)
    assert words(afresh) == [near, alike]
    expect(afresh.get_by_label(re.compile("sorted by Metal")).first).to_be_attached(
        timeout=PATIENCE
    )
    point = afresh.locator(".scatterlayer .point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    afresh.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(afresh.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    metal = afresh.get_by_role("slider", name="Position in Metal madness")
    expect(metal).to_be_visible()
    afresh.get_by_test_id("stDataFrame").click(position={"x": 22, "y": 60})  # the first row's ▶
    expect(metal).to_have_count(0)
    expect(afresh.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def test_a_folder_is_taken_as_tracks(chromium: Browser, server: str, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    (folder / "cd 2").mkdir(parents=True)
    (folder / "one.wav").write_bytes(encode(melody(4, seed=1)))
    (folder / "cd 2" / "two.wav").write_bytes(encode(melody(4, seed=2)))
    (folder / "cover.jpg").write_bytes(b"x")
    (folder / "broken.mp3").write_bytes(b"la la la")
    page = open_compare(chromium, f"{server}/compare")
    page.get_by_role("radio", name="Folder").click()
    page.locator("input[type=file]").set_input_files(folder)
    expect(page.get_by_role("alert")).to_contain_text(
        "broken.mp3 – This is a text file", timeout=PATIENCE
    )
    near, _ = words(page)
    assert "one.wav" in near
    assert "two.wav" in near
