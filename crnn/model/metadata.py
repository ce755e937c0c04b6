"""A checkpoint folder's description, read without torch: for pages that load nothing yet."""

import hashlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from crnn.errors import CheckpointError
from crnn.model.hub import CARD, CONFIG, MAX_BYTES, WEIGHTS
from crnn.untrusted import MALFORMED, json_object, number, text

_INSTALLED = Path(__file__).parents[1] / "checkpoints"  # where a wheel has them
BUNDLED = (
    _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "assets" / "checkpoints"
)

Results = dict[str, dict[str, str | float]]

_TEXTS = ("context", "runs")
_MAX_PROTOCOLS, _MAX_PROTOCOL_NAME = 20, 40


@dataclass(frozen=True)
class Metadata:
    """Description of a checkpoint.

    Attributes:
        digest: as `Checkpoint.digest`.
        revision: of the code that trained it.
        results: measured figures by protocol.
        card: README.md without its header.
        ood_threshold: of its out-of-distribution detector; None where there is none.
        ood_origin: which data the threshold comes from.
    """

    digest: str
    revision: str
    results: Results
    card: str
    ood_threshold: float | None = None
    ood_origin: str = ""


def read(folder: Path) -> Metadata:
    """Metadata of a checkpoint folder; CheckpointError where its files cannot be read."""
    try:
        config = read_config(folder / CONFIG)
        return Metadata(
            digest=digest(folder / WEIGHTS),
            revision=text(config, "revision"),
            results=results(config.get("results")),
            card=card(folder),
            ood_threshold=number(config, "doubt", "threshold"),
            ood_origin=text(config, "doubt", "origin"),
        )
    except (OSError, *MALFORMED) as error:
        raise CheckpointError(
            f"{folder.name}: its {CONFIG} or {WEIGHTS} cannot be read."
        ) from error


def read_config(file: Path) -> dict[str, Any]:
    """config.json as a dictionary; ValueError for anything else."""
    if file.stat().st_size > MAX_BYTES[CONFIG]:
        raise ValueError(f"more than {MAX_BYTES[CONFIG] // 1000} kB")
    return json_object(file.read_bytes())


def digest(file: Path) -> str:
    """Digest of a safetensors file, as `Checkpoint.digest` of the network in it."""
    content = memoryview(file.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json_object(bytes(content[8:start]))
    sha = hashlib.sha256()
    for name in sorted(set(header) - {"__metadata__"}):
        first, last = header[name]["data_offsets"]
        sha.update(name.encode())
        sha.update(content[start + first : start + last])
    return sha.hexdigest()[:12]


def card(folder: Path) -> str:
    """The model card's text without the header meant for the Hub; empty where there is none."""
    file = folder / CARD
    if not file.is_file() or file.stat().st_size > MAX_BYTES[CARD]:
        return ""
    return strip_header(file.read_text(encoding="utf-8", errors="replace"))


def strip_header(content: str) -> str:
    """A model card's text below its YAML header."""
    lines = content.lstrip("\ufeff").splitlines()
    if lines[:1] == ["---"] and "---" in lines[1:]:
        lines = lines[lines.index("---", 1) + 1 :]
    return "\n".join(lines).strip() + "\n"


def results(value: object) -> Results:
    """Measured figures by protocol: numbers, and texts of _TEXTS; drops anything else."""
    protocols = {
        text(name): {
            key: figure
            for key in figures
            if (figure := text(figures, key) if key in _TEXTS else number(figures, key, least=-1e9))
            not in ("", None)
        }
        for name, figures in (value.items() if isinstance(value, dict) else ())
        if isinstance(figures, dict) and len(name) <= _MAX_PROTOCOL_NAME
    }
    return dict(islice(protocols.items(), _MAX_PROTOCOLS))
