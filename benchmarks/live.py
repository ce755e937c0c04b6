"""Live's code in Chromium against the library, on the examples as a microphone brings them."""

import shutil
from statistics import median
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from playwright.sync_api import sync_playwright
from torch import Tensor

from crnn.audio.decode import decode
from crnn.audio.mel import mel_power, power_to_db
from crnn.model.checkpoint import Checkpoint
from crnn.sources.examples import EXAMPLES
from tests.browser import test_live_in_chromium as live
from tests.conftest import encode

RATES = (44_100, 48_000)
# Spectrograms, and a prediction of the last segment twice a second; times in ms.
TIMELINE = f"""async ({{ samples, networks, rate, block }}) => {{
  const {{ Mel, Resampler, decibels, load, unpacked }} = await import('/engine.js');
  {live.UNPACK}
  const bytes = async (url) => (await fetch(url)).arrayBuffer();
  const wasm = await unpacked(await bytes('/ort.gz'));
  const models = [await bytes('/genre'), await bytes('/mood')];
  const predict = await load(await import('/ort.mjs'), wasm, models);
  const chains = networks.map(({{ frontEnd, edges }}) =>
    [new Resampler(rate, frontEnd.sample_rate), new Mel(frontEnd, edges), []]);
  let due = 6.5, spectrograms = 0;
  const predictions = [];
  for (let i = 0; i < wave.length; i += block) {{
    let start = performance.now();
    for (const [resampler, mel, frames] of chains) {{
      frames.push(...mel.push(resampler.push(wave.slice(i, i + block))));
    }}
    spectrograms += performance.now() - start;
    if (i / rate < due) continue;
    due += 0.5;
    start = performance.now();
    const probabilities = await predict(networks.map(({{ frontEnd, width }}, n) => {{
      const last = chains[n][2].slice(-width);
      return [decibels(last, frontEnd, width), [1, 1, last[0].length, width]];
    }}));
    const ends = chains.map(([, , frames]) => frames.length);
    predictions.push({{ ends, probabilities, ms: performance.now() - start }});
  }}
  const powers = chains.map(([, , frames]) => frames.map((frame) => [...frame]));
  return {{ powers, predictions, spectrograms: spectrograms / (wave.length / rate) }};
}}"""


def measure() -> dict[str, Any]:
    """Largest and median differences over the examples and rates, times and sizes."""
    checkpoints, rows = [Checkpoint.load(task) for task in live.TASKS], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = live.prepared(browser)
        for rate in RATES:
            for example in EXAMPLES.values():
                original, source_rate = soundfile.read(example.file, dtype="float32")
                recorded = soxr.resample(original.mean(axis=1), source_rate, rate)
                own = decode(encode(recorded, rate, subtype="FLOAT"), downmix="mean").samples
                result = live.computed(TIMELINE, page, recorded, rate, checkpoints)
                rows += [_row(own, result, n, each) for n, each in enumerate(checkpoints)]
        browser.close()
    sizes = [file.stat().st_size for file in live.FILES.values() if not isinstance(file, bytes)]
    return {
        "spectrogram, dB": max(row["decibels"] for row in rows),
        "same window, probability": max(row["same"].max() for row in rows),
        **{
            f"{task}, dB below the track's maximum": {
                "total variation": float(np.mean([row["moved"] for row in rows[n::2]])),
                "same class": float(np.mean([row["agrees"] for row in rows[n::2]])),
            }
            for n, task in enumerate(live.TASKS)
        },
        "prediction, ms": median(row["ms"] for row in rows),
        "spectrograms, ms for a second of sound": median(row["spectrograms"] for row in rows),
        "bytes": sum(sizes),
    }


def _row(samples: np.ndarray, result: Any, n: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """One network's predictions of one example."""
    front_end, width = checkpoint.front_end, checkpoint.model.config.frames
    power = mel_power(samples, front_end)
    whole, ends = power_to_db(power, front_end), [p["ends"][n] for p in result["predictions"]]
    browser = np.array([p["probabilities"][n] for p in result["predictions"]])
    same = [power_to_db(power[:, end - width : end], front_end) for end in ends]
    track = _probabilities(checkpoint, [whole[:, end - width : end] for end in ends])
    return {
        "decibels": live.difference(result["powers"][n], samples, front_end),
        "same": np.abs(browser - _probabilities(checkpoint, same)),
        "moved": np.abs(browser - track).sum(axis=1).mean() / 2,
        "agrees": (browser.argmax(axis=1) == track.argmax(axis=1)).mean(),
        "ms": median(p["ms"] for p in result["predictions"]),
        "spectrograms": result["spectrograms"],
    }


@torch.inference_mode()
def _probabilities(checkpoint: Checkpoint, segments: list[Tensor]) -> np.ndarray:
    logits = checkpoint.model(torch.stack(segments).unsqueeze(1))
    return np.asarray(checkpoint.scaled(logits).softmax(dim=-1))
