from . import attribution, deletion, sonify, trace
from .attribution import grad_cam, occlusion
from .deletion import Attribution, deletion_test
from .sonify import split_by_mask

__all__ = [
    "Attribution",
    "attribution",
    "deletion",
    "deletion_test",
    "grad_cam",
    "occlusion",
    "sonify",
    "split_by_mask",
    "trace",
]
