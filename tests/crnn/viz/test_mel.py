"""Figures show their numbers, on axes with units."""

import json

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd, band_frequencies
from crnn.audio.mel import log_mel
from crnn.viz.mel import spectrogram
from crnn.viz.prediction import distribution
from tests.conftest import melody
from tests.crnn.viz.test_prediction import genres


@pytest.mark.parametrize("front_end", [GTZAN_FRONT_END, PAPER_FRONT_END], ids=["gtzan", "paper"])
def test_spectrogram_has_the_values_over_seconds_and_hertz(front_end: FrontEnd) -> None:
    mel = log_mel(melody(7), front_end).numpy()
    figure = spectrogram(mel, front_end)
    heatmap = figure.data[0]
    np.testing.assert_allclose(heatmap.z, mel, atol=0.5)  # drawn in whole dB
    np.testing.assert_allclose(np.diff(heatmap.x), front_end.hop_seconds)
    assert heatmap.y[0] == f"{band_frequencies(front_end)[0]:,.0f} Hz"
    assert figure.layout.xaxis.title.text == "Time (s)"
    assert figure.layout.yaxis.title.text == "Frequency (Hz)"
    assert heatmap.colorbar.title.text == "dB"


def test_frequency_labels_stand_at_their_bands_and_apart() -> None:
    figure = spectrogram(log_mel(melody(3), GTZAN_FRONT_END).numpy(), GTZAN_FRONT_END)
    places, labels = figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext
    hertz = band_frequencies(GTZAN_FRONT_END)
    for place, label in zip(places, labels, strict=True):
        meant = float(label.replace("k", "")) * (1000 if "k" in label else 1)
        assert abs(np.abs(hertz - meant).argmin() - place) <= 1
    assert np.diff(sorted(places)).min() >= 6


def test_a_long_track_is_drawn_with_the_columns_a_screen_has() -> None:
    mel = np.tile(np.linspace(-80, 0, 7740, dtype=np.float32), (128, 1))
    heatmap = spectrogram(mel, GTZAN_FRONT_END).data[0]
    assert heatmap.z.shape[1] <= 1200
    assert heatmap.x[-1] == pytest.approx(7740 * GTZAN_FRONT_END.hop_seconds, abs=1)
    assert float(heatmap.z[0, -1]) > -1


def test_no_colour_is_one_that_streamlit_replaces() -> None:
    """Its theme swaps #000001 … #000035 for colours of its own: silence would turn pink."""
    mel = log_mel(melody(3), GTZAN_FRONT_END).numpy()
    for figure in (
        spectrogram(mel, GTZAN_FRONT_END),
        distribution(genres(), ""),
    ):
        drawn = json.dumps([trace.to_plotly_json() for trace in figure.data], default=str).lower()
        assert "#0000" not in drawn
