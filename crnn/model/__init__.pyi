from . import (
    checkpoint,
    config,
    hub,
    metadata,
    network,
    ood,
    segments,
)
from .checkpoint import Checkpoint
from .config import CheckpointConfig, ModelConfig
from .hub import HubAddress, parse_address
from .metadata import BUNDLED, Metadata
from .network import CRNN
from .ood import OODDetector, OODScore
from .segments import Segments

__all__ = [
    "BUNDLED",
    "CRNN",
    "Checkpoint",
    "CheckpointConfig",
    "HubAddress",
    "Metadata",
    "ModelConfig",
    "OODDetector",
    "OODScore",
    "Segments",
    "checkpoint",
    "config",
    "hub",
    "metadata",
    "network",
    "ood",
    "parse_address",
    "segments",
]
