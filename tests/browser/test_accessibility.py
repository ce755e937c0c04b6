"""Every page, light and dark, wide and narrow: figures have names, text has contrast, nothing is
wider than the screen, Tab reaches every control.

Contrast as in WCAG 2.2, 1.4.3: 4.5 : 1, or 3 : 1 for large text (24 px, or bold from 18.7 px). The
background is taken from a screenshot of the page with its text hidden: what the browser painted.
"""

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pages.shared.navigation import PAGES
from tests.browser.idle import PATIENCE, rest

pytestmark = pytest.mark.browser

# Parts of a page that have an address of their own; every page is looked at without any, too.
VIEWS = {
    "lab": ["freq=true&noise=true&warp=true&diff=true", "view=Quiz", "view=Lessons"],
    "results": [
        "section=Mistakes&protocol=M",
        "section=The+paper",
        "section=Portraits",
        "kind=Moods",
    ],
    "how": ["chapter=Neural+network"],
    "compare": ["examples=palace&examples=mountain"],
}
NAMES = ["", *list(PAGES)[1:]]  # addresses of the pages in the menu; the first one's is empty

READ = "() => document.querySelector('[data-testid=stMain]')?.innerText.length > 80"

# Each piece of visible text: its place, colour and opacity with that of everything around it. Icons
# are letters of a font to the browser; WCAG excepts disabled controls; sliders' end labels show on
# hover only.
WORDS = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode, text = node.textContent.trim(), of = node.parentElement;
    if (!/[\\p{L}\\p{N}]/u.test(text)) continue;
    if (of.closest('script, style, noscript, canvas, .modebar, .katex-mathml')) continue;
    if (of.closest('[aria-hidden=true], :disabled, [aria-disabled=true]')) continue;
    if (!of.checkVisibility() || of.closest('details:not([open]) > :not(summary)')) continue;
    const style = getComputedStyle(of);
    if (/Material/.test(style.fontFamily) || style.visibility === 'hidden') continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getClientRects()[0];
    if (!box || box.width < 2 || box.height < 2) continue;
    let opacity = 1;
    for (let e = of; e; e = e.parentElement) opacity *= +getComputedStyle(e).opacity;
    if (opacity < 0.05) continue;
    const svg = of instanceof SVGElement;
    found.push({
      text: text.slice(0, 60), x: box.x, y: box.y, width: box.width, height: box.height, svg,
      colour: svg ? style.fill : style.color, opacity: opacity * (svg ? +style.fillOpacity : 1),
      size: parseFloat(style.fontSize), weight: +style.fontWeight,
    });
  }
  return found;
}"""
HIDDEN = """
  *, *::placeholder { color: transparent !important; }
  svg text, svg text * { fill: transparent !important; stroke: none !important; }
"""
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important; }"

NAMELESS = """() => [...document.querySelectorAll('[data-testid=stPlotlyChart]')]
  .filter(e => !(e.getAttribute('role') && (e.getAttribute('aria-label') || '').length > 15))
  .length"""
# Pixels by which the page, a formula (2 px are its own rounding) or a figure's note is too wide.
TOO_WIDE = """() => {
  const right = e => e.getBoundingClientRect().right;
  const page = document.documentElement;
  return Math.max(
    page.scrollWidth - page.clientWidth,
    ...[...document.querySelectorAll('.katex-display')].map(e => e.scrollWidth - e.clientWidth - 2),
    ...[...document.querySelectorAll('[data-testid=stPlotlyChart]')].flatMap(chart =>
      [...chart.querySelectorAll('g.annotation')].map(note => right(note) - right(chart))));
}"""


def opened(chromium: Browser, address: str) -> Page:
    """A page with everything drawn and tall enough that nothing needs to be scrolled."""
    page = chromium.new_page(color_scheme="light", viewport={"width": 1440, "height": 900})
    page.goto(address)
    settled(page)
    page.add_style_tag(content=AT_ONCE)
    show(page, 1440)
    return page


def show(page: Page, width: int) -> None:
    """Give the page a width, and all the height that it needs there."""
    page.set_viewport_size({"width": width, "height": 900})
    rest(page)
    page.wait_for_timeout(300)  # charts follow the width
    height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(8000, height + 60)})
    settled(page)


def settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for _ in range(2):  # a part that appears may bring more parts
        page.wait_for_function(READ, timeout=PATIENCE)
        rest(page)
        page.wait_for_timeout(300)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """Contrast of two sRGB colours (0 … 255), 1 … 21: WCAG 2.2's definition."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: np.ndarray) -> float:
    c = np.asarray(colour, float) / 255
    return float(
        np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


def pale(page: Page) -> list[str]:
    """Words whose contrast is too low, with what was measured."""
    words: list[dict[str, Any]] = page.evaluate(WORDS)
    assert len(words) > 10
    hidden = page.add_style_tag(content=HIDDEN)
    screenshot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    hidden.evaluate("style => style.remove()")
    found = []
    for word in words:
        x, y = max(0, int(word["x"])), max(0, int(word["y"]))
        behind = screenshot[
            y : y + max(2, int(word["height"])), x : x + max(2, int(word["width"]))
        ].reshape(-1, 3)
        if not len(behind):
            continue  # beyond the edge of the screen
        numbers = [float(n) for n in re.findall(r"[\d.]+", word["colour"])]
        alpha = (numbers[3] if len(numbers) > 3 else 1.0) * word["opacity"]
        ground = np.median(behind, axis=0)
        measured = contrast(alpha * np.array(numbers[:3]) + (1 - alpha) * ground, ground)
        large = word["size"] >= 24 or (word["size"] >= 18.66 and word["weight"] >= 700)
        if measured < (3.0 if large else 4.5):
            found.append(
                f"{word['text']!r}: {measured:.2f} "
                f"({word['colour']}, opacity {alpha:.2f}, on {ground.astype(int)})"
            )
    return found


def test_every_page_of_the_menu_is_looked_at(chromium: Browser, server: str) -> None:
    page = chromium.new_page()
    page.goto(server)
    settled(page)
    links = page.get_by_test_id("stTopNavLink")
    there = {
        (links.nth(i).get_attribute("href") or "").rstrip("/").rsplit("/", 1)[-1]
        for i in range(links.count())
    }
    assert {name.split(":")[0] for name in there} - {server.rsplit("/", 1)[-1].split(":")[0]} - {
        ""
    } == set(NAMES) - {""}
    assert links.count() == len(NAMES)
    page.close()


def test_contrast_is_wcags() -> None:
    """WCAG's own examples: black on white 21, #767676 on white just above 4.5."""
    white = np.array([255, 255, 255])
    assert contrast(white, np.zeros(3)) == pytest.approx(21)
    assert contrast(np.full(3, 0x76), white) == pytest.approx(4.54, abs=0.01)


# What a visitor can operate. Of radio buttons and pills Tab reaches one, arrows the others; a
# plotly figure's own toolbar is a second way to what the page and its screenshot already give.
CONTROLS = """() => {
  const all = document.querySelectorAll(
    'button, a[href], input, select, textarea, audio[controls], summary, [role=slider], ' +
    '[role=combobox], [tabindex="0"]');
  const not = '.modebar, [data-testid=stElementToolbar], [aria-hidden=true], iframe';
  return [...all].filter(e => !e.closest(not)
    && !e.closest('details:not([open]) > :not(summary)') && e.checkVisibility()
    && !e.disabled && e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden'
    && !e.matches('[role=toolbar] > :not(:first-child)') && e.getAttribute('role') !== 'radio'
    && e.type !== 'radio' && e.type !== 'file' && e.tabIndex >= 0);
}"""
MARK = f"""() => {{
  const all = ({CONTROLS})();
  all.forEach((e, i) => e.dataset.nr = i);
  return all.length;
}}"""
NAME = "`${e.tagName} ${e.getAttribute('aria-label') || e.innerText || e.name || ''}`.slice(0, 60)"
FOCUSED = """() => {
  const name = e => NAME;
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.getBoundingClientRect();
  // The box of a switch is a hidden input; its label is seen. A text field's frame is around it.
  const around = e.closest('label, [data-testid=stSlider], [data-baseweb]');
  const hidden = e.type === 'checkbox' || e.tagName === 'INPUT' || box.width < 3;
  const shown = around && hidden ? around.getBoundingClientRect() : box;
  return {nr: e.dataset.nr ?? null, group: e.getAttribute('role') === 'radio' || e.type === 'radio',
    what: name(e),
    x: shown.x, y: shown.y, width: shown.width, height: shown.height};
}""".replace("NAME", NAME)


def tabbed(page: Page) -> list[str]:
    """Controls that Tab does not reach, or where it does not show that it has."""
    count = page.evaluate(MARK)
    names = page.evaluate(f"() => ({CONTROLS})().map(e => {NAME})")
    before = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    reached, invisible = set(), []
    for _ in range(2 * count + 60):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None:
            if reached:
                break  # once around
            continue
        if at["nr"] is not None:
            if at["nr"] in reached:
                continue  # a control of several parts, such as a player
            reached.add(at["nr"])
        clip = {
            "x": max(0, at["x"] - 5),
            "y": max(0, at["y"] - 5),
            "width": at["width"] + 10,
            "height": at["height"] + 10,
        }
        if at["width"] < 1 or clip["y"] + clip["height"] > before.shape[0]:
            continue
        now = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")).astype(
            int
        )  # type: ignore[arg-type]
        top, left = round(clip["y"]), round(clip["x"])
        old = before[top : top + now.shape[0], left : left + now.shape[1]]
        now = now[: old.shape[0], : old.shape[1]]
        if int((np.abs(now - old).max(axis=2) > 24).sum()) < 20:
            invisible.append(at["what"])
    page.evaluate("() => document.activeElement.blur()")
    missed = [names[i] for i in range(count) if str(i) not in reached]
    return [f"Tab misses {what}" for what in missed] + [f"no focus seen: {w}" for w in invisible]


@pytest.mark.parametrize("name", NAMES)
def test_figures_have_names_words_stand_out_tab_reaches_all_and_everything_fits(
    chromium: Browser, server: str, name: str
) -> None:
    wrong = []
    for view in ("", *VIEWS.get(name, [])):
        page = opened(chromium, f"{server}/{name}?example=hunting{view and '&'}{view}")
        where = view or name
        if nameless := page.evaluate(NAMELESS):
            wrong.append(f"{where}: {nameless} figures have no text alternative")
        wide = page.evaluate(TOO_WIDE)
        wrong += [f"{where}, light: {words}" for words in pale(page)]
        if not view:
            wrong += tabbed(page)
        page.emulate_media(color_scheme="dark")
        settled(page)
        wrong += [f"{where}, dark: {words}" for words in pale(page)]
        show(page, 390)
        for width, pixels in ((1440, wide), (390, page.evaluate(TOO_WIDE))):
            if pixels > 0:
                wrong.append(f"{where}: {pixels} px wider than {width}")
        page.close()
    assert wrong == []
