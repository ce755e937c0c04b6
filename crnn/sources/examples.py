"""The bundled clips; their licences are in assets/examples/README.md."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "assets" / "examples"


@dataclass(frozen=True)
class Example:
    """A clip: name in addresses, file in FOLDER, title, artist and licence."""

    name: str
    title: str
    artist: str
    licence: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.name}.mp3"


# In an order that varies the genres.
_ALL = (
    Example("metal-madness", "Metal madness", "Sectoid", "MIT-style licence"),
    Example("egypt", "Egypt", "0zone0ne", "CC BY-SA 3.0"),
    Example("palace", "Palace", "Will Savino", "CC BY-SA 3.0"),
    Example("kart-grand-prix", "Kart Grand Prix", "Weirwood", "CC BY-SA 3.0"),
    Example("awakening", "Awakening", "Max McCracken", "CC BY-SA 3.0"),
    Example("mountain", "Mountain", "Lincoln Domina", "CC BY-SA 3.0"),
    Example("lava", "Lava", "Kalsan", "CC BY-SA 3.0"),
    Example("hunting", "Hunting", "Lincoln Domina", "CC BY-SA 3.0"),
    Example("armygeddon", "Armygeddon", "Muldjord", "CC BY-SA 3.0"),
    Example("high-frequency", "High Frequency", "Speedsound", "CC BY-SA 3.0"),
)
EXAMPLES = {example.name: example for example in _ALL}
