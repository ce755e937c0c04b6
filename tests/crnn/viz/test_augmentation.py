"""Figures of the augmentation lab show the plan that was applied."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.augment.comparison import Evaluation
from crnn.augment.plan import Strengths, Version, display_front_end, largest_shifts, sample
from crnn.augment.robustness import Curve
from crnn.inference.prediction import Prediction
from crnn.viz import augmentation

ALL = Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink", seed=3)
FINE = display_front_end(GTZAN_FRONT_END)


def test_the_map_goes_through_the_moved_moment() -> None:
    plan = sample(ALL, 3.0, FINE)
    before, after = plan.pieces[0].warp  # type: ignore[misc]
    _, line, mark = augmentation.warp_map(plan).data
    assert (mark.x[0], mark.y[0]) == (after, before)
    assert list(line.x) == [0.0, after, 3.0]


def version(*probabilities: float) -> Version:
    p = np.array(probabilities)
    genre = Prediction("genre", ("rock", "metal", "hiphop"), p[None], np.zeros(1), 3.0, p)
    return Version(torch.zeros(128, 39), FINE, (genre,))


def test_shifts_are_the_largest_and_in_points() -> None:
    before, after = version(0.1, 0.7, 0.2), version(0.35, 0.447, 0.203)
    shifts = largest_shifts(before, after, 5)
    assert [shift.label for shift in shifts] == ["metal", "rock"]  # 0.3 points are none
    figure = augmentation.shifts(shifts)
    was, now = figure.data[-2:]
    assert list(was.y) == ["Rock (genre)", "Metal (genre)"]  # the largest on top
    assert list(was.x) == pytest.approx([10, 70])
    assert list(now.x) == pytest.approx([35, 44.7])
    assert [note.text for note in figure.layout.annotations] == ["+25", "−25"]
    assert [shift.label for shift in largest_shifts(before, after, 1)] == ["metal"]
    assert largest_shifts(before, before, 5) == []


def test_curves_are_in_percent_and_the_shade_spans_the_samples() -> None:
    curve = Curve("genre", "rock", "Shift", ("0 s", "1 s"), (0.5, 0.3), (0.5, 0.1), (0.5, 0.4))
    shade, line = augmentation.robustness([curve], "x").data
    assert list(line.y) == [50, 30]
    assert list(shade.y) == [50, 40, 10, 50]
    assert line.name == "Genre: Rock"


def points(network: int, loss: bool) -> list[list[str]]:
    """The shade's and both lines' points, in steps and percent from the top."""
    history = [
        Evaluation(step, (0.5, 0.2), (0.4, 0.3), (1.0, 2.0), (3.0, 4.0), torch.zeros(2, 1, 2))
        for step in (0, 10)
    ]
    svg = augmentation.learning(history, network, 600, loss, alt='"A" < B')
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == '"A" < B'
    assert 'viewBox="0 0 600 100"' in svg
    drawn = [*root.iter("polygon"), *root.iter("polyline")]
    return [str(each.get("points")).split() for each in drawn]


def test_learning_shades_the_gap_between_training_and_validation() -> None:
    gap, training, validation = points(1, loss=False)
    assert training == ["0,80.00", "10,80.00"]
    assert validation == ["0,70.00", "10,70.00"]
    assert gap == training + validation[::-1]


def test_losses_are_on_a_scale_that_holds_the_largest() -> None:
    _, training, validation = points(0, loss=True)
    assert training == ["0,66.67", "10,66.67"]
    assert validation == ["0,0.00", "10,0.00"]
