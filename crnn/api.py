"""Load checkpoints, and analyse an audio file with the bundled ones."""

from functools import lru_cache
from pathlib import Path

from crnn.inference.analysis import Analysis, decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint


def load(source: str | Path) -> Classifier:
    """Load a checkpoint, ready to predict.

    Args:
        source: "genre" or "mood" for the bundled ones, a folder, or "user/repo[@revision]" on the
            Hugging Face Hub.

    Raises:
        CheckpointError: it is missing, damaged, too large, or not a checkpoint of this project.
    """
    return Classifier(Checkpoint.load(source))


def analyse(source: str | Path | bytes) -> Analysis:
    """Predict genre and mood of an audio file, by the bundled networks.

    They are loaded at the first call and kept.

    Args:
        source: the file's path, or its content; any format that `decode` reads.

    Returns:
        The log-mel spectrogram of the genre network's front end and, by task, a `Prediction`:
        `analysis["genre"].top(3)`.

    Raises:
        AudioError: the file holds no audio that can be decoded, or only silence.
    """
    return decode_and_predict(source, _bundled())[1]


@lru_cache(maxsize=1)
def _bundled() -> tuple[Classifier, Classifier]:
    return load("genre"), load("mood")
