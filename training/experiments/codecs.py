"""How far a network's answer moves when the same music comes re-encoded, as uploads do.

GTZAN's clips that lie there as lossless audio are encoded by FFmpeg (inside PyAV) and read back by the code that serves.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import lossless_clips
from training.evaluation.metrics import mean_sd

# Name, container, encoder, bit/s, sample rate (Opus knows 48 kHz and not 22.05).
CODECS: tuple[tuple[str, str, str, int, int], ...] = (
    ("Opus, 36 kbit/s", "ogg", "libopus", 36_000, 48_000),
    ("MP3, 128 kbit/s", "mp3", "libmp3lame", 128_000, 22_050),
)


def encode(
    samples: "np.ndarray[Any, Any]",
    rate: int,
    container: str,
    codec: str,
    bits: int,
    coded_rate: int,
) -> bytes:
    """Mono samples [T] in [-1, 1] as a file's bytes."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast(AudioStream, file.add_stream(codec, rate=coded_rate, layout="mono"))
        stream.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(
            samples[None].astype(np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = rate
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=coded_rate)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            for packet in stream.encode(part):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return out.getvalue()


def measure(
    data: Path, checkpoints: Sequence[str | Path] = ("genre", "mood"), progress: bool = True
) -> dict[str, Any]:
    """Total variation (share of probability that moves, 0 to 1) and agreement of the top class, by network and codec.

    DataError where gtzan/audio holds no FLAC files.
    """
    files = lossless_clips(data)
    classifiers = [Classifier(Checkpoint.load(name)) for name in checkpoints]
    moved: dict[tuple[str, str], list[float]] = {}
    same: dict[tuple[str, str], list[float]] = {}
    for file in tqdm(files, desc="codecs", unit="clip", disable=not progress):
        original = decode(file)
        lossless = [_answer(classifier, original.samples) for classifier in classifiers]
        for name, *settings in CODECS:
            again = decode(encode(original.samples, original.sample_rate, *settings))  # type: ignore[arg-type]
            for classifier, before in zip(classifiers, lossless, strict=True):
                after = _answer(classifier, again.samples)
                key = (classifier.checkpoint.task, name)
                moved.setdefault(key, []).append(0.5 * float(np.abs(after - before).sum()))
                same.setdefault(key, []).append(float(after.argmax() == before.argmax()))
    rows: list[dict[str, Any]] = []
    for key, values in moved.items():
        rows.append(
            {
                "name": f"{key[0]}: {key[1]}",
                "paper": None,
                "runs": [],
                "total_variation": mean_sd(values),
                "total_variation_max": {"mean": max(values), "sd": None},
                "same_top_class": {"mean": float(np.mean(same[key])), "sd": None},
            }
        )
    return {
        "table": "codecs",
        "title": "The same music, re-encoded",
        "context": f"{len(files)} lossless GTZAN clips against their re-encoded selves, bundled networks; sd over clips.",
        "note": "",
        "weights": {c.checkpoint.task: c.checkpoint.digest for c in classifiers},
        "rows": rows,
    }


def _answer(classifier: Classifier, samples: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return classifier.predict(log_mel(samples, classifier.checkpoint.front_end)).overall
