"""Trace one segment through the inference code, keeping every intermediate tensor.

    samples [N] ─> STFT power [n_fft/2+1, W] ─> mel power [M, W] ─> dB [M, W] ─> segment [1, M, W]
    ─> normalised [1, M, W] ─> feature maps [C, M', W'] ─> GRU states [W', H] ─> embedding [H]
    ─> logits [K] ─> probabilities [K]

Only what the segment needs is computed; all it takes from the rest of the track is the power of
its loudest value.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_transform, power_to_db
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Array
from crnn.model.config import ModelConfig
from crnn.model.segments import Segments, cut_segments, plan_segments

# Below any power that sound has; keeps the decibels of digital silence finite.
_LEAST_POWER = 1e-20


@dataclass(frozen=True)
class Trace:
    """Every intermediate of one segment, shapes as in the module's docstring.

    number: its place in `segments`, the track's; start: of the segment, in seconds; loudest: power
    of the track's loudest value; attention: weights of the steps [W'], where the readout has them;
    probabilities: softmax of `scaled`, float64. Where the track is shorter than a segment, samples
    to db are those of the track, [.., F], and segment repeats them.
    """

    number: int
    segments: Segments
    start: float
    loudest: float
    samples: Tensor
    power: Tensor
    mel: Tensor
    db: Tensor
    segment: Tensor
    normalised: Tensor
    maps: tuple[Tensor, ...]
    states: Tensor
    attention: Tensor | None
    embedding: Tensor
    logits: Tensor
    scaled: Array
    probabilities: Array

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every stage in order; the feature maps are "map 1", "map 2", …"""
        stages = {
            name: getattr(self, name) for name in ("samples", "power", "mel", "db", "segment")
        }
        stages |= {f"map {layer}": maps for layer, maps in enumerate(self.maps, start=1)}
        ends = ("states", "embedding", "logits", "probabilities")
        stages |= {name: getattr(self, name) for name in ends}
        return {name: tuple(stage.shape) for name, stage in stages.items()}


def loudest_power(mel: Tensor, samples: Tensor, front_end: FrontEnd) -> float:
    """Power of a track's loudest value.

    Where 0 dB is the loudest value, one frame is transformed again to find its power.

    Args:
        mel: the track's log-mel spectrogram [M, F] in dB.
        samples: the track's, [T], or the first of them.
    """
    if front_end.reference != "max":
        return float(front_end.reference * 10 ** (mel.max().double() / 10))
    within = max(1, min(mel.shape[1], (len(samples) - 1) // front_end.hop_length + 1))
    frame = int(mel[:, :within].amax(dim=0).argmax())
    here = mel_transform(front_end)(frame_samples(samples, front_end, frame, 1)).max().double()
    return max(_LEAST_POWER, float(here / 10 ** (mel[:, frame].max().double() / 10)))


def frame_samples(samples: Tensor, front_end: FrontEnd, first: int, count: int) -> Tensor:
    """The samples under `count` frames from number `first`, zeros beyond the sound's ends.

    Shape: [T] -> [(count − 1) · hop_length + n_fft]. Frame n is centred at sample n · hop_length.
    """
    start = first * front_end.hop_length - front_end.n_fft // 2
    length = (count - 1) * front_end.hop_length + front_end.n_fft
    inside = samples[max(0, start) : max(0, start + length)]
    before = max(0, -start)
    return nn.functional.pad(inside, (before, length - before - len(inside)))


@torch.inference_mode()
def trace(
    samples: Tensor, segments: Segments, number: int, loudest: float, classifier: Classifier
) -> Trace:
    """Trace the segment `number` of a track.

    Args:
        samples: the track's, [T], or the first of them.
        segments: all of the track.
        loudest: power of the track's loudest value.

    Raises:
        ValueError: where the segment reaches beyond the samples.
    """
    front_end = classifier.front_end
    first = segments.starts[number]
    count = segments.ends[number] - first
    if first + count > len(samples) // front_end.hop_length + 1:
        raise ValueError(
            f"segment {number} begins at frame {first} and ends beyond the {len(samples)} samples"
        )
    sound = frame_samples(samples, front_end, first, count)
    power = mel_transform(front_end).spectrogram(sound)
    mel = mel_transform(front_end).mel_scale(power)
    db = power_to_db(mel, front_end, torch.tensor(loudest))
    segment = cut_segments(db, plan_segments(count, segments.width))  # [1, 1, M, W]
    calls = _calls(segment, classifier)
    (embedding,), (logits,) = calls["linear"][0][0], calls["linear"][1]
    scaled = classifier.checkpoint.scaled(logits.double()).numpy()
    attention = calls["attention"][1][0].softmax(dim=0).squeeze(1) if "attention" in calls else None
    layers = range(len(classifier.network.convolutions))
    return Trace(
        number=number,
        segments=segments,
        start=first * front_end.hop_seconds,
        loudest=loudest,
        samples=sound,
        power=power,
        mel=mel,
        db=db,
        segment=segment[0],
        normalised=calls["normalise"][1][0],
        maps=tuple(calls[f"convolutions.{layer}"][1][0] for layer in layers),
        states=calls["gru"][1][0][0],
        attention=attention,
        embedding=embedding,
        logits=logits,
        scaled=scaled,
        probabilities=torch.from_numpy(scaled).softmax(dim=-1).numpy(),
    )


def _calls(segment: Tensor, classifier: Classifier) -> dict[str, tuple[Any, Any]]:
    """Inputs and outputs of the network's modules for one segment [1, 1, M, W], by their names."""
    calls: dict[str, tuple[Any, Any]] = {}
    with classifier.exclusive() as network:
        handles = [
            module.register_forward_hook(
                lambda _, inputs, output, name=name: calls.update({name: (inputs, output)})
            )
            for name, module in network.named_modules()
        ]
        try:
            network(segment)
        finally:
            for handle in handles:
                handle.remove()
    return calls


def step_seconds(front_end: FrontEnd, config: ModelConfig) -> float:
    """Length of a time step of the recurrent layers: the frames that pooling joined."""
    return front_end.hop_seconds * math.prod(time_pool for _, time_pool in config.pools)


def loudest_frame(trace: Trace) -> int:
    """Number, within the segment, of the frame with the most power."""
    return int(trace.power.sum(dim=0).argmax())


def windowed_frame(
    trace: Trace, front_end: FrontEnd, frame: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Samples of one frame and the window they are multiplied with, [n_fft] each."""
    start = frame * front_end.hop_length
    window: Tensor = mel_transform(front_end).spectrogram.window
    return trace.samples[start : start + front_end.n_fft].numpy(), window.numpy()
