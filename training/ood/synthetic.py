"""Sounds that are no music, made on the spot: silence, noise, and speech by espeak-ng.

Two sets that share no colour of noise, no voice, no language and no text: "choosing", to compare scores on and choose one, and
"testing", whose figures are printed. All pass through a 16-bit file and the code that serves.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from crnn.audio import noise
from crnn.audio.decode import decode
from crnn.inference.export import to_wav
from training.ood.speech_prompts import TEXTS

RATE = 22_050
Set = Literal["choosing", "testing"]
Array = np.ndarray[Any, np.dtype[np.float64]]
Make = Callable[[np.random.Generator, int], Array]

KINDS = ("silence", "noise", "speech")
NO_SPEECH = (
    "espeak-ng is not installed (Debian: apt install espeak-ng): the rows of speech are left out."
)


@dataclass(frozen=True)
class Sound:
    """kind: "silence", "noise" or "speech"; name: what it is, in a word or two; samples [T] at RATE, as decoded."""

    kind: str
    name: str
    samples: "np.ndarray[Any, np.dtype[np.float32]]"


def sounds(which: Set) -> Iterator[Sound]:
    """All sounds of a set, the same ones every time; without espeak-ng those that are not speech."""
    yield from _made("silence", _SILENCES[which], 6, 1 if which == "choosing" else 22)
    yield from _made("noise", _NOISES[which], 8, 3 if which == "choosing" else 24)
    if has_espeak():
        yield from _speech(which)


def has_espeak() -> bool:
    return shutil.which("espeak-ng") is not None


def _made(kind: str, makers: dict[str, Make], each: int, seed: int) -> Iterator[Sound]:
    """So many of each, 10 to 30 s long. Silences keep their level, noises get one between −40 and −6 dBFS (peak)."""
    for place, (name, make) in enumerate(makers.items()):
        for number in range(each):
            rng = np.random.default_rng((seed, place, number))
            samples = make(rng, round(rng.uniform(10, 30) * RATE))
            if kind == "noise":
                samples = samples / np.abs(samples).max() * 10 ** (rng.uniform(-40, -6) / 20)
            yield Sound(kind, name, _heard(samples))


def _heard(samples: Array) -> "np.ndarray[Any, np.dtype[np.float32]]":
    return decode(to_wav(np.clip(samples, -1, 1), RATE), sample_rate=RATE).samples


def _coloured(rng: np.random.Generator, count: int, gain: Callable[[Array], Array]) -> Array:
    """Noise of spread 1 whose amplitude follows gain(Hz) above 15 Hz."""
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    gains = np.where(hertz >= 15, gain(np.maximum(hertz, 15.0)), 0.0)
    made = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gains, count)
    return np.asarray(made / made.std())


def _slope(power: float) -> Make:
    """Noise whose amplitude goes with frequency to a power: 0 white, −0.5 pink, −1 brown, 0.5 blue, 1 violet."""
    return lambda rng, count: _coloured(rng, count, lambda hertz: hertz**power)


def _swell(rng: np.random.Generator, count: int, hertz: float, depth_db: float) -> Array:
    """A gain [T] that wanders by depth_db up and down, about `hertz` times a second."""
    points = max(3, round(count / RATE * hertz * 2))
    levels = np.interp(
        np.linspace(0, points - 1, count), np.arange(points), rng.uniform(-1, 1, points)
    )
    return np.asarray(10 ** (depth_db / 20 * levels))


def _band(rng: np.random.Generator, count: int, centre: float, octaves: float) -> Array:
    return _coloured(rng, count, lambda hertz: np.exp(-((np.log2(hertz / centre) / octaves) ** 2)))


def _wind(rng: np.random.Generator, count: int) -> Array:
    return _band(rng, count, rng.uniform(150, 400), 1.5) * _swell(rng, count, 0.4, 9)


def _rain(rng: np.random.Generator, count: int) -> Array:
    drops = (
        rng.standard_normal(count)
        * (rng.random(count) < rng.uniform(0.005, 0.05))
        * rng.exponential(1, count)
    )
    return np.asarray(drops + 0.1 * _coloured(rng, count, lambda hertz: hertz**-0.5))


def _fan(rng: np.random.Generator, count: int) -> Array:
    tone = np.sin(2 * np.pi * rng.uniform(90, 240) * np.arange(count) / RATE)
    return _band(rng, count, rng.uniform(400, 1200), 2.0) + rng.uniform(0.1, 0.6) * tone


def _surf(rng: np.random.Generator, count: int) -> Array:
    return _slope(-0.25)(rng, count) * _swell(rng, count, 0.12, 12)


def _beep(rng: np.random.Generator, count: int) -> Array:
    time = np.arange(count) / RATE
    on = (time / rng.uniform(0.4, 2.0)) % 1 < rng.uniform(0.2, 0.6)
    return np.sin(2 * np.pi * rng.uniform(400, 2500) * time) * on + 0.003 * rng.standard_normal(
        count
    )


def _hum(rng: np.random.Generator, count: int) -> Array:
    """Mains at 50 or 60 Hz with its harmonics, and a little hiss."""
    phase = 2 * np.pi * rng.choice([50.0, 60.0]) * np.arange(count) / RATE
    total = sum(
        np.sin(n * phase + rng.uniform(0, 6)) / n ** rng.uniform(0.8, 2) for n in range(1, 20)
    )
    return np.asarray(total + rng.uniform(0.001, 0.03) * rng.standard_normal(count))


def _engine(rng: np.random.Generator, count: int) -> Array:
    """Firings of a four-stroke engine, none like the other, whose speed wanders; a roar of brown noise below."""
    speed = rng.uniform(25, 90) * _swell(rng, count, 0.3, 3)
    phase = np.cumsum(speed) / RATE
    firing = (phase % 1 < 0.15) * rng.uniform(0.6, 1.0, int(phase[-1]) + 2)[phase.astype(int)]
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    body = sum(1 / (1 + ((hertz - f) / (0.3 * f)) ** 2) for f in rng.uniform(80, 1500, 4))
    firing = np.fft.irfft(np.fft.rfft(firing - firing.mean()) * body, count)
    return np.asarray(firing / firing.std() + rng.uniform(0.1, 0.5) * _slope(-1.0)(rng, count))


def _crowd(rng: np.random.Generator, count: int) -> Array:
    """Bands of noise where voices lie, each swelling at the pace of syllables."""
    bands = [
        _band(rng, count, f, 0.4) * _swell(rng, count, rng.uniform(2, 6), 9)
        for f in rng.uniform(200, 3500, 14)
    ]
    return np.asarray(sum(bands) + 0.3 * _slope(-0.5)(rng, count))


def _known(kind: str) -> Make:
    """A stretch of one of crnn.audio.noise's loops."""

    def make(rng: np.random.Generator, count: int) -> Array:
        loop = noise.noise_loop(kind, RATE).numpy().astype(np.float64)
        return np.asarray(np.roll(loop, int(rng.integers(len(loop))))[:count])

    return make


_NOISES: dict[Set, dict[str, Make]] = {
    "choosing": {
        "blue": _slope(0.5),
        "violet": _slope(1.0),
        "wind": _wind,
        "rain": _rain,
        "fan": _fan,
        "surf": _surf,
        "beeps": _beep,
        "worn record": _known("vinyl"),
        "murmur": _known("crowd"),
    },
    "testing": {
        "white": _slope(0.0),
        "pink": _slope(-0.5),
        "brown": _slope(-1.0),
        "hum": _hum,
        "engine": _engine,
        "crowd": _crowd,
    },
}


def _at(make: Make, low: float, high: float) -> Make:
    """That noise at a level (RMS, dBFS) between two."""

    def quiet(rng: np.random.Generator, count: int) -> Array:
        samples = make(rng, count)
        return np.asarray(samples / samples.std() * 10 ** (rng.uniform(low, high) / 20))

    return quiet


def _clicks(most: int) -> Make:
    """Digital silence with one to `most` clicks of a single sample or a few."""

    def make(rng: np.random.Generator, count: int) -> Array:
        samples = np.zeros(count)
        for place in rng.integers(RATE, count - RATE, int(rng.integers(1, most + 1))):
            samples[place : place + int(rng.integers(1, 6))] = rng.choice([-1, 1]) * 10 ** (
                rng.uniform(-30, -1) / 20
            )
        return samples

    return make


_SILENCES: dict[Set, dict[str, Make]] = {
    "choosing": {
        "violet hiss": _at(_slope(1.0), -76, -66),
        "one click": _clicks(1),
        "wind far off": _at(_wind, -76, -66),
    },
    "testing": {
        "digital silence": lambda rng, count: np.zeros(count),
        "dither": lambda rng, count: rng.choice([-1, 0, 1], count) / 32_768,
        "hiss at −70 dB": _at(_slope(0.0), -75, -65),
        "pink hiss at −70 dB": _at(_slope(-0.5), -75, -65),
        "hum at −70 dB": _at(_hum, -75, -65),
        "clicks": _clicks(3),
    },
}


# espeak-ng's variants of a voice: other speakers' pitch, formants and breath.
_VARIANTS: dict[Set, tuple[str, ...]] = {
    "choosing": ("", "+f1", "+m1", "+m5", "+f5", "+klatt2"),
    "testing": ("+Andrea", "+m2", "+f3", "+m4", "+whisperf", "+Denis", "+m8", "+belinda"),
}
# Speech decays by 60 dB in so many seconds; the room's own noise lies so many dB below it.
_ROOMS: dict[Set, tuple[tuple[float, float], ...]] = {
    "choosing": ((0.25, 45), (0.6, 25), (0.4, 35), (0.9, 20)),
    "testing": ((0.35, 40), (0.8, 30), (0.5, 20)),
}


def _speech(which: Set) -> Iterator[Sound]:
    """Every language of a set by several of its voices, read slowly and fast: dry, and as a microphone in a room gets it."""
    number = 0
    for language, text in TEXTS[which].items():
        for _ in range(8 if which == "choosing" else 4):
            rng = np.random.default_rng((7, 4 * (which == "testing"), number))
            variant = _VARIANTS[which][number % len(_VARIANTS[which])]
            spoken = _spoken(
                language + variant, text, int(rng.integers(120, 240)), int(rng.integers(20, 80))
            )
            count = round(rng.uniform(10, 30) * RATE)
            spoken = np.resize(np.roll(spoken, -int(rng.integers(len(spoken)))), count)
            spoken = spoken / np.abs(spoken).max() * 10 ** (rng.uniform(-30, -3) / 20)
            seconds, below = _ROOMS[which][number % len(_ROOMS[which])]
            yield Sound("speech", "dry", _heard(spoken))
            yield Sound("speech", "in a room", _heard(_in_a_room(rng, spoken, seconds, below)))
            number += 1


def _in_a_room(rng: np.random.Generator, dry: Array, seconds: float, below: float) -> Array:
    length = int(seconds * RATE)
    echo = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length) * 0.05
    echo[0] += 1
    size = len(dry) + length
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(echo, size), size)[: len(dry)]
    noisy = wet + wet.std() * 10 ** (-below / 20) * _slope(-0.5)(rng, len(wet))
    return np.asarray(noisy / np.abs(noisy).max() * np.abs(dry).max())


@lru_cache(maxsize=64)
def _spoken(voice: str, text: str, words_a_minute: int, pitch: int) -> Array:
    """espeak-ng's reading [T] at RATE."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        command = [
            "espeak-ng",
            "-v",
            voice,
            "-s",
            str(words_a_minute),
            "-p",
            str(pitch),
            "-w",
            str(file),
            text,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        samples, rate = soundfile.read(file)
    if rate != RATE:
        raise ValueError(f"espeak-ng wrote {rate} Hz; {RATE} Hz is needed")
    return np.asarray(samples)
