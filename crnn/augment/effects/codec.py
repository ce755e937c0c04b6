"""Lossy coding by MP3 or Opus at a given bit rate."""

import io
from dataclasses import dataclass

import av
import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

# By codec: FFmpeg's encoder, container, sample rates it takes, bit rates in kbit/s of one channel.
# MP3's are those of MPEG-2 layer III, which is what sample rates of 16 to 24 kHz have.
_ENCODERS = {
    "mp3": ("libmp3lame", "mp3", (16_000, 22_050, 24_000), (8, 16, 24, 32, 48, 64, 96, 128, 160)),
    "opus": ("libopus", "ogg", (48_000,), (6, 8, 12, 16, 24, 32, 48, 64, 96, 128)),
}
BIT_RATES = {codec: rates for codec, (*_, rates) in _ENCODERS.items()}


@dataclass(frozen=True)
class Codec:
    """Encode with FFmpeg, then decode; kbit_s: constant bit rate, one of BIT_RATES[codec].

    MP3 is encoded at 16, 22.05 or 24 kHz, so nothing above 12 kHz is left.
    """

    codec: str
    kbit_s: int

    def __post_init__(self) -> None:
        if self.kbit_s not in BIT_RATES.get(self.codec, ()):
            raise ValueError(
                f"{self.codec} at {self.kbit_s} kbit/s: one of {BIT_RATES} kbit/s is needed"
            )

    def encode(self, samples: NDArray[np.float32], sample_rate: int) -> bytes:
        """Encode samples [T], at one of the encoder's sample rates; returns the file."""
        encoder, container, *_ = _ENCODERS[self.codec]
        out = io.BytesIO()
        with av.open(out, "w", format=container) as file:
            stream = file.add_stream(encoder, rate=sample_rate, layout="mono")
            assert isinstance(stream, av.AudioStream)
            stream.bit_rate = 1000 * self.kbit_s
            if self.codec == "opus":
                stream.options = {"vbr": "off"}
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
            frame.sample_rate = sample_rate
            for part in (frame, None):  # what is left in the encoder comes at the end
                file.mux(stream.encode(part))
        return out.getvalue()

    def apply(self, samples: Tensor, sample_rate: int) -> Tensor:
        """Shape: [..., T] -> [..., T]. Peaks beyond ±1 are coded at full scale."""
        flat = samples.detach().float().reshape(-1, samples.shape[-1]).numpy()
        coded = [self._coded(sound, sample_rate) for sound in flat]
        return torch.from_numpy(np.array(coded)).to(samples.dtype).reshape(samples.shape)

    def _coded(self, sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
        rates = _ENCODERS[self.codec][2]
        rate = min(rates, key=lambda r: (abs(r - sample_rate), r))
        peak = max(1.0, float(np.abs(sound).max(initial=0.0)))
        longer = np.pad(sound / peak, (0, sample_rate))  # what decoders refuse as too short
        data = self.encode(soxr.resample(longer, sample_rate, rate), rate)
        decoded, _ = soundfile.read(io.BytesIO(data), dtype="float32")
        decoded = soxr.resample(decoded * peak, rate, sample_rate)[: len(sound)]
        return np.pad(decoded, (0, len(sound) - len(decoded)))
