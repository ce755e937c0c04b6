"""From an audio file to its spectrogram and the predictions of several classifiers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch import Tensor

from crnn.audio.decode import Downmix, Waveform, decode
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import log_mel
from crnn.format import duration
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model import ood
from crnn.model.hub import Progress

# `crnn.decode` or one with its arguments, such as crnn.audio.worker's.
Decoder = Callable[..., Waveform]


@dataclass(frozen=True)
class Analysis(Mapping[str, Prediction]):
    """A track's predictions by task: `analysis["genre"].top(3)`.

    Attributes:
        mel: log-mel spectrogram of the track by the first classifier's front end, [M, F] in dB.
        front_end: that front end.
        predictions: one of each classifier, in their order.
        mels: that of every classifier's front end.
    """

    mel: Tensor
    front_end: FrontEnd
    predictions: tuple[Prediction, ...]
    mels: Mapping[FrontEnd, Tensor] = field(default_factory=dict)

    def __getitem__(self, task: str) -> Prediction:
        for prediction in self.predictions:
            if prediction.task == task:
                return prediction
        raise KeyError(task)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(prediction.task for prediction in self.predictions))

    def __len__(self) -> int:
        return len({prediction.task for prediction in self.predictions})


def decode_and_predict(
    source: str | Path | bytes,
    classifiers: Sequence[Classifier],
    progress: Progress | None = None,
    decoder: Decoder = decode,
    on_decoded: Callable[[Waveform], object] | None = None,
) -> tuple[Waveform, Analysis]:
    """Decode, transform and classify; what several classifiers have in common is done once.

    Args:
        source: an audio file, or its content.
        progress: called with the fraction done.
        decoder: decodes the source, in this process unless it is the worker's.
        on_decoded: called with the waveform as the first classifier's front end needs it.

    Returns:
        That waveform without its samples, which are freed before the prediction, and with a notice
        of the silence that was left out; and the analysis.

    Raises:
        AudioError: there is nothing in it that could be decoded, or only silence.
    """
    waveforms: dict[tuple[int, Downmix], Waveform] = {}
    mels: dict[FrontEnd, Tensor] = {}
    for front_end in dict.fromkeys(classifier.front_end for classifier in classifiers):
        key = front_end.sample_rate, front_end.downmix
        if key not in waveforms:
            waveforms[key] = decoder(source, sample_rate=key[0], downmix=key[1])
        if on_decoded is not None and not mels:
            on_decoded(waveforms[key])
        mels[front_end] = log_mel(waveforms[key], front_end)
    waveforms = {key: waveform.without_samples() for key, waveform in waveforms.items()}
    windows = {front_end: ood.features(mel, front_end) for front_end, mel in mels.items()}
    predictions = []
    for number, classifier in enumerate(classifiers):
        front_end = classifier.front_end

        def report(fraction: float, done: int = number) -> None:
            if progress is not None:
                progress((done + fraction) / len(classifiers))

        prediction = classifier.predict(mels[front_end], progress=report)
        detector = classifier.checkpoint.ood
        score = detector.detect(windows[front_end]) if detector is not None else None
        seconds = waveforms[front_end.sample_rate, front_end.downmix].seconds
        predictions.append(replace(prediction, ood=score, seconds=seconds))
    first = classifiers[0].front_end
    analysis = Analysis(mels[first], first, tuple(predictions), mels)
    decoded = waveforms[first.sample_rate, first.downmix]
    silent = sum(min(end, decoded.seconds) - start for start, end in predictions[0].silent)
    if silent > 0:
        notice = (
            f"{duration(silent)} of {duration(decoded.seconds)} are silent (below −80 dBFS) and "
            "were left out of the predictions."
        )
        decoded = replace(decoded, notices=(*decoded.notices, notice))
    return decoded, analysis


def log_mel_for(
    classifier: Classifier,
    analysis: Analysis,
    source: str | Path | bytes,
    decoder: Decoder = decode,
) -> Tensor:
    """The analysed track's spectrogram by a classifier's own front end, [M, F]."""
    front_end = classifier.front_end
    if front_end in analysis.mels:
        return analysis.mels[front_end]
    waveform = decoder(source, sample_rate=front_end.sample_rate, downmix=front_end.downmix)
    return log_mel(waveform, front_end)
