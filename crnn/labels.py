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

# Colours for light and dark pages alike: each has a contrast of 3 : 1 with both. Any two genres,
# and any two moods, differ by 20 (CIEDE2000); so do, for deuteranopes and protanopes, any two moods
# and the genres that the network confuses most, which charts therefore put side by side. Names
# always stand beside them. tests/crnn/test_labels.py measures all this.
GENRE_COLOURS = {
    "blues": "#1d4bff",
    "classical": "#7b8aed",
    "country": "#8c5568",
    "disco": "#fa4399",
    "hiphop": "#3c9db4",
    "jazz": "#d17e00",
    "metal": "#b803b3",
    "pop": "#755f4b",
    "reggae": "#177300",
    "rock": "#d8051f",
}

# Warm for high arousal, cool for low; Dark is darker than Sad.
MOOD_COLOURS = {
    "Dark": "#476774",
    "Energetic": "#9e4939",
    "Happy": "#b88a06",
    "Relaxing": "#5f9e85",
    "Sad": "#468ee7",
}

GENRES = tuple(GENRE_COLOURS)
MOODS = tuple(MOOD_COLOURS)

OTHER = "Other"
OTHER_COLOUR = "#85818c"

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
