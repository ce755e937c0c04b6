"""A checkpoint folder and everything that is needed to serve the network in it.

    config.json         model, front end, labels, segment length, temperature, measured results, data and code revision
    model.safetensors   weights
    README.md           model card

The same on disk and on the Hugging Face Hub. Never a pickle: weights are read by safetensors alone.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
from safetensors.torch import load_file, save_file

from crnn.errors import CheckpointError
from crnn.model import CRNN, ModelConfig
from crnn.spectrogram import FrontEnd

BUNDLED = Path(__file__).parent.parent / "assets" / "checkpoints"
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A network and how to use it.

    task: what it tells apart ("genre", "mood"). segment_seconds: length of a segment. temperature: logits are divided by it before
    the softmax (Guo et al. 2017), fitted on validation. results: measured figures by protocol, as the card shows them.
    """

    task: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    segment_seconds: float
    model: CRNN
    temperature: float = 1.0
    results: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    revision: str = ""

    @property
    def digest(self) -> str:
        """Twelve hex digits of the weights' SHA-256, over names and values: the same weights, the same digest."""
        state = self.model.state_dict()
        found = hashlib.sha256()
        for name in sorted(state):
            found.update(name.encode())
            found.update(state[name].detach().cpu().contiguous().numpy().tobytes())
        return found.hexdigest()[:12]

    def __post_init__(self) -> None:
        config = self.model.config
        if len(self.labels) != config.n_classes or len(set(self.labels)) != len(self.labels):
            raise CheckpointError(f"{len(set(self.labels))} different labels for {config.n_classes} outputs.")
        if (config.n_mels, config.frames) != (self.front_end.n_mels, self.front_end.frames(self.segment_seconds)):
            raise CheckpointError(
                f"The network reads {config.n_mels} bands × {config.frames} frames, its front end makes "
                f"{self.front_end.n_mels} × {self.front_end.frames(self.segment_seconds)} of {self.segment_seconds:g} s."
            )
        if not self.temperature > 0:
            raise CheckpointError(f"The temperature is {self.temperature}; it must be above 0.")

    @classmethod
    def load(cls, source: str | Path) -> "Checkpoint":
        """Read a bundled checkpoint by its name ("genre", "mood"), or a folder.

        Raises CheckpointError, saying which file is missing or what in it does not fit.
        """
        folder = BUNDLED / source if source in ("genre", "mood") else Path(source)
        for name in (CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                raise CheckpointError(
                    f"{folder.name}: no {name} there. A checkpoint is a folder with {CONFIG} and {WEIGHTS}, "
                    "such as `python -m training train` writes."
                )
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            if config["format"] != _FORMAT:
                raise CheckpointError(f"{folder.name}: format {config['format']}; this version reads format {_FORMAT}.")
            model = CRNN(ModelConfig(**config["model"]))
            front_end = FrontEnd(**config["front_end"])
            task, labels = str(config["task"]), tuple(str(label) for label in config["labels"])
            seconds, temperature = float(config["segment_seconds"]), float(config["temperature"])
        except (ValueError, KeyError, TypeError, ArithmeticError, RuntimeError, AttributeError) as error:
            raise CheckpointError(f"{folder.name}: {CONFIG} does not describe a network of ours ({error}).") from error
        try:
            model.load_state_dict(load_file(folder / WEIGHTS), strict=True)
        except (RuntimeError, safetensors.SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"{folder.name}: {WEIGHTS} does not fit {CONFIG} or is damaged ({reason})."
            ) from error
        return cls(
            task=task,
            labels=labels,
            front_end=front_end,
            segment_seconds=seconds,
            model=model.eval(),
            temperature=temperature,
            results=config.get("results", {}),
            data=config.get("data", ""),
            revision=config.get("revision", ""),
        )

    def save(self, folder: Path, card: str | None = None) -> None:
        """Write config, weights and, where given, the model card."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "format": _FORMAT,
            "task": self.task,
            "labels": self.labels,
            "segment_seconds": self.segment_seconds,
            "front_end": self.front_end.to_dict(),
            "model": self.model.config.to_dict(),
            "temperature": self.temperature,
            "results": self.results,
            "data": self.data,
            "revision": self.revision,
        }
        state = {name: value.detach().cpu().float().contiguous() if value.is_floating_point() else value.detach().cpu()
                 for name, value in self.model.state_dict().items()}  # fmt: skip
        save_file(state, folder / WEIGHTS)
        if card is not None:
            (folder / CARD).write_text(card, encoding="utf-8")
        # Last: its presence says that the folder is complete.
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
