"""Figures of the augmentation lab show the plan that was applied."""

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.augment.plan import Strengths, analyse, display_front_end, sample
from crnn.augment.robustness import Curve
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.viz import augmentation
from tests.conftest import melody

ALL = Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink", seed=3)
FINE = display_front_end(GTZAN_FRONT_END)
SOUND = torch.from_numpy(melody(3))


@pytest.fixture(scope="module")
def network(tiny: Checkpoint) -> Classifier:
    return Classifier(tiny)


def compared(network: Classifier, **options: bool):  # type: ignore[no-untyped-def]
    plan = sample(ALL, 3.0, FINE)
    before, after = analyse(SOUND, [network]), analyse(SOUND, [network], plan)
    return augmentation.pair(before, after, plan, 6.0, **options), plan, before, after


def test_both_pictures_share_scale_and_time(network: Classifier) -> None:
    figure, plan, _, _ = compared(network)
    assert [trace.coloraxis for trace in figure.data] == ["coloraxis", "coloraxis"]
    assert figure.layout.xaxis.matches == "x2"
    assert float(figure.data[0].x[0]) == 6.0
    assert len(figure.layout.shapes) == len(plan.bands(plan.pieces[0])) + len(
        plan.pieces[0].time_masks
    )


def test_the_difference_is_after_minus_before(network: Classifier) -> None:
    figure, _, before, after = compared(network, difference=True)
    assert (
        np.abs(figure.data[2].z - (after.mel - before.mel).numpy()).max() <= 0.5
    )  # rounded to whole dB
    assert figure.layout.coloraxis2.cmin == -figure.layout.coloraxis2.cmax


def test_the_quiz_hides_the_outlines(network: Classifier) -> None:
    assert len(compared(network, outlined=False)[0].layout.shapes) == 0


def test_the_map_goes_through_the_moved_moment() -> None:
    plan = sample(ALL, 3.0, FINE)
    before, after = plan.pieces[0].warp  # type: ignore[misc]
    _, line, mark = augmentation.warp_map(plan).data
    assert (mark.x[0], mark.y[0]) == (after, before)
    assert list(line.x) == [0.0, after, 3.0]


def test_shifts_are_in_points(network: Classifier) -> None:
    _, _, before, after = compared(network)
    new, old, swatch = augmentation.probability_change(
        before.predictions[0], after.predictions[0], "Toy"
    ).data
    for label, was, now, text in zip(new.y, old.x, new.x, new.text, strict=True):
        assert was == pytest.approx(100 * before.predictions[0].to_dict()[label.lower()])
        assert text in (f"{now - was:+.0f}", "")
    assert (swatch.name, new.showlegend) == ("augmented", False)  # its bars have many colours


def test_curves_are_in_percent_and_the_shade_spans_the_samples() -> None:
    curve = Curve("genre", "rock", "Shift", ("0 s", "1 s"), (0.5, 0.3), (0.5, 0.1), (0.5, 0.4))
    shade, line = augmentation.robustness([curve], "x").data
    assert list(line.y) == [50, 30]
    assert list(shade.y) == [50, 40, 10, 50]
    assert line.name == "Genre: Rock"
