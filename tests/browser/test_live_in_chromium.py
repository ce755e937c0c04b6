"""Live: spectrograms and predictions in the browser against the library's, and the page itself with
an example for a microphone.
"""

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
import torch
from playwright.sync_api import Browser, Page, Route, expect

from crnn.audio.decode import decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_power, power_to_db
from crnn.model.checkpoint import Checkpoint
from crnn.model.segments import cut_segments, plan_segments
from crnn.sources.examples import EXAMPLES
from pages.listen import live
from tests.browser.idle import rest
from tests.conftest import encode
from tests.pages.visit import ROOT

pytestmark = pytest.mark.browser

TASKS = ("genre", "mood")
RATE = 48_000  # of most microphones
FILES = {
    "/": b"<!doctype html>",
    "/engine.js": ROOT / "pages/listen/live/engine.js",
    "/ort.mjs": ROOT / "assets/onnxruntime-web/ort.wasm.bundle.min.mjs",
    "/ort.gz": ROOT / "assets/onnxruntime-web/ort-wasm-simd-threaded.wasm.gz",
    **{f"/{task}": ROOT / f"assets/checkpoints/{task}/model.onnx" for task in TASKS},
}
KINDS = {".js": "text/javascript", ".mjs": "text/javascript"}

UNPACK = """const wave = new Float32Array(
  Uint8Array.from(atob(samples), (c) => c.charCodeAt(0)).buffer);"""

# Each front end's power [F, M] of samples that come in blocks, as a microphone's do.
POWERS = f"""async ({{ samples, networks, rate, block }}) => {{
  const {{ Mel, Resampler }} = await import('/engine.js');
  {UNPACK}
  return networks.map(({{ frontEnd, edges }}) => {{
    const resampler = new Resampler(rate, frontEnd.sample_rate), mel = new Mel(frontEnd, edges);
    const frames = [];
    for (let i = 0; i < wave.length; i += block) {{
      frames.push(...mel.push(resampler.push(wave.slice(i, i + block))));
    }}
    return frames.map((frame) => [...frame]);
  }});
}}"""

# What the networks predict after the last sample.
PREDICT = f"""async ({{ samples, networks, rate, block, quiet }}) => {{
  const engine = await import('/engine.js'), ort = await import('/ort.mjs');
  {UNPACK}
  const listener = new engine.Listener(networks, quiet, rate);
  for (let i = 0; i < wave.length; i += block) listener.push(wave.slice(i, i + block));
  const {{ silent, seconds, inputs }} = listener;
  if (silent) return {{ silent, seconds }};
  const bytes = async (url) => (await fetch(url)).arrayBuffer();
  const wasm = await engine.unpacked(await bytes('/ort.gz'));
  const predict = await engine.load(ort, wasm, [await bytes('/genre'), await bytes('/mood')]);
  const probabilities = await predict(inputs.map(({{ tensor }}) => tensor));
  return {{ silent, seconds, frames: inputs.map(({{ frames }}) => frames.length), probabilities }};
}}"""


@pytest.fixture(scope="module")
def checkpoints() -> list[Checkpoint]:
    return [Checkpoint.load(task) for task in TASKS]


def prepared(browser: Browser) -> Page:
    """An empty page that can load what Live loads."""

    def answer(route: Route) -> None:
        file = FILES["/" + route.request.url.split("/", 3)[3]]
        if isinstance(file, bytes):
            route.fulfill(body=file, content_type="text/html")
        else:
            route.fulfill(body=file.read_bytes(), content_type=KINDS.get(file.suffix, "any/thing"))

    page = browser.new_page()
    page.route("http://localhost:1/**", answer)
    page.goto("http://localhost:1/")
    return page


@pytest.fixture
def page(chromium: Browser) -> Page:
    return prepared(chromium)


def computed(
    code: str, page: Page, samples: np.ndarray, rate: int, checkpoints: list[Checkpoint]
) -> Any:
    """What the browser makes of samples [T]."""
    settings = {
        "samples": base64.b64encode(samples.astype("<f4").tobytes()).decode(),
        "networks": [live.network(checkpoint) for checkpoint in checkpoints],
        "rate": rate,
        "block": 1111,  # a length of its own: no hop is a multiple
        "quiet": live.QUIET,
    }
    return page.evaluate(code, settings)


def difference(power: list[list[float]], samples: np.ndarray, front_end: FrontEnd) -> float:
    """The largest in dB between frames of the browser and the library's."""
    theirs, ours = torch.tensor(power).T, mel_power(samples, front_end)
    count = theirs.shape[1]
    assert ours.shape[1] - 3 <= count <= ours.shape[1]  # the library's last ones need zeros
    decibels = [power_to_db(each[:, : count - 2], front_end) for each in (theirs, ours)]
    return float((decibels[0] - decibels[1]).abs().max())


@pytest.mark.parametrize("name", ["palace", "hunting"])
def test_the_spectrogram_is_the_library_s(
    page: Page, checkpoints: list[Checkpoint], name: str
) -> None:
    """Both front ends, at their own rate and resampled from a microphone's."""
    original, rate = soundfile.read(EXAMPLES[name].file, dtype="float32", frames=44_100 * 12)
    recorded = soxr.resample(original.mean(axis=1), rate, RATE)
    own = decode(encode(recorded, RATE, subtype="FLOAT"), downmix="mean").samples
    for samples, at, limit in ((own, 22_050, 0.01), (recorded, RATE, 0.5)):
        powers = computed(POWERS, page, samples, at, checkpoints)
        for power, checkpoint in zip(powers, checkpoints, strict=True):
            assert difference(power, own, checkpoint.front_end) < limit


@pytest.mark.parametrize("seconds", [4, 9])
def test_the_networks_predict_what_pytorch_does_of_the_last_segment(
    page: Page, checkpoints: list[Checkpoint], seconds: int
) -> None:
    """Less than a segment is repeated until it fills one, as in short files."""
    samples = decode(EXAMPLES["palace"].file, downmix="mean").samples[: seconds * 22_050]
    result = computed(PREDICT, page, samples, 22_050, checkpoints)
    assert not result["silent"]
    assert result["seconds"] == pytest.approx(min(seconds, 6), abs=0.1)
    for count, predicted, checkpoint in zip(
        result["frames"], result["probabilities"], checkpoints, strict=True
    ):
        front_end, width = checkpoint.front_end, checkpoint.model.config.frames
        end = 1 + (len(samples) - front_end.n_fft // 2) // front_end.hop_length
        assert count == min(end, width)
        mel = power_to_db(mel_power(samples, front_end)[:, end - count : end], front_end)
        segment = cut_segments(mel, plan_segments(mel.shape[1], width))
        with torch.inference_mode():
            expected = checkpoint.scaled(checkpoint.model(segment)).softmax(dim=-1)[0]
        np.testing.assert_allclose(predicted, expected.numpy(), atol=1e-3)


def test_a_second_of_silence_ends_a_song(page: Page, checkpoints: list[Checkpoint]) -> None:
    song = decode(EXAMPLES["palace"].file, downmix="mean").samples[: 22_050 * 4]
    hiss = 5e-4 * np.random.default_rng(0).uniform(-1, 1, 22_050 * 2)
    result = computed(PREDICT, page, np.concatenate([song, hiss]), 22_050, checkpoints)
    assert result == {"silent": True, "seconds": 0}
    again = np.concatenate([song, hiss, song[: 22_050 * 2]])
    result = computed(PREDICT, page, again, 22_050, checkpoints)
    assert not result["silent"]
    assert result["seconds"] == pytest.approx(2, abs=0.2)


@pytest.fixture
def listening(chromium: Browser, tmp_path: Path) -> Iterator[Browser]:
    """Chromium whose microphone plays an example."""
    samples, rate = soundfile.read(EXAMPLES["metal-madness"].file, dtype="float32")
    soundfile.write(tmp_path / "microphone.wav", samples.mean(axis=1), rate)
    browser = chromium.browser_type.launch(
        executable_path=shutil.which("chromium"),
        args=[
            "--no-sandbox",
            "--disable-background-networking",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={tmp_path / 'microphone.wav'}",
        ],
    )
    yield browser
    browser.close()


def opened(browser: Browser, server: str) -> Page:
    page = browser.new_page()
    page.goto(server)
    page.get_by_role("radio", name="Live").click()
    expect(page.locator(".live .toggle")).to_be_visible()
    rest(page)
    return page


STREAMS = """
const media = navigator.mediaDevices, ask = media.getUserMedia.bind(media), streams = [];
media.getUserMedia = async (what) => { streams.push(await ask(what)); return streams.at(-1); };
window.microphones = () => streams.flatMap((s) => s.getTracks()).map((t) => t.readyState);
"""


def test_the_microphone_s_genre_and_mood_appear_and_nothing_leaves(
    listening: Browser, server: str
) -> None:
    page, sent, errors = listening.new_page(), list[str](), list[str]()
    page.add_init_script(STREAMS)
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("message")))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server)
    page.get_by_role("radio", name="Live").click()
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_visible()
    rest(page)
    sent.clear()
    page.on("request", lambda request: sent.append(request.method + request.url))
    start.click()
    status = page.locator(".live").get_by_role("status")
    genre, mood = page.locator(".live .top").all()
    expect(genre).to_contain_text("Metal")
    expect(mood).to_contain_text("Energetic")
    expect(status).to_contain_text("Listening")
    spoken = re.compile("Genre: Metal.*; Mood: Energetic")
    expect(page.locator(".live [aria-live]")).to_have_text(spoken)
    expect(page.locator(".live").get_by_role("img")).to_have_attribute("aria-label", spoken)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(start).to_be_visible()
    expect(genre).to_contain_text("Metal")
    # What was asked for are the files of this app; nothing was sent.
    assert len(sent) >= 5
    assert all(each.startswith(f"GET{server}/media/") for each in sent), sent
    models = [each for each in sent if each.endswith(".bin")]
    assert len(models) == 3
    start.click()  # the networks are still there
    expect(genre).not_to_contain_text("Metal")
    expect(genre).to_contain_text("Metal")
    assert [each for each in sent if each.endswith(".bin")] == models
    assert page.evaluate("microphones()") == ["ended", "live"]
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Record for the full analysis").click()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
    expect(page.locator(".live")).to_have_count(0)
    page.get_by_role("radio", name="Live").click()
    start.click()
    expect(status).to_contain_text("Listening")
    page.get_by_role("radio", name="Record").click()  # leaving ends it, too
    expect(page.locator(".live")).to_have_count(0)
    assert page.evaluate("microphones()") == ["ended"] * 3
    assert errors == []


def test_where_a_browser_cannot_it_says_why_and_what_to_do(chromium: Browser, server: str) -> None:
    page = opened(chromium, server)
    start = page.get_by_role("button", name="Start", exact=True)
    record = page.get_by_role("button", name="Record for the full analysis")
    refusal = page.locator(".live").get_by_role("alert")

    def refused(change: str, sentence: str, recording: bool) -> None:
        page.evaluate(change)
        start.click()
        expect(refusal).to_contain_text(sentence)
        expect(start).to_be_visible()
        expect(record).to_be_visible(visible=recording)

    page.route("**/media/*.bin", lambda route: route.abort())
    refused("", "could not be loaded", True)
    refuse = """() => {
      navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', '%s'); };
    }"""
    refused(refuse % "NotAllowedError", "blocked for this page", False)
    refused(refuse % "NotFoundError", "There is no microphone. Upload a song", False)
    refused("() => { AudioWorkletNode = undefined; }", "cannot run the networks", True)
    refused("Object.defineProperty(window, 'isSecureContext', { value: false })", "https", False)
