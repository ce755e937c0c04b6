"""Laws of the table of compared tracks: rows add up, sort, and do not depend on the order."""

from itertools import chain

import numpy as np
import pandas as pd
import pytest

from crnn.inference.similarity import TrackSummary, cosine
from crnn.labels import GENRES, MOODS, display
from pages.compare.view import class_columns, table
from tests.crnn.inference.test_similarity import TRACKS
from tests.pages.text.test_predictions import prediction

GENRE_NAMES, MOOD_NAMES = list(map(display, GENRES)), list(map(display, MOODS))


def frame(tracks: list[TrackSummary], order: str = "order added") -> pd.DataFrame:
    return table(tracks, cosine(tracks), class_columns(tracks), order)


def test_order_changes_no_row() -> None:
    there, back = frame(TRACKS, "name"), frame(TRACKS[::-1], "name")
    assert list(there["Track"]) == ["blue", "green", "red", "white"]
    pd.testing.assert_frame_equal(there.reset_index(drop=True), back.reset_index(drop=True))


def test_rows_add_up_to_100_and_sort_by_any_class() -> None:
    for name in chain(GENRES, MOODS):
        assert frame(TRACKS, name)[display(name)].is_monotonic_decreasing
    rows = frame(TRACKS)
    for names in (GENRE_NAMES, MOOD_NAMES):
        np.testing.assert_allclose(rows[names].sum(axis=1), 100)
    assert list(rows["Track"]) == [track.name for track in TRACKS]
    assert frame(TRACKS, "length")["Track"].iloc[0] == "white"


def test_a_single_track_has_no_nearest() -> None:
    assert "Sounds most like" not in frame(TRACKS[:1])


def test_two_networks_may_share_a_label() -> None:
    predictions = (prediction("genre", [[0.9, 0.1]]), prediction("mood", [[0.2, 0.8]]))
    both = TrackSummary("x", "1", 3.0, predictions, (np.ones(2), np.ones(2)))
    row = frame([both]).iloc[0]
    assert row["A (genre)"] == pytest.approx(90)
    assert row["A (mood)"] == pytest.approx(20)
