"""What augmentation gives in the Lab's small training: both networks, over several seeds."""

import time
from collections.abc import Sequence
from typing import Any

import torch

from crnn.audio.decode import decode
from crnn.audio.mel import log_mel
from crnn.augment.comparison import FRONT_END, NAMES, SETS, STEPS, Comparison, by_half
from crnn.sources.examples import EXAMPLES
from training.evaluation import tables


def measure(seeds: Sequence[int], steps: int = STEPS) -> dict[str, Any]:
    """Accuracy and loss on the validation halves of the bundled clips, for each of SETS.

    `seconds_each`: processor time of one training of both networks.
    """
    mels = [
        log_mel(
            torch.from_numpy(decode(clip.file, sample_rate=22_050, downmix="mean").samples),
            FRONT_END,
        )
        for clip in EXAMPLES.values()
    ]
    runs = [f"seed {seed}" for seed in seeds]
    figures: dict[str, list[dict[str, float]]] = {}
    begin = time.process_time()
    for name, strengths in SETS.items():
        for seed in seeds:
            comparison = Comparison(by_half(mels), strengths, seed, steps)
            while not comparison.done:
                comparison.advance()
            last = comparison.history[-1]
            for network, title in enumerate((NAMES[0], name)):
                if network or name == next(iter(SETS)):  # without, it is the same every time
                    figures.setdefault(title, []).append(
                        {
                            "segment_accuracy": last.validation[network],
                            "validation_loss": last.validation_loss[network],
                            "training_accuracy": last.training[network],
                        }
                    )
    seconds = (time.process_time() - begin) / len(seeds) / len(SETS)
    rows = [tables.row(name, tables.collect(each), runs) for name, each in figures.items()]
    return tables.table(
        "live",
        "The Lab's small training",
        f"Which of the {len(mels)} bundled clips is a moment from? First half of each for "
        f"training, second for validation; {steps} steps, 8 to 16 filters; sd over "
        f"{len(seeds)} seeds.",
        rows,
        seconds_each=round(seconds, 1),
    )
