"""Words of class portraits, on made-up classes whose differences are known and on the shipped ones."""

from typing import Any

import numpy as np
import pytest

from crnn import results
from crnn.audio.front_end import GTZAN_FRONT_END, band_frequencies
from pages.text import class_profiles as portraits

RATES = [0.2 * k for k in range(1, 33)]
BANDS = band_frequencies(GTZAN_FRONT_END)


def made_up(**changes: Any) -> dict[str, Any]:
    """Three classes alike, but for what is changed in the first: offsets to its spectrum, modulation, map or swing."""

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
    said = portraits.describe(made_up(), "genre", "metal")
    assert "close to the others" in said[0]
    assert said[-1] == "It rises and falls about as fast as the others."
    assert len(said) == 3


def test_a_hump_in_the_spectrum_is_told_with_its_place_and_height() -> None:
    hump = np.where((BANDS > 2000) & (BANDS < 4000), 6.0, 0.0)
    said = portraits.describe(made_up(spectrum=hump), "genre", "metal")[0]
    assert said.startswith("Its spectrum is stronger than the others from 2")
    assert "(+6 dB)" in said
    assert "weaker" not in said
    assert "weaker" in portraits.describe(made_up(spectrum=-hump), "genre", "metal")[0]


def test_differences_within_the_spread_of_tracks_are_not_told() -> None:
    hump = np.where((BANDS > 2000) & (BANDS < 4000), 1.4, 0.0)  # less than half of 3 dB
    assert "close to the others" in portraits.describe(made_up(spectrum=hump), "genre", "metal")[0]


def test_the_edge_of_a_recording_is_told_apart_from_its_music() -> None:
    said = portraits.describe(made_up(spectrum=np.where(BANDS > 9500, 20.0, 0.0)), "genre", "metal")
    assert "close to the others" in said[0]
    assert "+20 dB" in said[1]


def test_rates_are_told_with_their_factor() -> None:
    faster = np.where(np.isclose(RATES, 2.0), np.log10(3), 0.0)
    said = portraits.describe(made_up(modulation=faster, swing=-3), "genre", "metal")
    assert "3.0 times the others'" in said[-1]
    assert "2.0 a second (120 a minute)" in said[-1]
    assert "±5.0 dB along a track, the least of all (the others ±8.0)" in said[-2]


def test_every_shipped_class_has_words() -> None:
    table = results.load("portraits")
    if table is None:
        pytest.skip("no portraits in assets/results")
    for task, classes in table["classes"].items():
        for label in classes:
            assert all(portraits.describe(table, task, label))
            assert "times as strongly" in portraits.describe_map(table, task, label)
