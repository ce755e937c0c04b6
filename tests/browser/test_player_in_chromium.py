"""The player: one playhead for sound and charts, which mouse, keys and fingers move.

The playhead's time is read from where it is drawn. A browser asks for each rerun by a message, so
messages are counted.
"""

import itertools
import re

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.idle import rest
from tests.conftest import encode, melody

pytestmark = pytest.mark.browser

PLAYED = 3  # seconds in which the playhead is compared with the sound

# Drawn and sounding time, and the plane's dot, in seconds and px.
LOOK = """player => {
  const place = name => player.querySelector(name).getBoundingClientRect();
  const [head, lanes, dot] = ['.head', '.lanes', '.dot'].map(place);
  const total = +player.querySelector('.lanes').ariaValueMax;
  const drawn = (head.left + head.width / 2 - lanes.left) / lanes.width * total;
  const { currentTime, paused } = player.querySelector('audio');
  return { drawn, time: currentTime, paused, dot: [dot.left + 8, dot.top + 8], total };
}"""

# The difference between both that 95% of frames do not exceed while the sound plays.
COMPARE = f"""async (player, seconds) => {{
  const look = {LOOK}, until = look(player).time + seconds, differences = [];
  while (look(player).time < until) {{
    await new Promise(requestAnimationFrame);
    const {{ drawn, time }} = look(player);
    differences.push(Math.abs(drawn - time));
  }}
  return differences.sort((a, b) => a - b)[Math.floor(0.95 * differences.length)];
}}"""

# The sound's time in each frame of some seconds.
TIMES = """async (player, seconds) => {
  const audio = player.querySelector('audio'), times = [];
  const until = performance.now() + 1000 * seconds;
  while (performance.now() < until) {
    await new Promise(requestAnimationFrame);
    times.push(audio.currentTime);
  }
  return times;
}"""


def open_player(context: Browser | BrowserContext, address: str) -> tuple[Page, Locator, list[str]]:
    """A page at rest, its first player and the list of messages that the browser sends."""
    page, sent = context.new_page(), list[str]()
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("message")))
    page.goto(address)
    player = page.locator(".player").first
    expect(player.locator(".play")).to_be_enabled()
    rest(page)
    player.scroll_into_view_if_needed()
    return page, player, sent


def test_mouse_keys_and_sound_move_one_playhead(chromium: Browser, server: str) -> None:
    page, player, sent = open_player(chromium, f"{server}/?example=hunting")
    _, other, _ = open_player(chromium, f"{server}/?example=hunting")
    page.bring_to_front()
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(500)
    sent.clear()
    assert player.evaluate(COMPARE, PLAYED) <= 0.05
    assert other.evaluate(LOOK)["time"] == 0
    other.get_by_role("button", name="Play").click()
    other.evaluate(TIMES, 0.3)
    other.get_by_role("button", name="Pause").click()
    assert not player.evaluate(LOOK)["paused"]  # each tab on its own
    assert sent == []  # nothing reruns while it plays
    player.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile("^At 0:0"))).to_be_visible()
    assert len(sent) == 1
    assert 0.3 <= other.evaluate(LOOK)["time"] < player.evaluate(LOOK)["time"] - 2

    lanes = player.locator(".lanes")
    box = lanes.bounding_box()
    assert box is not None
    for height in (100, 270, 360):  # spectrogram, genre, mood
        lanes.click(position={"x": box["width"] * 0.7, "y": height})
        lanes.click(position={"x": box["width"] * 0.3, "y": height})
        look = player.evaluate(LOOK)
        assert look["time"] == pytest.approx(0.3 * look["total"], abs=0.1)
        assert look["drawn"] == pytest.approx(look["time"], abs=0.05)
    expect(player.locator(".tip")).to_contain_text(re.compile(r"0:0[89].*Genre: .*%.*Mood: ", re.S))

    began = look["time"]
    for key, moved in (("ArrowRight", 1), ("Shift+ArrowLeft", -5), ("ArrowUp", 1)):
        lanes.press(key)
        began += moved
        assert player.evaluate(LOOK)["time"] == pytest.approx(began, abs=0.02)
    text = r"^0:05 of 0:\d\d\. Genre: .*%.*\. Mood: "
    expect(lanes).to_have_attribute("aria-valuetext", re.compile(text))
    point = player.evaluate(LOOK)["dot"]
    lanes.press("End")
    page.mouse.click(*point)
    look = player.evaluate(LOOK)
    assert look["dot"] == pytest.approx(point, abs=3)
    assert look["time"] < look["total"] - 1

    lanes.press("Home")
    lanes.press("Shift+ArrowRight")
    lanes.press("+")
    expect(player.locator(".spacer")).to_have_attribute("style", re.compile("width: 200%"))
    lanes.click(position={"x": box["width"] * 0.3, "y": 100})
    began, total = (player.evaluate(LOOK)[key] for key in ("time", "total"))
    # The moment under the playhead, 5 s, stayed where it was: half of the track begins at 2.5 s.
    assert began == pytest.approx(2.5 + 0.3 * total / 2, abs=0.1)
    lanes.press("-")
    expect(player.locator(".spacer")).to_have_attribute("style", re.compile("width: 100%"))

    player.get_by_role("combobox", name="Speed").select_option("2×")
    lanes.press("l")
    expect(player.locator(".region")).to_be_visible()
    lanes.press(" ")
    times = player.evaluate(TIMES, 3)
    assert not player.evaluate(LOOK)["paused"]
    assert began - 0.02 <= min(times)
    assert max(times) <= began + 4 + 0.15
    assert sum(later < earlier for earlier, later in itertools.pairwise(times)) == 1  # once back
    lanes.press(" ")
    assert player.evaluate(LOOK)["paused"]


def test_two_sounds_share_the_moment(chromium: Browser, server: str) -> None:
    page, player, _ = open_player(chromium, f"{server}/lab?view=Quiz")
    player.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)
    times = """player => {
      const [a, b] = [...player.querySelectorAll('audio')], before = a.currentTime;
      player.querySelectorAll('.sounds button')[1].click();
      return [before, b.currentTime, a.muted, b.muted];
    }"""
    before, after, *muted = player.evaluate(times)
    assert before > 0.2
    assert after == pytest.approx(before, abs=0.05)
    assert muted == [True, False]


def test_a_swipe_scrolls_the_page_and_a_tap_seeks(chromium: Browser, server: str) -> None:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page, player, _ = open_player(context, f"{server}/?example=hunting")
    lanes = player.locator(".lanes")
    lanes.scroll_into_view_if_needed()
    box = lanes.bounding_box()
    assert box is not None
    main = page.get_by_test_id("stMain")
    before = main.evaluate("main => main.scrollTop")
    finger, x, y = context.new_cdp_session(page), box["x"] + 100, box["y"] + 300
    moves = [{"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}]
    moves += [
        {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 15 * k}]} for k in range(1, 11)
    ]
    for move in (*moves, {"type": "touchEnd", "touchPoints": []}):
        finger.send("Input.dispatchTouchEvent", move)
    page.wait_for_function(
        "before => document.querySelector('[data-testid=stMain]').scrollTop > before + 50",
        arg=before,
        timeout=5000,
    )
    assert player.evaluate(LOOK)["time"] == 0
    box = lanes.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 0.5 * box["width"], box["y"] + 120)
    look = player.evaluate(LOOK)
    assert look["time"] == pytest.approx(0.5 * look["total"], abs=0.2)
    context.close()


def test_a_large_sound_is_requested_when_it_is_played(chromium: Browser, server: str) -> None:
    page, requested = chromium.new_page(), list[str]()
    page.on("request", lambda request: requested.append(request.url))
    page.goto(server)
    wav = encode(np.tile(melody(30), 6), subtype="FLOAT")
    assert len(wav) > 10_000_000
    file = {"name": "long.wav", "mimeType": "audio/wav", "buffer": wav}
    page.locator("input[type=file]").set_input_files(file)
    player = page.locator(".player").first
    lanes = player.locator(".lanes")
    lanes.scroll_into_view_if_needed(timeout=60_000)
    rest(page)
    box = lanes.bounding_box()
    assert box is not None
    lanes.click(position={"x": box["width"] * 0.5, "y": 100})
    assert not [url for url in requested if url.endswith(".wav")]
    player.get_by_role("button", name="Play").click()
    times = player.evaluate(TIMES, PLAYED)
    assert [url for url in requested if url.endswith(".wav")]
    assert 90.1 < times[-1] < 90 + PLAYED + 0.5
