"""One segment on its way from samples to shares, stage by stage, by the very functions and modules that serve.

    samples ─> STFT power ─> mel power ─> dB ─> segment ─> normalised ─> feature maps ─> GRU states ─> embedding ─> logits ─> shares
    [N]        [n_fft/2+1, W] [M, W]      [M, W] [1, M, W]  [1, M, W]     [C, M', W']     [W', H]       [H]          [K]      [K]

Only what the segment needs is computed; the one thing it takes from the rest of the track is how loud its loudest moment is.
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
from crnn.model.segments import Segments, cut

# Below any power that sound has; keeps the decibels of digital silence finite.
_LEAST_POWER = 1e-20


@dataclass(frozen=True)
class Trace:
    """Every intermediate of one segment, shapes as in the module's docstring.

    number: its place in `segments` (the track's); start: seconds at which it begins. Where the track is shorter than a segment,
    samples to db are those of the track, [.., F], and segment repeats them. loudest: power of the track's loudest value.
    attention: weights of the steps [W'], where the network's readout has them. probabilities: after temperature, float64.
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
        """By the names that sizes() uses."""
        found = {
            f"map {number}": tuple(picture.shape)
            for number, picture in enumerate(self.maps, start=1)
        }
        names = (
            "samples",
            "power",
            "mel",
            "db",
            "segment",
            "states",
            "embedding",
            "logits",
            "probabilities",
        )
        return {name: tuple(getattr(self, name).shape) for name in names} | found


def loudest_power(mel: Tensor, samples: Tensor, front_end: FrontEnd) -> float:
    """Power of a track's loudest value, from its log-mel picture [M, F] in dB and its samples [T], or the first of them.

    Where 0 dB is the loudest value, one frame heard again says how much power that was.
    """
    if front_end.reference != "max":
        return float(front_end.reference * 10 ** (mel.max().double() / 10))
    within = max(1, min(mel.shape[1], (len(samples) - 1) // front_end.hop_length + 1))
    frame = int(mel[:, :within].amax(dim=0).argmax())
    here = mel_transform(front_end)(frame_samples(samples, front_end, frame, 1)).max().double()
    return max(_LEAST_POWER, float(here / 10 ** (mel[:, frame].max().double() / 10)))


def frame_samples(samples: Tensor, front_end: FrontEnd, first: int, count: int) -> Tensor:
    """The samples that `count` frames from number `first` look at, zeros beyond the sound's ends.

    Shape: [T] -> [(count − 1) · hop_length + n_fft]. Frame n is centred at sample n · hop_length.
    """
    start = first * front_end.hop_length - front_end.n_fft // 2
    length = (count - 1) * front_end.hop_length + front_end.n_fft
    piece = samples[max(0, start) : max(0, start + length)]
    before = max(0, -start)
    return nn.functional.pad(piece, (before, length - before - len(piece)))


@torch.inference_mode()
def trace(
    samples: Tensor, segments: Segments, number: int, loudest: float, classifier: Classifier
) -> Trace:
    """All stages of the segment `number` of a track whose samples [T] (or the first of them) are given.

    Raises ValueError where the segment reaches beyond the samples.
    """
    front_end = classifier.checkpoint.front_end
    first = segments.starts[number]
    # A track that is shorter than a segment: all frames it has.
    count = min(segments.width, len(samples) // front_end.hop_length + 1 - first)
    if count < 1 or (count < segments.width and not segments.repeated):
        raise ValueError(
            f"segment {number} begins at frame {first} and ends beyond the {len(samples)} samples"
        )
    sound = frame_samples(samples, front_end, first, count)
    power = mel_transform(front_end).spectrogram(sound)
    mel = mel_transform(front_end).mel_scale(power)
    db = power_to_db(mel, front_end, torch.tensor(loudest))
    segment = cut(db, Segments((0,), (1.0,), segments.width, segments.repeated))  # [1, 1, M, W]
    seen = _seen(segment, classifier)
    logits = seen["logits"]
    scaled = (logits.double() / classifier.checkpoint.temperature).numpy()
    attention = seen.get("attention")
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
        normalised=seen["normalise"],
        maps=tuple(
            seen[f"map {layer}"] for layer in range(1, len(classifier.network.convolutions) + 1)
        ),
        states=seen["gru"],
        attention=None if attention is None else attention.softmax(dim=0).squeeze(1),
        embedding=seen["embedding"],
        logits=logits,
        scaled=scaled,
        probabilities=torch.from_numpy(scaled).softmax(dim=-1).numpy(),
    )


def _seen(segment: Tensor, classifier: Classifier) -> dict[str, Tensor]:
    """What each module of the network gave out for one segment [1, 1, M, W], while it ran as it always runs."""
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(_: nn.Module, inputs: Any, output: Any) -> None:
            # The recurrent layers also give their last states; the linear layer is asked for what it was given.
            seen[name] = (output[0] if isinstance(output, tuple) else output)[0]
            if name == "logits":
                seen["embedding"] = inputs[0][0]

        return hook

    with classifier.exclusive() as network:
        watched = {"normalise": network.normalise, "gru": network.gru, "logits": network.linear}
        watched |= {
            f"map {number}": layer for number, layer in enumerate(network.convolutions, start=1)
        }
        if network.attention is not None:
            watched["attention"] = network.attention
        handles = [module.register_forward_hook(keep(name)) for name, module in watched.items()]
        try:
            network(segment)
        finally:
            for handle in handles:
                handle.remove()
    return seen


def stage_shapes(
    front_end: FrontEnd, config: ModelConfig, n_frames: int
) -> dict[str, tuple[int, ...]]:
    """The shape of each stage by its formula, from settings alone, for a track of n_frames frames."""
    width = min(config.frames, n_frames)
    found: dict[str, tuple[int, ...]] = {
        "samples": ((width - 1) * front_end.hop_length + front_end.n_fft,),
        "power": (front_end.n_fft // 2 + 1, width),
        "mel": (front_end.n_mels, width),
        "db": (front_end.n_mels, width),
        "segment": (1, front_end.n_mels, config.frames),
    }
    bands, steps = config.n_mels, config.frames
    for number, (channels, (band_pool, time_pool)) in enumerate(
        zip(config.channels, config.pools, strict=True), start=1
    ):
        bands, steps = bands // band_pool, steps // time_pool
        found[f"map {number}"] = (channels, bands, steps)
    hidden = config.gru * (2 if config.bidirectional else 1)
    return found | {
        "states": (steps, hidden),
        "embedding": (hidden,),
        "logits": (config.n_classes,),
        "probabilities": (config.n_classes,),
    }


def step_seconds(front_end: FrontEnd, config: ModelConfig) -> float:
    """How much time a step of the recurrent layers stands for: a frame for each that was joined on the way."""
    return front_end.hop_seconds * math.prod(time_pool for _, time_pool in config.pools)


def loudest_frame(stages: Trace) -> int:
    """Number, within the segment, of the frame with the most power."""
    return int(stages.power.sum(dim=0).argmax())


def windowed_frame(
    stages: Trace, front_end: FrontEnd, frame: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Samples of one frame and the window they are multiplied with, [n_fft] each."""
    start = frame * front_end.hop_length
    window: Tensor = mel_transform(front_end).spectrogram.window
    return stages.samples[start : start + front_end.n_fft].numpy(), window.numpy()
