"""Laws of the table of compared tracks: rows add up, sort, and do not depend on the order."""

from dataclasses import replace
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
    assert list(rows["Track"]) == [track.name for track in TRACKS[::-1]]  # the newest on top
    assert [TRACKS[i].name for i in rows.index] == list(rows["Track"])
    assert frame(TRACKS, "length")["Track"].iloc[0] == "white"


def test_a_single_track_has_no_nearest() -> None:
    assert "Sounds most like" not in frame(TRACKS[:1])


def test_two_networks_may_share_a_label() -> None:
    predictions = (prediction("genre", [[0.9, 0.1]]), prediction("mood", [[0.2, 0.8]]))
    both = TrackSummary("x", "1", 3.0, predictions, (np.ones(2), np.ones(2)))
    row = frame([both]).iloc[0]
    assert row["A (genre)"] == pytest.approx(90)
    assert row["A (mood)"] == pytest.approx(20)


def test_a_class_may_be_called_as_a_column_or_an_order() -> None:
    """Its column is another one: none is lost, and sorting by it sorts by it."""
    labels = ("name", "track", "length", "Length (s)", "order added", "dark", "Dark")
    mood = prediction("mood", [[0.1, 0.2, 0.3, 0.1, 0.1, 0.15, 0.05]], "1234567")
    genre = prediction("genre", [[0.2, 0.3, 0.1, 0.1, 0.1, 0.05, 0.15]], "1234567")
    both = TrackSummary(
        "x",
        "1",
        3.0,
        (
            replace(genre, labels=(*labels[:-1], "else")),
            replace(mood, labels=(*labels[:-2], "Dark", "e")),
        ),
        (np.ones(2), np.ones(2)),
    )
    columns = class_columns([both])
    assert len(columns) == 14
    for order in ("order added", "name", "length", *columns):
        table_ = frame([both], order)
        assert len(table_.columns) == len(set(table_.columns)) == 14 + 7
        assert table_["Track"].tolist() == ["x"]
