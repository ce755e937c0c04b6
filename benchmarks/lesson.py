"""The Lab's lesson as a teacher goes through it, on a projector and on a phone, in Chromium.

Plan, three experiments, quiz, live training, worksheet and notebook. Screenshots of every step and
the printed worksheet are for looking at; seconds and megabytes are of the server.
"""

import re
import time
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect

from benchmarks.memory import PATIENCE, app, browser
from pages.lab.quiz_questions import QUESTIONS
from pages.text import content
from tests.browser.idle import rest

# Scrolls by a screen; whether there was more to see.
_DOWN = """main => {
  const before = main.scrollTop;
  main.scrollBy({ top: innerHeight - 90, behavior: "instant" });
  return main.scrollTop > before + 10;
}"""

SIZES = {"projector": (1280, 720), "phone": (390, 844)}


def rehearse(folder: Path) -> dict[str, Any]:
    """The lesson once for each of SIZES, with its files in a folder of that name."""
    expect.set_options(timeout=PATIENCE)
    with app() as (address, process), browser() as chromium:
        return {
            name: _lesson(
                chromium.new_context(viewport={"width": width, "height": height}).new_page(),
                address,
                process,
                folder / name,
            )
            for name, (width, height) in SIZES.items()
        }


def _megabytes(process: psutil.Process) -> int:
    """The server's own: what is shared with other processes would change as they come and go."""
    return round(process.memory_full_info().uss / 2**20)


def _lesson(page: Page, address: str, process: psutil.Process, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    shots = iter(range(1, 100))

    def shoot(name: str) -> None:
        page.screenshot(path=folder / f"{next(shots):02d}-{name}.png")

    def seen(name: str) -> None:
        """The whole page, screen by screen."""
        rest(page)
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
        shoot(name)
        while page.get_by_test_id("stMain").evaluate(_DOWN):
            shoot(name)

    def view(name: str) -> None:
        page.get_by_role("radio", name=name).click()

    begin = time.monotonic()
    projector = "&projector=true" if folder.name == "projector" else ""
    page.goto(f"{address}/lab?view=Lessons{projector}")
    expect(page.get_by_text("45 minutes on data augmentation")).to_be_visible()
    seen("plan")
    tries = [next(iter(s["tries"])) for s in content.load("plan")["steps"] if "tries" in s]
    for title in tries[:3]:
        page.get_by_role("button", name=re.compile(f"^{re.escape(title)} · ")).click()
        expect(page.locator(".st-key-outcome")).to_be_visible()
        seen(title.lower().replace(" ", "-").replace(",", ""))
        view("Lessons")
    page.get_by_role("button", name="Open “Quiz”").click()
    for number in range(1, QUESTIONS + 1):
        expect(page.get_by_text(f"Question {number} of {QUESTIONS}")).to_be_visible()
        if number == 1:
            seen("quiz")
        page.get_by_role("button", name="Background noise").click()
        expect(page.get_by_text(re.compile("^(Correct|It was)"))).to_be_visible()
        if number == 1:
            seen("quiz-solution")
        page.get_by_role("button", name=re.compile("Next question|Your score")).click()
    expect(page.get_by_role("heading", name=f"of {QUESTIONS} correct")).to_be_visible()
    seen("quiz-score")
    view("Lessons")
    page.get_by_role("button", name="Open “Train live”").click()
    train = page.get_by_role("button", name="Train both networks")
    expect(train).to_be_visible()
    seen("before-training")
    before, started = _megabytes(process), time.monotonic()
    train.click()
    expect(page.get_by_text(re.compile(r"^Step [2-9]\d\d of"))).to_be_visible()
    shoot("training")
    expect(page.get_by_text("Finished")).to_be_visible()
    trained, after = time.monotonic() - started, _megabytes(process)
    seen("trained")
    view("Lessons")
    for label in ("Worksheet with answer key", "Download notebook"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        download.value.save_as(folder / download.value.suggested_filename)
    sheet = page.context.new_page()
    sheet.goto((folder / "augmentation-worksheet.html").resolve().as_uri())
    sheet.pdf(path=folder / "worksheet.pdf", prefer_css_page_size=True)
    page.context.close()
    return {
        "script_errors": errors,
        "training_s": round(trained),
        "mb_before_training": before,
        "mb_after": after,
        "s": round(time.monotonic() - begin),
    }
