"""The small training in sentences."""

from typing import Any

import torch

from crnn.augment.comparison import SETS, Evaluation
from pages.text import training as text


def evaluation(step: int, training: float, validation: float) -> Evaluation:
    return Evaluation(step, (training, 0), (validation, 0), (0, 0), (0, 0), torch.zeros(2, 1, 2))


def test_the_gap_is_named() -> None:
    assert "not learned anything" in text.gap(evaluation(0, 0.1, 0.1), 0)
    assert "still learning" in text.gap(evaluation(9, 0.6, 0.2), 0)
    assert "**19 points**" in text.gap(evaluation(9, 1, 0.81), 0)
    assert "small gap" in text.gap(evaluation(9, 1, 0.95), 0)


def test_answers_mark_the_correct_song() -> None:
    titles = ["Lava", "Palace"]
    assert text.answer([0.3, 0.7], titles, 1) == (
        ":material/check_circle: **Palace 70%**  \nthen Lava 30%"
    )
    assert ":material/cancel:" in text.answer([0.3, 0.7], titles, 0)


def measured(without: list[float], after: list[float]) -> dict[str, Any]:
    def row(name: str, each: list[float]) -> dict[str, Any]:
        accuracy = {"mean": sum(each) / len(each), "sd": 0.02, "each": each}
        return {"name": name, "segment_accuracy": accuracy, "validation_loss": {"mean": 1.0}}

    return {"rows": [row("Without augmentation", without), row("White noise", after)]}


def test_an_effect_within_the_spread_is_called_that() -> None:
    assert "within the spread" in text.finding(measured([0.8, 0.8], [0.79, 0.82]), "White noise")
    better = text.finding(measured([0.8, 0.8], [0.85, 0.87]), "White noise")
    assert "gains 6.0 points, in 2 of 2 seeds" in better
    worse = text.finding(measured([0.8, 0.8], [0.81, 0.5]), "White noise")
    assert "loses 14.5 points, in 1 of 2 seeds" in worse
    assert "not been measured" in text.finding(measured([0.8], [0.8]), "As set in Experiment")


def test_every_part_of_a_set_is_said() -> None:
    said = [text.setting(strengths) for strengths in SETS.values()]
    assert said == [
        "Augmentation, anew for each crop: random equaliser up to ±6 dB, random gain up to ±3 dB, "
        "1 frequency mask up to 16 bands, 1 time mask up to 0.3 s.",
        "Augmentation, anew for each crop: white noise at a random ratio from 10 to 40 dB.",
    ]
