"""A class's probability by strength: from the original on, step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.augment.plan import Strengths, analyse, display_front_end
from crnn.augment.robustness import NAMES, Sweep, curves, fixed_strengths, sweep
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from tests.conftest import melody

FINE = display_front_end(GTZAN_FRONT_END)
SOUND = torch.from_numpy(melody(3))


@pytest.fixture(scope="module")
def network(tiny: Checkpoint) -> Classifier:
    return Classifier(tiny)


def test_the_first_point_is_the_original(network: Classifier) -> None:
    progress: list[float] = []
    for name in NAMES:
        steps = sweep(name, FINE)
        (curve,) = curves(SOUND, [network], steps, progress=progress.append)
        plain = analyse(SOUND, [network])
        assert curve.label == plain.predictions[0].ranked()[0][0]
        assert curve.mean[0] == pytest.approx(plain.predictions[0].overall.max())
        assert len(curve.mean) == len(steps.steps) == len(curve.ticks)
        assert all(
            a <= b <= c for a, b, c in zip(curve.lowest, curve.mean, curve.highest, strict=True)
        )
    assert progress[-1] == 1.0


def test_it_follows_the_class_that_was_asked_for(network: Classifier) -> None:
    steps = Sweep("dB", (("none", Strengths()), ("-20", Strengths(snr_db=-20.0))))
    plain = analyse(SOUND, [network]).predictions[0]
    last = plain.ranked()[-1][0]
    (curve,) = curves(
        SOUND,
        [network],
        steps,
        fixed_strengths(Strengths(time_mask=50, noise="pink", seed=3)),
        labels=[last],
    )
    assert curve.label == last
    assert curve.mean[0] == pytest.approx(plain.to_dict()[last])


def test_others_have_their_turn_between_the_steps(network: Classifier) -> None:
    turns: list[str] = []

    @contextmanager
    def turn() -> Iterator[None]:
        turns.append("in")
        yield
        turns.append("out")

    steps = sweep("time", FINE)
    curves(SOUND, [network], steps, turn=turn)
    assert turns == ["in", "out"] * len(steps.steps)


def test_labels_are_in_the_seconds_of_the_front_end() -> None:
    assert sweep("time", FINE).steps[-1][0] == "3 s"
    assert sweep("time", replace(PAPER_FRONT_END, sample_rate=16_000)).steps[-1][0] == "4.1 s"
