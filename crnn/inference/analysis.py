"""The whole line at once: bytes or a file in, spectrogram and every network's prediction out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from crnn.audio.decode import Waveform, decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model import ood
from crnn.model.hub import Progress


@dataclass(frozen=True)
class Analysis:
    """A track's log-mel spectrogram [M, F] by the first classifier's front end, and one Prediction per classifier."""

    mel: Tensor
    front_end: FrontEnd
    predictions: tuple[Prediction, ...]


def decode_and_predict(
    source: bytes | Path, classifiers: Sequence[Classifier], progress: Progress | None = None
) -> tuple[Waveform, Analysis]:
    """Decode, transform and classify; what several classifiers have in common is done once.

    progress: called with the share done, 0 to 1. Returns the first classifier's waveform with the analysis.
    Raises AudioError for anything that can't be heard.
    """
    waveforms: dict[tuple[int, str], Waveform] = {}
    mels: dict[FrontEnd, Tensor] = {}
    described: dict[FrontEnd, ood.Array | None] = {}
    predictions = []
    for number, classifier in enumerate(classifiers):
        front_end = classifier.checkpoint.front_end
        heard_as = (front_end.sample_rate, front_end.downmix)
        if heard_as not in waveforms:
            waveforms[heard_as] = decode(
                source, sample_rate=front_end.sample_rate, downmix=front_end.downmix
            )
        if front_end not in mels:
            mels[front_end] = log_mel(waveforms[heard_as].samples, front_end)

        def report(share: float, done: int = number) -> None:
            if progress is not None:
                progress((done + share) / len(classifiers))

        prediction = classifier.predict(mels[front_end], progress=report)
        if (usual := classifier.checkpoint.ood) is not None:
            if front_end not in described:
                described[front_end] = ood.features(mels[front_end], front_end)
            prediction = replace(prediction, ood=usual.detect(described[front_end]))
        predictions.append(prediction)
    first = classifiers[0].checkpoint.front_end
    waveform = next(iter(waveforms.values()))
    return waveform, Analysis(mels[first], first, tuple(predictions))


def log_mel_for(classifier: Classifier, analysis: Analysis, source: bytes | Path) -> Tensor:
    """The whole track as a network's own front end shows it, [M, F]: the analysis's where it is the same, else made again."""
    front_end = classifier.checkpoint.front_end
    if front_end == analysis.front_end:
        return analysis.mel
    return log_mel(
        decode(source, sample_rate=front_end.sample_rate, downmix=front_end.downmix).samples,
        front_end,
    )
