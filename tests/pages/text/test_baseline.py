"""Hand-crafted features in sentences."""

import numpy as np
import pytest

from crnn.baseline.ranges import FEATURES, FLUX
from crnn.baseline.svm import SVM
from crnn.inference.prediction import Prediction
from crnn.labels import GENRES
from pages.text import baseline as text


@pytest.fixture(scope="module")
def svm() -> SVM:
    return SVM.load("genre")


def prediction(**probs: float) -> Prediction:
    rest = (1 - sum(probs.values())) / (len(GENRES) - len(probs))
    row = np.array([probs.get(label, rest) for label in GENRES])
    return Prediction("genre", GENRES, row[None], np.zeros(1), 3.0, row)


def test_a_value_is_typical_of_the_genres_whose_range_it_is_in(svm: SVM) -> None:
    centroid, _, crossings = FEATURES
    assert text.measured(centroid, svm, 100_000.0) == (
        "**Spectral centroid**: 100,000 Hz, outside the range of every genre."
    )
    median = svm.percentiles(centroid.name)["classical"][1]
    assert "Classical" in text.measured(centroid, svm, median)
    assert "2,205" in text.measured(crossings, svm, 0.1)


def test_every_feature_has_a_meaning() -> None:
    assert set(text.PROSE["meanings"]) == {feature.name for feature in (*FEATURES, FLUX)}


def test_agreement_and_disagreement_of_svm_and_network() -> None:
    network = prediction(metal=0.6, rock=0.2)
    assert text.comparison(network, network.to_dict()) == (
        "Both predict Metal: 60% by the network, 60% by the SVM. They differ by less than 10 "
        "points on every genre."
    )
    other = prediction(rock=0.7, metal=0.1).to_dict()
    assert text.comparison(network, other) == (
        "They disagree: the network predicts Metal (60%), the SVM Rock (70%). Biggest "
        "disagreement: Metal, 60% by the network, 10% by the SVM."
    )
    with pytest.raises(ValueError, match="the network has the classes"):
        text.comparison(network, {"a": 0.5, "b": 0.5})
    assert "Metal: network 60%, SVM 10%" in text.describe(network, other)
    assert text.describe(None, {"a": 0.3, "b": 0.7}) == "B: SVM 70%; A: SVM 30%"
