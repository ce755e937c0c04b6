"""Figures of the SVM baseline show its percentiles and both distributions."""

import numpy as np
import pytest

from crnn.baseline.ranges import FEATURES
from crnn.baseline.svm import SVM
from crnn.inference.prediction import Prediction
from crnn.labels import GENRES, display
from crnn.viz import baseline


@pytest.fixture(scope="module")
def svm() -> SVM:
    return SVM.load("genre")


def prediction(label: str) -> Prediction:
    row = np.where(np.array(GENRES) == label, 0.64, 0.04)
    return Prediction("genre", GENRES, row[None], np.zeros(1), 3.0, row)


def test_bars_span_the_ranges_and_a_line_marks_the_track(svm: SVM) -> None:
    figure = baseline.feature_ranges(FEATURES[0], svm, 2000.0)
    bars, ticks = figure.data
    for i, label in enumerate(GENRES[::-1]):
        low, median, high = svm.percentiles("spectral_centroid_mean")[label]
        assert (bars.base[i], bars.x[i], ticks.x[i]) == pytest.approx((low, high - low, median))
        inside = low <= 2000 <= high
        assert bars.y[i] == (f"<b>{display(label)}</b> ✓" if inside else display(label))
    assert figure.layout.shapes[0].x0 == 2000.0


def test_mfccs_are_marked_where_they_are_outside(svm: SVM) -> None:
    order = list(GENRES)
    medians = {name: svm.percentiles(name)["pop"][1] for name in svm.features}
    cells = baseline.mfccs(svm, medians | {"mfcc1_mean": 1e4}, order).data[0]
    assert cells.z.shape == (10, 20)
    assert (cells.text[:, 0] == "▲").all()
    assert (cells.z[order.index("pop"), 1:] == 0).all()
    assert cells.y[order.index("pop")] == "Pop 19/20"


def test_svm_stands_beside_the_network_where_there_is_one() -> None:
    svm = prediction("rock").to_dict()
    both = baseline.svm_and_network(prediction("metal"), svm)
    assert [trace.name for trace in both.data] == ["SVM", "Neural network"]
    assert max(both.data[1].x) == pytest.approx(64)
    assert len(baseline.svm_and_network(None, svm).data) == 1
