"""Analyses of the example clips by the bundled networks, stored beside them to open at once.

`python -m crnn.prepared` computes them again: after a clip, a checkpoint or the analysis changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import crnn
from crnn import audio, inference, labels, model, viz
from crnn.sources.examples import EXAMPLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crnn.audio.decode import Waveform


@dataclass(frozen=True)
class Prepared:
    """What is stored of a clip.

    Attributes:
        record: versions of the networks, properties of the sound, and the predictions, as JSON.
        mel: log-mel spectrogram by the first network's front end, [M, F] in dB.
        peaks: of the waveform, by `viz.player.peaks`.
        cover: a small picture of the spectrogram in its genre's colour, [H, W, 3].
    """

    record: dict[str, Any]
    mel: NDArray[np.float32]
    peaks: NDArray[np.uint8]
    cover: NDArray[np.uint8]

    def analysis(
        self, classifiers: Sequence[inference.Classifier]
    ) -> tuple[Waveform, inference.Analysis] | None:
        """As `decode_and_predict` returns them; None if other networks predicted."""
        if self.record["networks"] != [network.checkpoint.identity for network in classifiers]:
            return None
        import torch  # noqa: PLC0415 - not needed for the first page

        stored = self.record["waveform"]
        samples = np.broadcast_to(np.float32(0), stored["samples"])
        waveform = audio.decode.Waveform(
            **stored | {"samples": samples, "notices": tuple(stored["notices"])}
        )
        mel, front_end = torch.from_numpy(self.mel), classifiers[0].front_end
        predictions = tuple(map(_prediction, self.record["predictions"]))
        return waveform, inference.Analysis(mel, front_end, predictions, {front_end: mel})


def read(clip: Path) -> Prepared:
    """What is stored beside a clip."""
    with np.load(clip.with_suffix(".npz")) as stored:
        record = json.loads(str(stored["record"]))
        return Prepared(record, stored["mel"], stored["peaks"], stored["cover"])


def compute(clip: Path, classifiers: Sequence[inference.Classifier]) -> Prepared:
    """Analyse a clip for `write`."""
    peaks: list[NDArray[np.uint8]] = []
    waveform, analysis = inference.decode_and_predict(
        clip,
        classifiers,
        on_decoded=lambda found: peaks.append(viz.player.peaks(found.samples, found.sample_rate)),
    )
    record = {
        "networks": [network.checkpoint.identity for network in classifiers],
        "waveform": vars(waveform) | {"samples": len(waveform.samples)},
        "predictions": [asdict(prediction) for prediction in analysis.predictions],
    }
    genre, mel = analysis.predictions[0], analysis.mel.numpy()
    top = labels.OTHER if genre.ood is not None and genre.ood.is_ood else genre.top(1)[0][0]
    return Prepared(
        json.loads(json.dumps(record, default=np.ndarray.tolist)),
        mel,
        peaks[0],
        viz.player.cover(mel, labels.colours(genre.labels)[top]),
    )


def write(clip: Path, prepared: Prepared) -> None:
    """Store an analysis beside its clip."""
    arrays = vars(prepared) | {"record": json.dumps(prepared.record)}
    np.savez_compressed(clip.with_suffix(".npz"), **arrays)


def _prediction(stored: dict[str, Any]) -> inference.Prediction:
    arrays = {name: np.array(stored[name]) for name in ("probabilities", "starts", "overall")}
    ood = stored["ood"] and model.ood.OODScore(**stored["ood"])
    silent = tuple((start, end) for start, end in stored["silent"])
    rest = {"labels": tuple(stored["labels"]), "ood": ood, "silent": silent}
    return inference.Prediction(**stored | arrays | rest)


if __name__ == "__main__":
    bundled = [crnn.load("genre"), crnn.load("mood")]
    for example in EXAMPLES.values():
        write(example.file, compute(example.file, bundled))
