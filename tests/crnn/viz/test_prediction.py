"""Figures of one and of several predictions: every class in its colour, every name as text."""

import json
import re
from urllib.parse import unquote

import numpy as np
import pytest

from crnn.inference import similarity
from crnn.inference.prediction import Prediction
from crnn.labels import GENRE_COLOURS, GENRES, OTHER_COLOUR, display
from crnn.viz import prediction as figures
from tests.crnn.inference.test_similarity import TRACKS, made


def genres(seed: int = 0) -> Prediction:
    row = np.random.default_rng(seed).dirichlet(np.full(10, 0.5))
    return Prediction("genre", GENRES, row[None], np.zeros(1), 3.0, row)


def test_bars_show_every_class_sorted_with_its_colour_and_percentage() -> None:
    ranked = genres(1).ranked()[::-1]
    bars = figures.distribution(genres(1), "All").data[0]
    assert list(bars.y) == [display(label) for label, _ in ranked]
    assert sum(bars.x) == pytest.approx(100)
    assert list(bars.marker.color) == [GENRE_COLOURS[label] for label, _ in ranked]
    assert bars.text[-1].endswith("%")


def test_a_small_bar_has_the_top_three_and_the_rest_in_their_colours() -> None:
    for track in TRACKS:
        parts = re.findall(
            "<rect x='(.+?)' width='(.+?)' height='30' fill='(.+?)'",
            unquote(figures.bar(track.predictions[0])),
        )
        top = track.predictions[0].top(3)
        assert [c for _, _, c in parts] == [
            GENRE_COLOURS.get(label, OTHER_COLOUR) for label, _ in top
        ]
        edges = [float(x) for x, _, _ in parts] + [100.0]
        np.testing.assert_allclose(np.diff(edges), [100 * p for _, p in top], atol=0.11)


def test_the_map_has_every_track_by_name_in_the_colour_of_its_genre() -> None:
    points = similarity.plane(similarity.cosine(TRACKS))
    trace = figures.similarity_map(TRACKS, points, "Map").data[0]
    assert list(trace.text) == [track.name for track in TRACKS]
    tops = [track.predictions[0].top(1)[0][0] for track in TRACKS]
    assert list(trace.marker.color) == [GENRE_COLOURS[label] for label in tops]


def test_a_name_in_a_figure_is_text_not_markup() -> None:
    hostile = made('<a href="x">y</a>', 5)
    points = np.zeros((1, 2))
    figure = figures.similarity_map([hostile], points, "Map").to_plotly_json()
    spec = json.dumps(figure, default=str)
    assert "<a href" not in spec
    assert "&lt;a href" in spec


def test_similarities_stand_in_their_cells() -> None:
    similarities = similarity.cosine(TRACKS)
    figure = figures.similarity_matrix(TRACKS, similarities, "Similarity")
    np.testing.assert_array_equal(figure.data[0].z, similarities)
    assert (figure.data[0].zmin, figure.data[0].zmax) == (-1, 1)
