from .base import Effect, Recording
from .clipping import Clipping
from .codec import Codec
from .equaliser import Equaliser, equalise
from .filters import BandPass
from .gain import Gain
from .mixing import CutMix, Mix, MixStyle, Mixup
from .reverberation import Reverberation
from .stretch import PitchShift, TimeStretch, stretched

__all__ = [
    "BandPass",
    "Clipping",
    "Codec",
    "CutMix",
    "Effect",
    "Equaliser",
    "Gain",
    "Mix",
    "MixStyle",
    "Mixup",
    "PitchShift",
    "Recording",
    "Reverberation",
    "TimeStretch",
    "equalise",
    "stretched",
]
