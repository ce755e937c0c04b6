from . import (
    attribution,
    trace,
)
from .attribution import Attribution, grad_cam, occlusion

__all__ = ["Attribution", "attribution", "grad_cam", "occlusion", "trace"]
