"""Colours differ for colour-blind visitors too, on white and on dark pages."""

from itertools import combinations

import numpy as np
import pytest

from crnn.labels import (
    GENRE_COLOURS,
    GENRES,
    MOOD_COLOURS,
    MOOD_QUADRANTS,
    MOODS,
    OTHER,
    OTHER_COLOUR,
    colours,
    display,
)

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = matrix @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """CIE94, graphic arts; about 2 is just noticeable side by side."""
    lightness, a, b = one - other
    c1, c2 = np.hypot(*one[1:]), np.hypot(*other[1:])
    hue = max(a**2 + b**2 - (c1 - c2) ** 2, 0)
    c = np.sqrt(c1 * c2)
    return float(
        np.sqrt(lightness**2 + ((c1 - c2) / (1 + 0.045 * c)) ** 2 + hue / (1 + 0.015 * c) ** 2)
    )


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("palette", [GENRE_COLOURS, MOOD_COLOURS], ids=["genres", "moods"])
def test_any_two_classes_differ(palette: dict[str, str], vision: str) -> None:
    seen = {
        label: lab(np.array(VISION[vision]) @ linear(colour)) for label, colour in palette.items()
    }
    closest = min((difference(seen[a], seen[b]), a, b) for a, b in combinations(seen, 2))
    assert closest[0] > 12, closest


@pytest.mark.parametrize("page", ["#fdfcfd", "#15121a"])
@pytest.mark.parametrize("colour", [*GENRE_COLOURS.values(), *MOOD_COLOURS.values(), OTHER_COLOUR])
def test_bars_stand_out_from_the_page(colour: str, page: str) -> None:
    def luminance(c: str) -> float:
        return float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05

    high, low = sorted((luminance(colour), luminance(page)), reverse=True)
    assert high / low > 1.6  # every bar has its name and value beside it in text


def test_every_class_has_its_colour_and_place() -> None:
    assert set(GENRE_COLOURS) == set(GENRES)
    assert set(MOOD_COLOURS) == set(MOOD_QUADRANTS) == set(MOODS)


def test_unknown_labels_get_colours_too() -> None:
    palette = colours(("rock", "polka", "tango"))
    assert palette["rock"] == GENRE_COLOURS["rock"]
    assert len(set(palette.values())) == 4
    assert palette[OTHER] == OTHER_COLOUR


def test_labels_are_shown_with_an_upper_case_first_letter() -> None:
    assert [display(label) for label in ("hiphop", "rock", "Sad", "drum and bass", "")] == [
        "Hip-hop",
        "Rock",
        "Sad",
        "Drum and bass",
        "",
    ]
