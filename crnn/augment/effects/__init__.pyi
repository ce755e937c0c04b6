from .base import Effect
from .clipping import Clipping
from .codec import Codec
from .equaliser import Equaliser, equalise
from .filters import BandPass
from .gain import Gain
from .reverberation import Reverberation
from .stretch import PitchShift, TimeStretch, stretched

__all__ = [
    "BandPass",
    "Clipping",
    "Codec",
    "Effect",
    "Equaliser",
    "Gain",
    "PitchShift",
    "Reverberation",
    "TimeStretch",
    "equalise",
    "stretched",
]
