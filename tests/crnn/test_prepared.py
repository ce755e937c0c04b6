"""What is stored of the examples is what analysing them gives."""

import dataclasses

import numpy as np
import pytest

from crnn import api, prepared
from crnn.inference.classifier import Classifier
from crnn.sources.examples import EXAMPLES, Example


@pytest.fixture(scope="module")
def bundled() -> tuple[Classifier, ...]:
    return api.load("genre"), api.load("mood")


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_stored_as_it_is_analysed(
    bundled: tuple[Classifier, ...], example: Example
) -> None:
    fresh, stored = prepared.compute(example.file, bundled), prepared.read(example.file)
    assert stored.record["networks"] == fresh.record["networks"]
    assert stored.record["waveform"] == fresh.record["waveform"]
    np.testing.assert_allclose(stored.mel, fresh.mel, atol=1e-3)  # dB
    np.testing.assert_allclose(stored.peaks.astype(int), fresh.peaks, atol=1)
    np.testing.assert_allclose(stored.cover.astype(int), fresh.cover, atol=2)
    found, expected = stored.analysis(bundled), fresh.analysis(bundled)
    assert found is not None
    assert expected is not None
    waveform, analysis = found
    assert waveform.seconds == pytest.approx(30, abs=1)
    assert waveform.notices == ()
    for a, b in zip(analysis.predictions, expected[1].predictions, strict=True):
        for name, value in vars(b).items():
            if isinstance(value, np.ndarray):
                # Six decimals are stored, and kinds of CPUs differ by about as much.
                np.testing.assert_allclose(getattr(a, name), value, atol=1e-5)
            elif name == "ood":
                assert dataclasses.astuple(a.ood) == pytest.approx(
                    dataclasses.astuple(value), rel=1e-5
                )
            else:
                assert getattr(a, name) == value
        assert a.overall.sum() == pytest.approx(1)
        # A trained network has something to say: chance would be 1/K everywhere.
        assert a.overall.max() > 1.5 / len(a.labels)


def test_what_other_networks_would_predict_is_not_stored(bundled: tuple[Classifier, ...]) -> None:
    stored = prepared.read(EXAMPLES["palace"].file)
    genre, mood = bundled
    assert stored.analysis(bundled) is not None
    assert stored.analysis((genre, genre)) is None
    warmer = Classifier(dataclasses.replace(mood.checkpoint, temperature=2.0))
    assert stored.analysis((genre, warmer)) is None
