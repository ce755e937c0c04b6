"""How large a network may be that comes from elsewhere: what its config.json asks for is checked before anything is built.

Without these bounds a config of a few hundred bytes could ask for gigabytes, or for hours of everyone's processor. Each is several
times what the paper's own settings need.
"""

import math
import re

from crnn.audio.front_end import FrontEnd
from crnn.model.network import ModelConfig

# [channels × bands × steps] of one segment, largest of all layers: the paper's 10 s take 3.5 million.
LARGEST_MAP = 4_000_000
# Multiplications a second of sound: the paper's network on 10 s takes 70 million.
MOST_WORK = 500_000_000
MOST_LAYERS, MOST_LABELS, LONGEST_LABEL = 12, 100, 40
# Numbers a second in the spectrogram: the paper's 128 bands every 23 ms are 5500.
FINEST_PICTURE = 30_000

_TASK = re.compile(r"[a-z][a-z0-9 -]{0,29}")
# Labels stand in sentences and figures that read Markdown and HTML.
_MARKUP = set("<>[]`$\\{}|*&")


def check(
    task: str,
    labels: tuple[str, ...],
    seconds: float,
    temperature: float,
    front_end: FrontEnd,
    model: ModelConfig,
) -> None:
    """Raises ValueError with the first thing that is out of bounds: what was found, and what is accepted."""
    check_labels(task, labels)
    _within("segment_seconds", seconds, 0.2, 60)
    # 0 and below are told by the checkpoint itself.
    _within("temperature", temperature, -math.inf, 100)
    _front_end(front_end)
    _model(model, seconds)


def check_labels(task: str, labels: tuple[str, ...]) -> None:
    """The part of check that needs no network. Raises ValueError."""
    if not _TASK.fullmatch(task):
        raise ValueError(f"task {task[:40]!r}: up to 30 small letters are needed")
    if not 2 <= len(labels) <= MOST_LABELS:
        raise ValueError(f"{len(labels)} labels; 2 to {MOST_LABELS} are accepted")
    for label in labels:
        if not (
            0 < len(label) <= LONGEST_LABEL
            and label.isprintable()
            and label.strip()
            and not _MARKUP & set(label)
        ):
            raise ValueError(
                f"label {label[:60]!r}: 1 to {LONGEST_LABEL} printable characters without markup are needed"
            )


def _front_end(front_end: FrontEnd) -> None:
    _within("sample_rate", front_end.sample_rate, 2_000, 48_000)
    _within("n_fft", front_end.n_fft, 16, 16_384)
    _within("n_mels", front_end.n_mels, 1, 512)
    _within("top_db", front_end.top_db, 1, 300)
    if front_end.reference != "max":
        _within("reference", front_end.reference, 1e-12, 1e12)
    _within(
        "spectrogram values a second", front_end.n_mels / front_end.hop_seconds, 0, FINEST_PICTURE
    )
    _within("frames a second", 1 / front_end.hop_seconds, 0.5, 500)


def _model(model: ModelConfig, seconds: float) -> None:
    _within("convolutions", len(model.channels), 1, MOST_LAYERS)
    _within("size of the largest feature map", model.largest_map, 1, LARGEST_MAP)
    _within("multiplications a second of sound", model.multiplications / seconds, 0, MOST_WORK)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN, too
        raise ValueError(f"{name} is {value:.6g}; {low:g} to {high:g} is accepted")
