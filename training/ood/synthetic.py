"""Synthetic sounds that are not music: silence, noise, and speech by espeak-ng.

Two sets without a noise colour, voice, language or text in common: "selection", on which scores are
compared, and "test", whose figures are reported. All pass through a 16-bit file and the inference
code.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
import yaml

from crnn.audio import noise
from crnn.audio.decode import decode
from crnn.inference.export import to_wav

SAMPLE_RATE = 22_050
Set = Literal["selection", "test"]
Array = np.ndarray[Any, np.dtype[np.float64]]
Generator = Callable[[np.random.Generator, int], Array]  # (rng, number of samples) -> samples [T]

KINDS = ("silence", "noise", "speech")
NO_SPEECH = "espeak-ng is not installed (Debian: apt install espeak-ng): speech is left out."


@dataclass(frozen=True)
class Sound:
    """kind: one of KINDS; name: "pink", …; samples [T] at SAMPLE_RATE, as decoded."""

    kind: str
    name: str
    samples: "np.ndarray[Any, np.dtype[np.float32]]"


def sounds(which: Set) -> Iterator[Sound]:
    """All sounds of a set, the same every time; without espeak-ng there is no speech."""
    yield from _generate("silence", _SILENCES[which], 6, 1 if which == "selection" else 22)
    yield from _generate("noise", _NOISES[which], 8, 3 if which == "selection" else 24)
    if has_espeak():
        yield from _speech(which)


def has_espeak() -> bool:
    return shutil.which("espeak-ng") is not None


def _generate(kind: str, generators: dict[str, Generator], each: int, seed: int) -> Iterator[Sound]:
    """10 to 30 s each. Silences keep their level; noises have a peak between −40 and −6 dBFS."""
    for place, (name, generator) in enumerate(generators.items()):
        for number in range(each):
            rng = np.random.default_rng((seed, place, number))
            samples = generator(rng, round(rng.uniform(10, 30) * SAMPLE_RATE))
            if kind == "noise":
                samples = samples / np.abs(samples).max() * _amplitude(rng, -40, -6)
            yield _sound(kind, name, samples)


def _sound(kind: str, name: str, samples: Array) -> Sound:
    data = to_wav(np.clip(samples, -1, 1), SAMPLE_RATE)
    return Sound(kind, name, decode(data, sample_rate=SAMPLE_RATE).samples)


def _amplitude(rng: np.random.Generator, low_db: float, high_db: float) -> float:
    return float(10 ** (rng.uniform(low_db, high_db) / 20))


def _coloured(rng: np.random.Generator, count: int, gain: Callable[[Array], Array]) -> Array:
    """Noise of standard deviation 1 whose amplitude follows gain(Hz) above 15 Hz."""
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    gains = np.where(hertz >= 15, gain(np.maximum(hertz, 15.0)), 0.0)
    filtered = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gains, count)
    return np.asarray(filtered / filtered.std())


def _slope(power: float) -> Generator:
    """Amplitude ∝ frequency ** power: 0 white, −0.5 pink, −1 brown, 0.5 blue, 1 violet."""
    return lambda rng, count: _coloured(rng, count, lambda hertz: hertz**power)


def _swell(rng: np.random.Generator, count: int, hertz: float, depth_db: float) -> Array:
    """A gain [T] that varies by ±depth_db, about `hertz` times a second."""
    points = max(3, round(count / SAMPLE_RATE * hertz * 2))
    positions = np.linspace(0, points - 1, count)
    levels = np.interp(positions, np.arange(points), rng.uniform(-1, 1, points))
    return np.asarray(10 ** (depth_db / 20 * levels))


def _band(rng: np.random.Generator, count: int, centre: float, octaves: float) -> Array:
    return _coloured(rng, count, lambda hertz: np.exp(-((np.log2(hertz / centre) / octaves) ** 2)))


def _wind(rng: np.random.Generator, count: int) -> Array:
    return _band(rng, count, rng.uniform(150, 400), 1.5) * _swell(rng, count, 0.4, 9)


def _rain(rng: np.random.Generator, count: int) -> Array:
    drops = rng.standard_normal(count) * (rng.random(count) < rng.uniform(0.005, 0.05))
    return drops * rng.exponential(1, count) + 0.1 * _slope(-0.5)(rng, count)


def _fan(rng: np.random.Generator, count: int) -> Array:
    tone = np.sin(2 * np.pi * rng.uniform(90, 240) * np.arange(count) / SAMPLE_RATE)
    return _band(rng, count, rng.uniform(400, 1200), 2.0) + rng.uniform(0.1, 0.6) * tone


def _surf(rng: np.random.Generator, count: int) -> Array:
    return _slope(-0.25)(rng, count) * _swell(rng, count, 0.12, 12)


def _beep(rng: np.random.Generator, count: int) -> Array:
    time = np.arange(count) / SAMPLE_RATE
    on = (time / rng.uniform(0.4, 2.0)) % 1 < rng.uniform(0.2, 0.6)
    tone = np.sin(2 * np.pi * rng.uniform(400, 2500) * time) * on
    return tone + 0.003 * rng.standard_normal(count)


def _hum(rng: np.random.Generator, count: int) -> Array:
    """Mains at 50 or 60 Hz with its harmonics, and a little hiss."""
    phase = 2 * np.pi * rng.choice([50.0, 60.0]) * np.arange(count) / SAMPLE_RATE
    harmonics = (
        np.sin(n * phase + rng.uniform(0, 6)) / n ** rng.uniform(0.8, 2) for n in range(1, 20)
    )
    return np.asarray(sum(harmonics) + rng.uniform(0.001, 0.03) * rng.standard_normal(count))


def _engine(rng: np.random.Generator, count: int) -> Array:
    """A four-stroke engine: irregular ignitions at varying speed over brown noise."""
    speed = rng.uniform(25, 90) * _swell(rng, count, 0.3, 3)
    phase = np.cumsum(speed) / SAMPLE_RATE
    ignition = (phase % 1 < 0.15) * rng.uniform(0.6, 1.0, int(phase[-1]) + 2)[phase.astype(int)]
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    body = sum(1 / (1 + ((hertz - f) / (0.3 * f)) ** 2) for f in rng.uniform(80, 1500, 4))
    ignition = np.fft.irfft(np.fft.rfft(ignition - ignition.mean()) * body, count)
    return np.asarray(ignition / ignition.std() + rng.uniform(0.1, 0.5) * _slope(-1.0)(rng, count))


def _crowd(rng: np.random.Generator, count: int) -> Array:
    """Bands of noise in the range of voices, each varying at the rate of syllables."""
    bands = [
        _band(rng, count, f, 0.4) * _swell(rng, count, rng.uniform(2, 6), 9)
        for f in rng.uniform(200, 3500, 14)
    ]
    return np.asarray(sum(bands) + 0.3 * _slope(-0.5)(rng, count))


def _loop(kind: str) -> Generator:
    """An excerpt of one of crnn.audio.noise's loops."""

    def generate(rng: np.random.Generator, count: int) -> Array:
        loop = noise.noise_loop(kind, SAMPLE_RATE).numpy().astype(np.float64)
        return np.asarray(np.roll(loop, int(rng.integers(len(loop))))[:count])

    return generate


def _quiet(generator: Generator, low_db: float, high_db: float) -> Generator:
    """A noise at a level (RMS, dBFS) between two."""

    def generate(rng: np.random.Generator, count: int) -> Array:
        samples = generator(rng, count)
        return np.asarray(samples / samples.std() * _amplitude(rng, low_db, high_db))

    return generate


def _clicks(most: int) -> Generator:
    """Digital silence with one to `most` clicks of one to five samples."""

    def generate(rng: np.random.Generator, count: int) -> Array:
        samples = np.zeros(count)
        places = rng.integers(SAMPLE_RATE, count - SAMPLE_RATE, int(rng.integers(1, most + 1)))
        for place in places:
            value = rng.choice([-1, 1]) * _amplitude(rng, -30, -1)
            samples[place : place + int(rng.integers(1, 6))] = value
        return samples

    return generate


_NOISES: dict[Set, dict[str, Generator]] = {
    "selection": {
        "blue": _slope(0.5),
        "violet": _slope(1.0),
        "wind": _wind,
        "rain": _rain,
        "fan": _fan,
        "surf": _surf,
        "beeps": _beep,
        "vinyl": _loop("vinyl"),
        "murmur": _loop("crowd"),
    },
    "test": {
        "white": _slope(0.0),
        "pink": _slope(-0.5),
        "brown": _slope(-1.0),
        "hum": _hum,
        "engine": _engine,
        "crowd": _crowd,
    },
}
_SILENCES: dict[Set, dict[str, Generator]] = {
    "selection": {
        "violet hiss": _quiet(_slope(1.0), -76, -66),
        "one click": _clicks(1),
        "distant wind": _quiet(_wind, -76, -66),
    },
    "test": {
        "digital silence": lambda rng, count: np.zeros(count),
        "dither": lambda rng, count: rng.choice([-1, 0, 1], count) / 32_768,
        "hiss at −70 dB": _quiet(_slope(0.0), -75, -65),
        "pink hiss at −70 dB": _quiet(_slope(-0.5), -75, -65),
        "hum at −70 dB": _quiet(_hum, -75, -65),
        "clicks": _clicks(3),
    },
}
# espeak-ng's variants of a voice: pitch, formants and breath of other speakers.
_VARIANTS: dict[Set, tuple[str, ...]] = {
    "selection": ("", "+f1", "+m1", "+m5", "+f5", "+klatt2"),
    "test": ("+Andrea", "+m2", "+f3", "+m4", "+whisperf", "+Denis", "+m8", "+belinda"),
}
# Rooms: reverberation time (60 dB) in seconds, and by how many dB the background noise is quieter.
_ROOMS: dict[Set, tuple[tuple[float, float], ...]] = {
    "selection": ((0.25, 45), (0.6, 25), (0.4, 35), (0.9, 20)),
    "test": ((0.35, 40), (0.8, 30), (0.5, 20)),
}
PROMPTS: dict[Set, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("speech_prompts.yaml").read_text(encoding="utf-8")
)


def _speech(which: Set) -> Iterator[Sound]:
    """Every language by several voices, slow and fast: dry, and recorded in a room."""
    repeats = 8 if which == "selection" else 4
    prompts = chain.from_iterable([prompt] * repeats for prompt in PROMPTS[which].items())
    for number, (language, text) in enumerate(prompts):
        rng = np.random.default_rng((7, 4 * (which == "test"), number))
        voice = language + _VARIANTS[which][number % len(_VARIANTS[which])]
        spoken = _espeak(voice, text, int(rng.integers(120, 240)), int(rng.integers(20, 80)))
        count = round(rng.uniform(10, 30) * SAMPLE_RATE)
        spoken = np.resize(np.roll(spoken, -int(rng.integers(len(spoken)))), count)
        spoken = spoken / np.abs(spoken).max() * _amplitude(rng, -30, -3)
        reverberation, below_db = _ROOMS[which][number % len(_ROOMS[which])]
        yield _sound("speech", "dry", spoken)
        yield _sound("speech", "in a room", _in_a_room(rng, spoken, reverberation, below_db))


def _in_a_room(
    rng: np.random.Generator, dry: Array, reverberation: float, below_db: float
) -> Array:
    """Convolve with a decaying noise and add pink background noise; the peak stays."""
    length = int(reverberation * SAMPLE_RATE)
    response = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length) * 0.05
    response[0] += 1
    size = len(dry) + length
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(response, size), size)[: len(dry)]
    noisy = wet + wet.std() * 10 ** (-below_db / 20) * _slope(-0.5)(rng, len(wet))
    return np.asarray(noisy / np.abs(noisy).max() * np.abs(dry).max())


@lru_cache(maxsize=64)
def _espeak(voice: str, text: str, words_per_minute: int, pitch: int) -> Array:
    """The text as spoken by espeak-ng, [T] at SAMPLE_RATE."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        options = {"-v": voice, "-s": str(words_per_minute), "-p": str(pitch), "-w": str(file)}
        command = ["espeak-ng", *chain.from_iterable(options.items()), text]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        samples, rate = soundfile.read(file)
    if rate != SAMPLE_RATE:
        raise ValueError(f"espeak-ng wrote {rate} Hz; {SAMPLE_RATE} Hz is needed")
    return np.asarray(samples)
