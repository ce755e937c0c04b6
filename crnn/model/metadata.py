"""What a checkpoint folder says of itself, read without torch: for a page that shows it before anything is loaded."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnn.errors import CheckpointError
from crnn.model.hub import CARD, CONFIG, LIMITS, WEIGHTS

Results = dict[str, dict[str, str | float]]

# Characters of a text in config.json, such as a protocol's description.
_LONGEST_TEXT = 400


@dataclass(frozen=True)
class Metadata:
    """digest: as Checkpoint.digest. revision: of the code that trained it. card: README.md without its header. doubt: when it
    doubts and where that threshold comes from, in a sentence; empty where it cannot tell."""

    task: str
    labels: tuple[str, ...]
    digest: str
    data: str
    revision: str
    results: Results
    card: str
    ood: str = ""


def read(folder: Path) -> Metadata:
    """A folder's config, card and digest. Raises CheckpointError where config.json cannot be read."""
    try:
        config = read_config(folder / CONFIG)
        return Metadata(
            task=str(config["task"]),
            labels=tuple(str(label) for label in config["labels"]),
            digest=digest(folder / WEIGHTS),
            data=text(config.get("data")),
            revision=text(config.get("revision")),
            results=results(config.get("results")),
            card=card(folder),
            ood=doubt(config.get("doubt")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder.name}: its {CONFIG} or {WEIGHTS} cannot be read."
        ) from error


def read_config(file: Path) -> dict[str, Any]:
    """config.json as a dictionary; ValueError for anything else, RecursionError for absurd nesting."""
    if file.stat().st_size > LIMITS[CONFIG]:
        raise ValueError(f"more than {LIMITS[CONFIG] // 1000} kB")
    config = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")
    return config


def digest(file: Path) -> str:
    """Twelve hex digits over names and values of a safetensors file, the same as of the network that has them."""
    content = memoryview(file.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:start]))
    found = hashlib.sha256()
    for name in sorted(set(header) - {"__metadata__"}):
        first, last = header[name]["data_offsets"]
        found.update(name.encode())
        found.update(content[start + first : start + last])
    return found.hexdigest()[:12]


def card(folder: Path) -> str:
    """The model card's text, without the header meant for the Hub; empty where there is none."""
    file = folder / CARD
    if not file.is_file() or file.stat().st_size > LIMITS[CARD]:
        return ""
    return strip_header(file.read_text(encoding="utf-8", errors="replace"))


def strip_header(content: str) -> str:
    """A card's text below its YAML header."""
    lines = content.lstrip("\ufeff").splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    return "\n".join(lines).strip() + "\n"


def text(value: object) -> str:
    """A text of config.json, cut to a readable length; empty for anything that is none."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def doubt(value: object) -> str:
    """The threshold of doubt in a sentence, from what config.json says of it; empty where it says nothing."""
    if not isinstance(value, dict) or not isinstance(limit := value.get("threshold"), (int, float)):
        return ""
    origin = text(value.get("origin"))
    return (
        f"It doubts whatever sounds more than {limit:.2f} times as far from its training music as that itself usually does"
        + (f": {origin}." if origin else ".")
    )


def results(value: object) -> Results:
    """Measured figures by protocol; whatever is neither a finite number nor a text is left out, since pages format them."""
    if not isinstance(value, dict):
        return {}
    kept: Results = {}
    for protocol, figures in value.items():
        if isinstance(figures, dict) and len(kept) < 20 and len(protocol) <= 40:
            kept[protocol] = {
                key: text(figure) if isinstance(figure, str) else figure
                for key, figure in figures.items()
                if isinstance(figure, str)
                or (
                    isinstance(figure, (int, float))
                    and not isinstance(figure, bool)
                    and math.isfinite(figure)
                )
            }
            for key in ("context", "runs"):
                if not isinstance(kept[protocol].get(key, ""), str):
                    del kept[protocol][key]
            for key, figure in list(kept[protocol].items()):
                if isinstance(figure, str) and key not in ("context", "runs"):
                    del kept[protocol][key]
    return kept


# What a protocol asks, in a few words; training/evaluation/protocols.py has them in full.
_ASKED = {
    "F": "artists it never heard, filtered GTZAN lists",
    "P": "random GTZAN tracks, artists on both sides",
    "N": "songs of another collection",
    "M": "artists it never heard, five moods",
    "M-quadrants": "artists it never heard, four quadrants",
}


def sentences(results: Results) -> list[tuple[str, str, str]]:
    """Each protocol in words: its name, how often the first answer was right, and (from the checkpoint) what it was measured on."""
    said = []
    for protocol, figures in results.items():
        accuracy, spread = figures.get("track_accuracy"), figures.get("track_accuracy_sd")
        if isinstance(accuracy, str) or accuracy is None or not 0 <= accuracy <= 1:
            continue
        asked = f"{_ASKED[protocol]}: " if protocol in _ASKED else ""
        more_or_less = f" (± {100 * spread:.1f})" if isinstance(spread, (int, float)) else ""
        context = "; ".join(
            str(figures[key]).rstrip(".") for key in ("context", "runs") if figures.get(key)
        )
        said.append((protocol, f"{asked}{100 * accuracy:.1f} in 100 right{more_or_less}", context))
    return said
