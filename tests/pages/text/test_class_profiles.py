"""Class profiles in words, on made-up classes with known differences and on the shipped ones."""

from typing import Any

import numpy as np
import pytest

from crnn import results
from crnn.audio.front_end import GTZAN_FRONT_END, band_frequencies
from crnn.labels import display
from crnn.viz import class_profiles as figures
from pages.text import class_profiles as text

RATES = [0.2 * k for k in range(1, 33)]
BANDS = band_frequencies(GTZAN_FRONT_END)


def made_up(**changes: Any) -> dict[str, Any]:
    """Three equal classes; changes: offsets to the first one's spectrum, modulation, map, swing."""

    def one(first: bool) -> dict[str, Any]:
        offset = {
            key: changes.get(key, 0.0) if first else 0.0
            for key in ("spectrum", "modulation", "map", "swing")
        }
        return {
            "tracks": 50,
            "spectrum": {"mean": (np.zeros(128) + offset["spectrum"]).tolist(), "sd": [3.0] * 128},
            "modulation": {"mean": (np.ones(32) + offset["modulation"]).tolist(), "sd": [0.2] * 32},
            "map": (np.ones((16, 32)) + offset["map"]).tolist(),
            "swing": {"mean": 8.0 + float(offset["swing"]), "sd": 1.0},
        }

    labels = ("metal", "jazz", "pop")
    return {
        "table": "portraits",
        "context": "made up",
        "front_end": GTZAN_FRONT_END.to_dict(),
        "hertz": BANDS.tolist(),
        "modulation_hertz": RATES,
        "group": 8,
        "classes": {"genre": {label: one(label == "metal") for label in labels}},
    }


def test_classes_that_are_alike_are_said_to_be() -> None:
    sentences = text.describe(made_up(), "genre", "metal")
    assert "close to that of the others" in sentences[0]
    assert sentences[-1] == "Its levels rise and fall about as fast as those of the others."
    assert len(sentences) == 3


def test_a_hump_in_the_spectrum_is_mentioned_with_its_place_and_height() -> None:
    hump = np.where((BANDS > 2000) & (BANDS < 4000), 6.0, 0.0)
    sentences = text.describe(made_up(spectrum=hump), "genre", "metal")[0]
    assert sentences.startswith("Its spectrum is stronger than the others from 2")
    assert "(+6 dB)" in sentences
    assert "weaker" not in sentences
    assert "weaker" in text.describe(made_up(spectrum=-hump), "genre", "metal")[0]


def test_differences_within_the_spread_of_tracks_are_not_mentioned() -> None:
    hump = np.where((BANDS > 2000) & (BANDS < 4000), 1.4, 0.0)  # less than half of 3 dB
    assert (
        "close to that of the others" in text.describe(made_up(spectrum=hump), "genre", "metal")[0]
    )


def test_the_edge_of_a_recording_is_mentioned_apart_from_its_music() -> None:
    sentences = text.describe(made_up(spectrum=np.where(BANDS > 9500, 20.0, 0.0)), "genre", "metal")
    assert "close to that of the others" in sentences[0]
    assert "+20 dB" in sentences[1]


def test_rates_are_mentioned_with_their_factor() -> None:
    faster = np.where(np.isclose(RATES, 2.0), np.log10(3), 0.0)
    sentences = text.describe(made_up(modulation=faster, swing=-3), "genre", "metal")
    assert "strongest at 2.0 Hz (120 BPM), 3.0× the others." in sentences[-1]
    assert "±5.0 dB over a track, the least of all (others: ±8.0 dB)" in sentences[-2]


def test_the_map_is_a_ratio_to_the_others() -> None:
    table = made_up(map=np.log10(2))
    assert np.allclose(results.log2_modulation_ratio(table["classes"]["genre"], "metal"), 1.0)
    assert np.allclose(
        results.log2_modulation_ratio(table["classes"]["genre"], "pop"), -0.5
    )  # one of its two others


def test_every_shipped_class_has_words_and_figures() -> None:
    table = results.load("portraits")
    if table is None:
        pytest.skip("no class profiles in assets/results")
    for task, classes in table["classes"].items():
        for label in classes:
            assert all(text.describe(table, task, label))
            assert "×" in text.describe_map(table, task, label)
            for draw in (
                figures.spectrum,
                figures.modulation,
                figures.modulation_map,
            ):
                assert display(label) in draw(table, task, label).layout.title.text
