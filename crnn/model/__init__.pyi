from . import (
    checkpoint,
    hub,
    hub_address,
    limits,
    metadata,
    meter,
    network,
    ood,
    segments,
)
from .checkpoint import BUNDLED, Checkpoint
from .hub_address import HubAddress
from .metadata import Metadata
from .network import CRNN, ModelConfig
from .ood import OODDetector, OODScore
from .segments import Segments

__all__ = [
    "BUNDLED",
    "CRNN",
    "Checkpoint",
    "HubAddress",
    "Metadata",
    "ModelConfig",
    "OODDetector",
    "OODScore",
    "Segments",
    "checkpoint",
    "hub",
    "hub_address",
    "limits",
    "metadata",
    "meter",
    "network",
    "ood",
    "segments",
]
