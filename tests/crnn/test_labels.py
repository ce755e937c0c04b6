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

# What stands side by side in charts: the genres that the network confuses most (in a fifth of the
# tracks of either, F and N together, and each genre's most frequent confusion), rock and "Other".
NEIGHBOURS = [
    ("blues", "jazz"),
    ("blues", "country"),
    ("classical", "jazz"),
    ("country", "rock"),
    ("disco", "pop"),
    ("disco", "reggae"),
    ("disco", "rock"),
    ("hiphop", "pop"),
    ("hiphop", "reggae"),
    ("metal", "rock"),
    ("rock", OTHER),
    *combinations(MOODS, 2),
]
PALETTE = {**GENRE_COLOURS, **MOOD_COLOURS, OTHER: OTHER_COLOUR}

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
    """CIEDE2000, after Sharma, Wu & Dalal 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    seventh = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    a1, a2 = (a * (1.5 - 0.5 * np.sqrt(seventh / (seventh + 25**7))) for a in (a1, a2))
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = h1 + turn / 2 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weights = ((0.17, 1, -30, -1), (0.24, 2, 0, 1), (0.32, 3, 6, 1), (0.2, 4, -63, -1))
    t = 1 + sum(sign * w * np.cos(np.radians(n * hue + at)) for w, n, at, sign in weights)
    lightness = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    chromas = (c2 - c1) / (1 + 0.045 * chroma)
    hues = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    angle = 60 * np.exp(-((((hue % 360) - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(angle))
    return float(np.sqrt(lightness**2 + chromas**2 + hues**2 + rotation * chromas * hues))


def seen(vision: str) -> dict[str, np.ndarray]:
    return {
        label: lab(np.array(VISION[vision]) @ linear(colour)) for label, colour in PALETTE.items()
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # Sharma, Wu & Dalal 2005, Table 1
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
        ((50, 2.5, 0), (61, -5, 29), 22.8977),
        ((50, 2.5, 0), (56, -27, -3), 31.9030),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
        ((50, 0, 0), (50, -1, 2), 2.3669),
    ],
)
def test_the_difference_is_ciede2000(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("labels", [GENRES, MOODS], ids=["genres", "moods"])
def test_any_two_classes_of_a_task_and_other_differ(labels: tuple[str, ...]) -> None:
    colour = seen("normal")
    closest = min(
        (difference(colour[a], colour[b]), a, b) for a, b in combinations([*labels, OTHER], 2)
    )
    assert closest[0] >= 20, closest


@pytest.mark.parametrize("vision", VISION)
def test_neighbours_differ_for_colour_blind_eyes_and_all_others_visibly(vision: str) -> None:
    colour = seen(vision)
    closest = min((difference(colour[a], colour[b]), a, b) for a, b in NEIGHBOURS)
    assert closest[0] >= 20, closest
    for labels in (GENRES, MOODS):
        pairs = combinations([*labels, OTHER], 2)
        closest = min((difference(colour[a], colour[b]), a, b) for a, b in pairs)
        assert closest[0] >= 10, closest
    assert difference(colour["reggae"], colour["Relaxing"]) >= 20


@pytest.mark.parametrize("page", ["#fdfcfd", "#15121a"])
@pytest.mark.parametrize("label", PALETTE)
def test_bars_stand_out_from_the_page(label: str, page: str) -> None:
    def luminance(c: str) -> float:
        return float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05

    high, low = sorted((luminance(PALETTE[label]), luminance(page)), reverse=True)
    assert high / low >= 3  # WCAG 2.2, 1.4.11


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
