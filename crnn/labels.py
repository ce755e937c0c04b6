"""The classes of the bundled networks, their display names and their colours in figures."""

from dataclasses import dataclass
from itertools import cycle


@dataclass(frozen=True)
class Quadrant:
    """Of Russell's plane: the signs of valence (+1: pleasant) and arousal (+1: excited)."""

    valence: int
    arousal: int


# The paper's Table I.
MOOD_QUADRANTS = {
    "Dark": Quadrant(-1, -1),
    "Energetic": Quadrant(-1, +1),
    "Happy": Quadrant(+1, +1),
    "Relaxing": Quadrant(+1, -1),
    "Sad": Quadrant(-1, -1),
}

# Ten colours with the largest minimal difference between any two (CIE94), for normal vision and
# simulated protanopia, deuteranopia and tritanopia (Machado et al. 2009), that stand out from white
# and dark pages. tests/crnn/test_labels.py measures both. Names always stand beside them.
GENRE_COLOURS = {
    "blues": "#3c6987",
    "classical": "#b4b4f0",
    "country": "#785a00",
    "disco": "#ff0f5a",
    "hiphop": "#a569ff",
    "jazz": "#ffa500",
    "metal": "#961e4b",
    "pop": "#6900d2",
    "reggae": "#3cd2a5",
    "rock": "#699696",
}

# Warm for high arousal, cool for low, brighter for positive valence; Dark is darker than Sad.
MOOD_COLOURS = {
    "Dark": "#5c4b8a",
    "Energetic": "#e0403a",
    "Happy": "#f5b82e",
    "Relaxing": "#4fbf8b",
    "Sad": "#4a8fe0",
}

GENRES = tuple(GENRE_COLOURS)
MOODS = tuple(MOOD_COLOURS)

OTHER = "Other"
OTHER_COLOUR = "#8a8f98"

_DISPLAY_NAMES = {"hiphop": "Hip-hop"}

# For checkpoints with classes of their own: Tol's bright scheme, repeated as needed.
_SPARE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


def colours(labels: tuple[str, ...]) -> dict[str, str]:
    """A colour for each label and for "Other": its own where it has one, else the next spare."""
    known = GENRE_COLOURS | MOOD_COLOURS | {OTHER: OTHER_COLOUR}
    spare = cycle(_SPARE)
    return {label: known.get(label) or next(spare) for label in (*labels, OTHER)}


def display(label: str) -> str:
    """A label as people read it: "Hip-hop" for "hiphop", else with an upper-case first letter."""
    return _DISPLAY_NAMES.get(label) or label[:1].upper() + label[1:]
