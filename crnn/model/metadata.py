"""A checkpoint folder's description, read without torch: for pages that load nothing yet."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnn.errors import CheckpointError
from crnn.model.hub import CARD, CONFIG, MAX_BYTES, WEIGHTS

_INSTALLED = Path(__file__).parents[1] / "checkpoints"  # where a wheel has them
BUNDLED = (
    _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "assets" / "checkpoints"
)

# Measured figures by protocol: numbers, and "context" and "runs" in words.
Results = dict[str, dict[str, str | float]]

_MAX_TEXT = 400  # characters
_MAX_PROTOCOLS, _MAX_PROTOCOL_NAME = 20, 40


@dataclass(frozen=True)
class Metadata:
    """Description of a checkpoint.

    Attributes:
        digest: as `Checkpoint.digest`.
        data, revision: what it was trained on, by which revision of the code.
        results: measured figures by protocol.
        card: README.md without its header.
        ood_threshold: score above which music counts as out of distribution; None where the
            checkpoint has no detector.
        ood_origin: which data the threshold comes from.
    """

    task: str
    labels: tuple[str, ...]
    digest: str
    data: str
    revision: str
    results: Results
    card: str
    ood_threshold: float | None = None
    ood_origin: str = ""


def read(folder: Path) -> Metadata:
    """Metadata of a checkpoint folder; CheckpointError where its files cannot be read."""
    try:
        config = read_config(folder / CONFIG)
        ood = config.get("doubt") or {}
        return Metadata(
            task=str(config["task"]),
            labels=tuple(str(label) for label in config["labels"]),
            digest=digest(folder / WEIGHTS),
            data=text(config.get("data")),
            revision=text(config.get("revision")),
            results=results(config.get("results")),
            card=card(folder),
            ood_threshold=float(ood["threshold"]) if ood else None,
            ood_origin=text(ood.get("origin")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{folder.name}: its {CONFIG} or {WEIGHTS} cannot be read."
        ) from error


def read_config(file: Path) -> dict[str, Any]:
    """config.json as a dictionary; ValueError or RecursionError for anything else."""
    if file.stat().st_size > MAX_BYTES[CONFIG]:
        raise ValueError(f"more than {MAX_BYTES[CONFIG] // 1000} kB")
    config = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError("not a JSON object")
    return config


def digest(file: Path) -> str:
    """Digest of a safetensors file, as `Checkpoint.digest` of the network in it."""
    content = memoryview(file.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:start]))
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


def text(value: object) -> str:
    """A text of config.json, cut to a readable length; empty for anything else."""
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def results(value: object) -> Results:
    """Measured figures by protocol, without whatever pages could not show.

    Of each protocol stay finite numbers, and the texts "context" and "runs".
    """
    if not isinstance(value, dict):
        return {}

    def shown(key: str, figure: object) -> bool:
        if key in ("context", "runs") or not isinstance(figure, (int, float)):
            return key in ("context", "runs") and isinstance(figure, str)
        return not isinstance(figure, bool) and math.isfinite(figure)

    protocols = [
        (name, figures)
        for name, figures in value.items()
        if isinstance(figures, dict) and len(name) <= _MAX_PROTOCOL_NAME
    ]
    return {
        name: {
            key: text(figure) if isinstance(figure, str) else figure
            for key, figure in figures.items()
            if shown(key, figure)
        }
        for name, figures in protocols[:_MAX_PROTOCOLS]
    }
