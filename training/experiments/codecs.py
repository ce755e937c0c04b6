"""How much predictions change when the same music is re-encoded, as uploads are.

GTZAN's lossless clips are encoded by FFmpeg (through PyAV) and decoded by the inference code.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from tqdm import tqdm

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from training.data.collection import lossless_clips
from training.evaluation import tables
from training.evaluation.metrics import total_variation

Samples = np.ndarray[Any, Any]


class Codec(NamedTuple):
    """bits: bit/s; sample_rate: Hz of the encoded audio (Opus has no 22.05 kHz)."""

    name: str
    container: str
    encoder: str
    bits: int
    sample_rate: int


CODECS = (
    Codec("Opus, 36 kbit/s", "ogg", "libopus", 36_000, 48_000),
    Codec("MP3, 128 kbit/s", "mp3", "libmp3lame", 128_000, 22_050),
    Codec("telephone (G.711, 8 kHz)", "wav", "pcm_mulaw", 64_000, 8_000),
)


def encode(samples: Samples, sample_rate: int, codec: Codec) -> bytes:
    """Mono samples [T] in [-1, 1] as a file's bytes."""
    out = io.BytesIO()
    with av.open(out, "w", format=codec.container) as file:
        stream = cast(
            AudioStream, file.add_stream(codec.encoder, rate=codec.sample_rate, layout="mono")
        )
        stream.bit_rate = codec.bits
        frame = av.AudioFrame.from_ndarray(
            samples[None].astype(np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = sample_rate
        resampler = av.AudioResampler(stream.format.name, "mono", codec.sample_rate)
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            file.mux(stream.encode(part))
    return out.getvalue()


def measure(
    data: Path, checkpoints: Sequence[str | Path] = ("genre", "mood"), progress: bool = True
) -> dict[str, Any]:
    """Total variation distance and agreement of the top class, by network and codec.

    Raises DataError where gtzan/audio holds no FLAC files.
    """
    files = lossless_clips(data)
    classifiers = [Classifier(Checkpoint.load(name)) for name in checkpoints]
    distance: dict[str, list[float]] = {}
    same: dict[str, list[float]] = {}
    for file in tqdm(files, desc="codecs", unit="clip", disable=not progress):
        original = decode(file)
        lossless = [_probabilities(network, original.samples) for network in classifiers]
        for codec in CODECS:
            encoded = decode(encode(original.samples, original.sample_rate, codec)).samples
            for network, before in zip(classifiers, lossless, strict=True):
                after = _probabilities(network, encoded)
                name = f"{network.checkpoint.task.capitalize()}: {codec.name}"
                distance.setdefault(name, []).append(total_variation(after, before))
                same.setdefault(name, []).append(float(after.argmax() == before.argmax()))
    rows = [
        tables.row(name, {"total_variation": values})
        | {
            "total_variation_max": {"mean": max(values), "sd": None},
            "same_top_class": {"mean": float(np.mean(same[name])), "sd": None},
        }
        for name, values in distance.items()
    ]
    return tables.table(
        "codecs",
        "Re-encoded audio",
        f"{len(files)} lossless GTZAN clips compared with their re-encoded versions, bundled "
        "networks; sd over clips.",
        rows,
        weights={network.checkpoint.task: network.checkpoint.digest for network in classifiers},
    )


def _probabilities(classifier: Classifier, samples: Samples) -> Samples:
    return classifier.predict(log_mel(samples, classifier.checkpoint.front_end)).overall
