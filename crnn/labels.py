"""What the bundled networks tell apart, and the colour each keeps on every page."""

from dataclasses import dataclass

GENRES = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)
MOODS = ("Dark", "Energetic", "Happy", "Relaxing", "Sad")
OTHER = "Other"


@dataclass(frozen=True)
class Quadrant:
    """Signs of a mood in Russell's plane: valence (unpleasant −1, pleasant +1) and arousal (calm −1, excited +1)."""

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

# Ten colours searched for the largest smallest difference between any two (CIE94), seen with normal vision and with
# simulated protanopia, deuteranopia and tritanopia (Machado et al. 2009), while standing out from a white and from a
# dark page. tests/crnn/test_labels.py measures both. Names always stand beside them.
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

# By place in the plane: warm above, cool below, brighter towards the pleasant side; Dark is Sad's darker neighbour.
MOOD_COLOURS = {
    "Dark": "#5c4b8a",
    "Energetic": "#e0403a",
    "Happy": "#f5b82e",
    "Relaxing": "#4fbf8b",
    "Sad": "#4a8fe0",
}

OTHER_COLOUR = "#8a8f98"

_DISPLAY_NAMES = {"hiphop": "Hip-hop"}

# For checkpoints with classes of their own: Tol's bright scheme, repeated as needed.
_SPARE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


def colours(labels: tuple[str, ...]) -> dict[str, str]:
    """A colour for each label: its own where it has one, else the next spare; Other is grey."""
    known = GENRE_COLOURS | MOOD_COLOURS | {OTHER: OTHER_COLOUR}
    unknown = [label for label in labels if label not in known]
    return {
        label: known[label] if label in known else _SPARE[unknown.index(label) % len(_SPARE)]
        for label in (*labels, OTHER)
    }


def display(label: str) -> str:
    """A label as people read it: "Hip-hop" for "hiphop", else with an upper-case first letter."""
    return _DISPLAY_NAMES.get(label) or label[:1].upper() + label[1:]
