"""The SVM's numbers in words and figures, against its own percentiles."""

import numpy as np
import pytest

from crnn.baseline.svm import SVM
from crnn.inference.prediction import Prediction
from crnn.labels import GENRES
from pages.text import baseline as svm_words


@pytest.fixture(scope="module")
def svm() -> SVM:
    return SVM.load("genre")


def middle(svm: SVM, label: str) -> dict[str, float]:
    return {name: svm.percentiles(name)[label][1] for name in svm.features}


def prediction(**odds: float) -> Prediction:
    rest = (1 - sum(odds.values())) / (len(GENRES) - len(odds))
    row = np.array([odds.get(label, rest) for label in GENRES])
    return Prediction("genre", GENRES, row[None], np.zeros(1), 3.0, row)


def test_the_middle_of_a_genre_is_usual_in_it(svm: SVM) -> None:
    for label in GENRES:
        inside = svm_words.cepstrum(svm, middle(svm, label))
        assert inside[label] == 20
    for measure in svm_words.MEASURES:
        low, _, high = svm.percentiles(measure.name)["jazz"]
        assert "jazz" in svm_words.usual_in(svm, measure.name, low)
        assert "jazz" in svm_words.usual_in(svm, measure.name, high)
        assert "jazz" not in svm_words.usual_in(svm, measure.name, 1.01 * high)
        assert svm_words.usual_in(svm, measure.name, -1.0) == ()


def test_a_position_is_0_in_the_middle_and_1_at_the_ends(svm: SVM) -> None:
    name = "mfcc2_mean"
    low, mid, high = svm.percentiles(name)["metal"]
    for value, place in ((low, -1), (mid, 0), (high, 1), (high + (high - mid), 2)):
        assert svm_words.position(svm, name, value)["metal"] == pytest.approx(place)


def test_the_sentence_says_where_a_value_is_usual(svm: SVM) -> None:
    centroid = svm_words.MEASURES[0]
    said = svm_words.measured(centroid, svm, 100_000.0)
    assert said == "**Spectral centroid**: 100,000 Hz, outside the usual range of every genre."
    low = svm.percentiles(centroid.name)["classical"][1]
    assert "classical" in svm_words.measured(centroid, svm, low)
    crossings = svm_words.MEASURES[2]
    assert "2,205 a second" in svm_words.measured(crossings, svm, 0.1)


def test_agreement_and_disagreement_are_told() -> None:
    network = prediction(metal=0.6, rock=0.2)
    same = network.to_dict()
    assert svm_words.beside(network, same).endswith("On no genre are they 10 points apart.")
    other = prediction(rock=0.7, metal=0.1).to_dict()
    assert svm_words.beside(network, other) == (
        "They disagree: the network hears metal (60 %), the SVM rock (70 %). Furthest apart on metal: 60 % by the network, 10 % by "
        "the SVM."
    )
    with pytest.raises(ValueError, match="the network tells apart"):
        svm_words.beside(network, {"a": 0.5, "b": 0.5})
