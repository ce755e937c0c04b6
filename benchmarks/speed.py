"""How long both predictions of a track take, as a multiple of librosa's mel spectrogram."""

import statistics
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import librosa
import numpy as np
import soundfile
import torch
from threadpoolctl import threadpool_limits

from crnn.inference import export
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.sources.examples import EXAMPLES
from crnn.viz import prediction as figures
from crnn.viz.player import image, peaks


def song(seconds: float) -> bytes:
    """A stereo MP3 of that length, made of the bundled examples one after the other."""
    parts, rate = [], 44_100
    for example in EXAMPLES.values():
        samples, rate = soundfile.read(example.file, dtype="float32")
        parts.append(samples)
    whole = np.concatenate(parts)
    count = int(seconds * rate)
    out = BytesIO()
    soundfile.write(out, np.tile(whole, (-(-count // len(whole)), 1))[:count], rate, format="MP3")
    return out.getvalue()


def ours(data: bytes, classifiers: list[Classifier]) -> None:
    """From bytes to all figures of the page."""
    waveform, analysis = decode_and_predict(
        data, classifiers, on_decoded=lambda found: peaks(found.samples, found.sample_rate)
    )
    image(analysis.mel)
    for prediction in analysis.predictions:
        prediction.timeline(waveform.seconds)
        figures.distribution(prediction, "").to_json()
    export.to_json(export.to_record("song", waveform.seconds, analysis.predictions))


def librosa_mel(data: bytes) -> Any:
    """The reference: decode, mix down, resample, 128 mel bands by librosa at hop 512."""
    samples, rate = librosa.load(BytesIO(data), sr=22_050)
    return librosa.power_to_db(
        librosa.feature.melspectrogram(y=samples, sr=rate, n_mels=128), ref=np.max
    )


def librosa_and_network(data: bytes, classifiers: list[Classifier]) -> None:
    """librosa's load and mel on our grid, then the same networks."""
    samples, rate = librosa.load(BytesIO(data), sr=22_050)
    mel = librosa.feature.melspectrogram(y=samples, sr=rate, n_mels=128, hop_length=1709)
    decibels = torch.from_numpy(librosa.power_to_db(mel, ref=np.max))
    for classifier in classifiers:
        classifier.predict(decibels)


def in_turns(tasks: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each task, taken in turns so that a busy moment of the machine hits all."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()  # warm: imports, filter banks, numba
    for _ in range(rounds):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            times[name].append(time.perf_counter() - start)
    return times


def measure(rounds: int = 7) -> dict[str, Any]:
    """Medians in seconds, and the ratio to librosa's mel alone (median of the rounds' ratios)."""
    classifiers = [Classifier(Checkpoint.load(name)) for name in ("genre", "mood")]
    result: dict[str, Any] = {}
    for length, threads in ((30, 1), (30, 2), (240, 2)):
        torch.set_num_threads(threads)
        data = song(length)
        tasks: dict[str, Callable[[], Any]] = {
            "librosa load + mel": lambda data=data: librosa_mel(data),
            "both distributions": lambda data=data: decode_and_predict(data, classifiers),
            "both distributions and figures": lambda data=data: ours(data, classifiers),
            "librosa load + mel + the same networks": lambda data=data: librosa_and_network(
                data, classifiers
            ),
        }
        with threadpool_limits(threads):  # NumPy's BLAS, too, which librosa's mel filters use
            times = in_turns(tasks, rounds)
        yardstick = times["librosa load + mel"]
        result[f"{length} s MP3, {threads} thread{'s' * (threads > 1)}"] = {
            name: {
                "seconds": round(statistics.median(values), 3),
                "ratio": round(
                    statistics.median(v / y for v, y in zip(values, yardstick, strict=True)), 2
                ),
            }
            for name, values in times.items()
        }
    return result
