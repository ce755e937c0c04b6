"""Predictions over time: areas on the spectrogram's axis, a path in the mood plane."""

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.inference.timeline import Timeline, sections
from crnn.labels import MOODS
from crnn.viz import timeline as figures


def test_areas_are_stacked_in_percent_on_the_spectrograms_axis() -> None:
    rows = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]])
    timeline = Timeline(("a", "b", "c"), np.array([0.0, 1.5, 3.0, 4.5, 6.0]), rows)
    figure = figures.over_time(
        np.full((128, 77), -20.0), GTZAN_FRONT_END, timeline, sections(timeline), moment=2.0
    )
    areas = figure.data[1:]
    assert figure.layout.xaxis.matches == "x2"
    assert np.sum([area.y for area in areas], axis=0) == pytest.approx(100)
    assert all(area.line.shape == "hv" for area in areas)
    changes = [shape for shape in figure.layout.shapes if shape.line.dash == "dot"]
    assert [shape.x0 for shape in changes] == [part.start for part in sections(timeline)[1:]]


def test_the_mood_plane_marks_start_and_end() -> None:
    rows = np.array([[label == mood for label in MOODS] for mood in ("Happy", "Sad")], float)
    figure = figures.valence_arousal(Timeline(MOODS, np.arange(3.0), rows))
    line, start, end = figure.data
    assert (start.x[0], start.y[0]) == (line.x[0], line.y[0]) == (1, 1)
    assert (end.x[0], end.y[0]) == (line.x[-1], line.y[-1]) == (-1, -1)
    text = " ".join(annotation.text for annotation in figure.layout.annotations)
    assert all(mood in text for mood in MOODS)
