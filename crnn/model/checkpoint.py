"""A checkpoint folder: the network and everything that is needed to serve it.

    config.json         model, front end, labels, segment length, temperature,
                        out-of-distribution detector, measured results, data and code revision
    model.safetensors   weights
    README.md           model card

The same on disk and on the Hugging Face Hub. Never a pickle: weights are read by safetensors alone.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file

from crnn.audio.front_end import FrontEnd
from crnn.errors import CheckpointError
from crnn.format import ellipsis
from crnn.model import hub, metadata
from crnn.model.config import CheckpointConfig, ModelConfig
from crnn.model.hub import CARD, CONFIG, MAX_BYTES, WEIGHTS, HubAddress, Progress
from crnn.model.metadata import BUNDLED, Metadata, Results
from crnn.model.network import CRNN
from crnn.model.ood import OODDetector
from crnn.untrusted import MALFORMED

_FORMAT = 1
_DTYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64}


@dataclass(frozen=True)
class Checkpoint:
    """A network and how to use it. Raises CheckpointError where the parts do not fit together.

    Attributes:
        task: what its classes are ("genre", "mood").
        segment_seconds: length of a segment.
        temperature: logits are divided by it before the softmax (Guo et al. 2017); fitted on
            validation data.
        log_bias: added to the divided logits, [K]; empty: nothing. Fitted with the temperature.
        ood: detector of music unlike the training data; None in older checkpoints.
        results: measured figures by protocol, as the model card shows them.
        data, revision: what it was trained on, by which revision of the code.
        folder, commit: where it was read from, and at which commit if from the Hub.
        notice: what users should know about that ("the Hub does not answer, this is the copy
            fetched earlier").
    """

    task: str
    labels: tuple[str, ...]
    front_end: FrontEnd
    segment_seconds: float
    model: CRNN
    temperature: float = 1.0
    log_bias: tuple[float, ...] = ()
    ood: OODDetector | None = None
    results: Results = field(default_factory=dict)
    data: str = ""
    revision: str = ""
    folder: Path | None = None
    commit: str = ""
    notice: str = ""

    def __post_init__(self) -> None:
        config = self.model.config
        if len(self.labels) != config.n_classes or len(set(self.labels)) != len(self.labels):
            raise CheckpointError(
                f"{len(set(self.labels))} different labels for {config.n_classes} outputs."
            )
        frames = self.front_end.frames(self.segment_seconds)
        if (config.n_mels, config.frames) != (self.front_end.n_mels, frames):
            raise CheckpointError(
                f"The network reads {config.n_mels} bands × {config.frames} frames, its front end "
                "makes "
                f"{self.front_end.n_mels} × {frames} of {self.segment_seconds:g} s."
            )
        if not self.temperature > 0:
            raise CheckpointError(f"The temperature is {self.temperature}; it must be above 0.")
        if len(self.log_bias) not in (0, config.n_classes):
            raise CheckpointError(
                f"log_bias has {len(self.log_bias)} numbers for {config.n_classes} outputs."
            )

    def scaled(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits whose softmax are the probabilities: divided by temperature, plus bias; [S, K]."""
        bias = torch.tensor(self.log_bias or 0.0, dtype=logits.dtype)
        return logits / self.temperature + bias

    @cached_property
    def digest(self) -> str:
        """Twelve hex digits of the SHA-256 over the weights' names and values."""
        state = self.model.state_dict()
        sha = hashlib.sha256()
        for name in sorted(state):
            sha.update(name.encode())
            sha.update(state[name].detach().cpu().contiguous().numpy().tobytes())
        return sha.hexdigest()[:12]

    @cached_property
    def identity(self) -> str:
        """Twelve hex digits that are equal only for checkpoints that predict the same."""
        settings = (
            *(self.digest, self.labels, self.segment_seconds, self.temperature, self.log_bias),
            *(self.front_end.to_dict(), asdict(self.model.config)),
            self.ood and self.ood.to_dict(),
        )
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]

    @property
    def metadata(self) -> Metadata:
        """Its description, as `crnn.model.metadata.read` gives it of a folder."""
        return Metadata(
            digest=self.digest,
            revision=self.revision,
            results=self.results,
            card=metadata.card(self.folder) if self.folder is not None else "",
            ood_threshold=self.ood.threshold if self.ood is not None else None,
            ood_origin=self.ood.origin if self.ood is not None else "",
        )

    @classmethod
    def load(
        cls,
        source: str | Path | HubAddress,
        progress: Progress | None = None,
        anonymous: bool = False,
    ) -> "Checkpoint":
        """Read a checkpoint.

        Args:
            source: "genre" or "mood" for the bundled ones, a folder, or `user/repo[@revision]` on
                the Hugging Face Hub. A text that names a folder here is that folder; a HubAddress
                is only ever the Hub.
            progress: called with the fraction of a download that is done.
            anonymous: fetch without any token.

        Raises:
            CheckpointError: which file is missing, or what in it does not fit.
        """
        if isinstance(source, str) and source in ("genre", "mood"):
            return cls._read(BUNDLED / source, source)
        if isinstance(source, str) and not Path(source).is_dir() and hub.looks_like_address(source):
            source = hub.parse_address(source)
        if not isinstance(source, HubAddress):
            return cls._read(Path(source), Path(source).name)
        name = str(source)
        snapshot = hub.fetch(
            source, progress, anonymous=anonymous, check=lambda file: _read_config(file, name)
        )
        return cls._read(snapshot.folder, name, snapshot.commit, snapshot.notice)

    @classmethod
    def _read(cls, folder: Path, name: str, commit: str = "", notice: str = "") -> "Checkpoint":
        for file in (CONFIG, WEIGHTS):
            if not (folder / file).is_file():
                raise CheckpointError(
                    f"{name}: no {file} there. A checkpoint is a folder with {CONFIG} and "
                    f"{WEIGHTS}, such as "
                    "`python -m training train` writes, or user/repo on the Hugging Face Hub."
                )
        config, detector = _read_config(folder / CONFIG, name)
        model = _with_weights(config.model, folder / WEIGHTS, name)
        settings = dict(config) | {"model": model, "ood": detector}
        del settings["format"]
        return cls(**settings, folder=folder, commit=commit, notice=notice)

    def save(self, folder: Path, card: str | None = None) -> None:
        """Write config, weights and, where given, the model card."""
        folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {
            "format": _FORMAT,
            "task": self.task,
            "labels": self.labels,
            "segment_seconds": self.segment_seconds,
            "front_end": self.front_end.to_dict(),
            "model": asdict(self.model.config),
            "temperature": self.temperature,
            **({"log_bias": self.log_bias} if self.log_bias else {}),
            "results": self.results,
            "data": self.data,
            "revision": self.revision,
        }
        if self.ood is not None:
            config["doubt"] = self.ood.to_dict()
        state = {
            name: (value.float() if value.is_floating_point() else value)
            .detach()
            .cpu()
            .contiguous()
            for name, value in self.model.state_dict().items()
        }
        save_file(state, folder / WEIGHTS)
        if card is not None:
            (folder / CARD).write_text(card, encoding="utf-8")
        # Last: its presence says that the folder is complete.
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _read_config(file: Path, name: str) -> tuple[CheckpointConfig, OODDetector | None]:
    """config.json and its detector, or CheckpointError; allocates nothing large."""
    try:
        stored = metadata.read_config(file)
        if "format" not in stored and "task" not in stored:
            raise CheckpointError(
                f"{name}: its {CONFIG} is that of another kind of model. One that this project's "
                "training wrote is needed."
            )
        if stored.get("format") != _FORMAT:
            found = ellipsis(str(stored.get("format")), 200)
            raise CheckpointError(f"{name}: format {found}; this version reads format {_FORMAT}.")
        config = CheckpointConfig.parse(stored)
        detector = OODDetector.from_dict(config.ood) if config.ood is not None else None
        with torch.device("meta"):  # shapes without memory
            state = CRNN(config.model).state_dict().values()
        _check_size("weights of", sum(value.numel() * value.element_size() for value in state))
    except (*MALFORMED, OSError) as error:
        raise CheckpointError(
            f"{name}: {CONFIG} does not describe a network of ours ({_reason(error)})."
        ) from error
    return config, detector


def _with_weights(config: ModelConfig, file: Path, name: str) -> CRNN:
    """The network with its weights, which must have exactly the names and shapes of config."""
    try:
        _check_size(f"{WEIGHTS} has", file.stat().st_size)
        state = load_file(file)
    except (RuntimeError, OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{name}: {WEIGHTS} is damaged or not in safetensors format ({_reason(error)}). "
            "Fetch it again, or ask who made it."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{name}: {error}.") from error
    model = CRNN(config)
    expected = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    for key in sorted(expected.keys() | shapes.keys()):
        if expected.get(key) != shapes.get(key):
            raise CheckpointError(
                f"{name}: {WEIGHTS} does not fit {CONFIG} ({ellipsis(key, 200)}: "
                f"{shapes.get(key, 'nothing')}, not {expected.get(key, 'nothing')}). Take both "
                "files from the same training."
            )
    if not {value.dtype for value in state.values()} <= _DTYPES:
        raise CheckpointError(f"{name}: {WEIGHTS} holds other types of numbers than weights have.")
    model.load_state_dict(state)
    with torch.inference_mode():  # a trial: from silence to 0 dB
        ramp = torch.linspace(-80, 0, config.n_mels * config.frames)
        logits = model.eval()(ramp.view(1, 1, config.n_mels, config.frames))
    if not all(bool(v.isfinite().all()) for v in (logits, *model.state_dict().values())):
        raise CheckpointError(
            f"{name}: {WEIGHTS} holds values, or leads to values, that are not numbers (NaN or "
            "infinite). Choose another revision."
        )
    return model


def _check_size(what: str, size: int) -> None:
    if size > MAX_BYTES[WEIGHTS]:
        limit = hub.file_size(MAX_BYTES[WEIGHTS])
        raise ValueError(f"{what} {hub.file_size(size)}; up to {limit} are accepted")


def _reason(error: Exception) -> str:
    """One line of a reason that may come from a stranger's file."""
    return ellipsis(str(error).partition("\n")[0] or type(error).__name__, 200)
