"""A checkpoint folder and everything that is needed to serve the network in it.

    config.json         model, front end, labels, segment length, temperature, usual sound, measured results, data and code
                        revision
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
import torch
from safetensors.torch import load_file, save_file

from crnn.audio.front_end import FrontEnd
from crnn.errors import CheckpointError
from crnn.model import hub, limits, metadata
from crnn.model.hub import CARD, CONFIG, WEIGHTS
from crnn.model.hub_address import HubAddress, looks_like_address, parse_address
from crnn.model.meter import Progress
from crnn.model.network import CRNN, ModelConfig
from crnn.model.ood import OODDetector

BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"
_FORMAT = 1
_KINDS = ("F16", "BF16", "F32", "F64", "I64")  # what weights may be stored as; I64 counts batches


@dataclass(frozen=True)
class Checkpoint:
    """A network and how to use it.

    task: what it tells apart ("genre", "mood"). segment_seconds: length of a segment. temperature: logits are divided by it before
    the softmax (Guo et al. 2017), fitted on validation. doubt: what its training tracks sound like, None where that is not known
    (older checkpoints). results: measured figures by protocol, as the card shows them. data, revision: what it was trained on,
    by which revision of the code. folder, commit, notice: where it was read from, at which commit if from the Hub, and what to
    tell about that (such as "the Hub does not answer, this is the copy fetched earlier").
    """

    task: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    segment_seconds: float
    model: CRNN
    temperature: float = 1.0
    ood: OODDetector | None = None
    results: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    revision: str = ""
    folder: Path | None = None
    commit: str = ""
    notice: str = ""

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
            raise CheckpointError(
                f"{len(set(self.labels))} different labels for {config.n_classes} outputs."
            )
        if (config.n_mels, config.frames) != (
            self.front_end.n_mels,
            self.front_end.frames(self.segment_seconds),
        ):
            raise CheckpointError(
                f"The network reads {config.n_mels} bands × {config.frames} frames, its front end makes "
                f"{self.front_end.n_mels} × {self.front_end.frames(self.segment_seconds)} of {self.segment_seconds:g} s."
            )
        if not self.temperature > 0:
            raise CheckpointError(f"The temperature is {self.temperature}; it must be above 0.")

    @classmethod
    def load(
        cls,
        source: str | Path | HubAddress,
        progress: Progress | None = None,
        anonymous: bool = False,
    ) -> "Checkpoint":
        """Read a bundled checkpoint by its name ("genre", "mood"), a folder, or `user/repo[@revision]` from the Hugging Face Hub.

        A text that names a folder here is that folder; a HubAddress is only ever the Hub. progress: told the share of a download.
        anonymous: fetch without any token. Raises CheckpointError, saying which file is missing or what in it does not fit.
        """
        if isinstance(source, str) and source in ("genre", "mood"):
            return cls._read(BUNDLED / source, source)
        if isinstance(source, str) and not Path(source).is_dir() and looks_like_address(source):
            source = parse_address(source)
        if not isinstance(source, HubAddress):
            return cls._read(Path(source), Path(source).name)
        name = str(source)
        fetched = hub.fetch(
            source, progress, anonymous=anonymous, check=lambda file: _described(file, name)
        )
        return cls._read(fetched.folder, name, fetched.commit, fetched.notice)

    @classmethod
    def _read(cls, folder: Path, name: str, commit: str = "", notice: str = "") -> "Checkpoint":
        for file in (CONFIG, WEIGHTS):
            if not (folder / file).is_file():
                raise CheckpointError(
                    f"{name}: no {file} there. A checkpoint is a folder with {CONFIG} and {WEIGHTS}, such as "
                    "`python -m training train` writes, or user/repo on the Hugging Face Hub."
                )
        described = _described(folder / CONFIG, name)
        model = _with_weights(described.pop("model"), folder / WEIGHTS, name)
        return cls(**described, model=model, folder=folder, commit=commit, notice=notice)

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
        if self.ood is not None:
            config["doubt"] = self.ood.to_dict()
        state = {
            name: value.detach().cpu().float().contiguous()
            if value.is_floating_point()
            else value.detach().cpu()
            for name, value in self.model.state_dict().items()
        }
        save_file(state, folder / WEIGHTS)
        if card is not None:
            (folder / CARD).write_text(card, encoding="utf-8")
        # Last: its presence says that the folder is complete.
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _described(file: Path, name: str) -> dict[str, Any]:
    """What config.json says, as Checkpoint's arguments; "model" is still its ModelConfig. Nothing large is built.

    Raises CheckpointError for anything that this version cannot serve, or that asks for more than crnn.model.limits allows.
    """
    try:
        config = metadata.read_config(file)
        if "format" not in config and "task" not in config:
            raise CheckpointError(
                f"{name}: its {CONFIG} is that of another kind of model. One that this project's training wrote is needed."
            )
        if config["format"] != _FORMAT:
            raise CheckpointError(
                f"{name}: format {_cut(config['format'])}; this version reads format {_FORMAT}."
            )
        model = ModelConfig(**config["model"])
        front_end = FrontEnd(**config["front_end"])
        task, labels = str(config["task"]), tuple(str(label) for label in config["labels"])
        seconds, temperature = float(config["segment_seconds"]), float(config["temperature"])
        limits.check(task, labels, seconds, temperature, front_end, model)
        ood = OODDetector.from_dict(config["doubt"]) if config.get("doubt") is not None else None
        with torch.device("meta"):  # shapes without memory
            size = sum(
                value.numel() * value.element_size() for value in CRNN(model).state_dict().values()
            )
        if size > hub.LIMITS[WEIGHTS]:
            raise ValueError(
                f"weights of {size / 1e6:.0f} MB; up to {hub.LIMITS[WEIGHTS] / 1e6:.0f} MB are accepted"
            )
    except (
        ValueError,
        KeyError,
        TypeError,
        ArithmeticError,
        RuntimeError,
        AttributeError,
        OSError,
    ) as error:
        raise CheckpointError(
            f"{name}: {CONFIG} does not describe a network of ours ({_cut(error)})."
        ) from error
    return {
        "task": task,
        "labels": labels,
        "front_end": front_end,
        "segment_seconds": seconds,
        "model": model,
        "temperature": temperature,
        "ood": ood,
        "results": metadata.results(config.get("results")),
        "data": metadata.text(config.get("data")),
        "revision": metadata.text(config.get("revision")),
    }


def _with_weights(config: ModelConfig, file: Path, name: str) -> CRNN:
    """The network with its weights. The file's table of contents is compared with what config asks for before either is read."""
    with torch.device("meta"):
        wanted = {key: list(value.shape) for key, value in CRNN(config).state_dict().items()}
    try:
        if file.stat().st_size > hub.LIMITS[WEIGHTS]:
            raise CheckpointError(
                f"{name}: {WEIGHTS} has {file.stat().st_size / 1e6:.0f} MB; up to {hub.LIMITS[WEIGHTS] / 1e6:.0f} MB are accepted."
            )
        with safetensors.safe_open(file, framework="pt") as stored:
            parts = {key: stored.get_slice(key) for key in stored.keys()}  # noqa: SIM118 – no mapping
            found = {key: part.get_shape() for key, part in parts.items()}
            strange = sorted({part.get_dtype() for part in parts.values()} - set(_KINDS))
        odd = sorted(
            key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)
        )
        if odd:
            key = odd[0]
            raise CheckpointError(
                f"{name}: {WEIGHTS} does not fit {CONFIG} ({_cut(key)}: {_shape(found.get(key))}, not {_shape(wanted.get(key))}). "
                "Take both files from the same training."
            )
        if strange:
            raise CheckpointError(
                f"{name}: {WEIGHTS} holds {', '.join(strange)}; {', '.join(_KINDS)} are read."
            )
        model = CRNN(config)
        model.load_state_dict(load_file(file), strict=True)
    except (RuntimeError, OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{name}: {WEIGHTS} is damaged or not in safetensors format ({_cut(error)}). Fetch it again, or ask who made it."
        ) from error
    if not all(bool(torch.isfinite(value).all()) for value in model.state_dict().values()):
        raise CheckpointError(
            f"{name}: {WEIGHTS} holds values that are not numbers (NaN or infinite). Choose another revision."
        )
    return model.eval()


def _shape(shape: list[int] | None) -> str:
    return "nothing" if shape is None else "×".join(map(str, shape)) or "one number"


def _cut(reason: object) -> str:
    """One line of a reason that may come from a stranger's file."""
    lines = str(reason).splitlines() or [type(reason).__name__]
    return lines[0] if len(lines[0]) <= 200 else f"{lines[0][:199]}…"
