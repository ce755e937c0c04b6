"""Every interval is the mean of the segments that cover it, and sections leave no gap."""

from dataclasses import replace

import numpy as np
import pytest

from crnn.inference.prediction import Prediction
from crnn.inference.timeline import Timeline, sections


def prediction(rows: list[list[float]], starts: list[float], seconds: float = 3.0) -> Prediction:
    table = np.array(rows)
    return Prediction("toy", ("a", "b", "c"), table, np.array(starts), seconds, table.mean(axis=0))


OVERLAPPING = prediction([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], [0.0, 1.5, 3.0])


def test_a_moment_is_the_mean_of_the_segments_that_cover_it() -> None:
    found = OVERLAPPING.timeline(6.0)
    assert found.edges.tolist() == [0.0, 1.5, 3.0, 4.5, 6.0]
    assert found.probabilities.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]]


def test_rows_sum_to_one_and_identical_segments_stay_themselves() -> None:
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), 28)
    found = prediction(rows.tolist(), (np.arange(28) * 0.97).tolist()).timeline(29.3)
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert (found.edges[0], found.edges[-1]) == (0.0, 29.3)
    same = prediction([[0.2, 0.3, 0.5]] * 28, (np.arange(28) * 0.97).tolist()).timeline(29.3)
    assert np.allclose(same.probabilities, [0.2, 0.3, 0.5])


def test_a_track_shorter_than_a_segment_is_one_moment() -> None:
    found = prediction([[0.1, 0.7, 0.2]], [0.0]).timeline(0.5)
    assert found.edges.tolist() == [0.0, 0.5]
    assert [(section.label, section.end) for section in sections(found)] == [("b", 0.5)]


def test_a_track_a_little_longer_than_its_last_segment_has_no_empty_moment() -> None:
    found = prediction([[1.0, 0, 0], [0, 1.0, 0]], [0.0, 3.0]).timeline(6.06)
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.at(6.05) == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_at_answers_for_every_second() -> None:
    found = OVERLAPPING.timeline(6.0)
    assert found.at(-1) == found.at(0)
    assert found.at(2.0) == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert found.at(99) == found.at(5.9)


def test_sections_join_equal_leaders_and_leave_no_gap() -> None:
    found = Timeline(
        ("a", "b"),
        np.arange(6.0),
        np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4], [0.6, 0.4]]),
    )
    parts = sections(found)
    assert [(p.label, p.start, p.end) for p in parts] == [("a", 0, 2), ("b", 2, 3), ("a", 3, 5)]
    assert parts[0].probability == pytest.approx(0.8)


def test_without_a_length_the_track_ends_with_its_last_segment() -> None:
    assert OVERLAPPING.timeline().edges[-1] == 6.0
    assert replace(OVERLAPPING, seconds=5.5).timeline().edges[-1] == 5.5
