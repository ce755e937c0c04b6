"""A track's features against the usual ranges of the bundled SVM's classes."""

import pytest

from crnn.baseline.ranges import (
    FEATURES,
    MFCC_NAMES,
    classes_in_range,
    mfccs_in_range,
    relative_position,
)
from crnn.baseline.svm import SVM


@pytest.fixture(scope="module")
def svm() -> SVM:
    return SVM.load("genre")


def test_the_medians_of_a_class_are_in_its_ranges(svm: SVM) -> None:
    for label in svm.labels:
        medians = {name: svm.percentiles(name)[label][1] for name in svm.features}
        assert mfccs_in_range(svm, medians)[label] == len(MFCC_NAMES)
        for feature in FEATURES:
            assert label in classes_in_range(svm, feature.name, medians[feature.name])


def test_a_range_ends_at_its_percentiles(svm: SVM) -> None:
    low, _, high = svm.percentiles("rolloff_mean")["jazz"]
    for value, inside in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        assert ("jazz" in classes_in_range(svm, "rolloff_mean", value)) == inside


def test_a_position_is_0_at_the_median_and_1_at_the_ends(svm: SVM) -> None:
    low, median, high = svm.percentiles("mfcc3_mean")["metal"]
    for value, expected in ((low, -1), (median, 0), (high, 1), (2 * high - median, 2)):
        found = relative_position(svm, "mfcc3_mean", value)["metal"]
        assert found == pytest.approx(expected)


def test_values_are_shown_in_their_unit() -> None:
    centroid, _, crossings = FEATURES
    assert centroid.format(1824.4) == "1,824 Hz"
    assert crossings.format(0.1) == "2,205 per second"
