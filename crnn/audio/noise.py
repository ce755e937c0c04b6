"""Noise as a loop: synthesised white, pink, crowd and vinyl noise, or a recording of one's own."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.decode import SILENCE_PEAK
from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_power
from crnn.audio.silence import silent_intervals
from crnn.errors import AudioError

SECONDS = 60
KINDS = ("white", "pink", "crowd", "vinyl")

# Of a recording: shorter ones would be a tone at the rate of their repetition.
MIN_SECONDS = 1.0
# The end fades into the beginning; without it every repetition would click.
FADE_SECONDS = 0.05

Array = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class NoiseLoop:
    """A recording as noise, to be given instead of one of KINDS.

    Attributes:
        digest: of the samples; loops of the same name, rate and digest are equal.
        samples: [T] at sample_rate Hz, at most a minute, of mean 0 and mean power 1.
    """

    name: str
    sample_rate: int
    digest: str
    samples: Tensor = field(repr=False, compare=False)
    # What was computed from it goes with it, unlike what a cache of the process holds.
    _computed: dict[Hashable, Tensor] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def from_samples(cls, name: str, samples: Array, sample_rate: int) -> "NoiseLoop":
        """The first minute of a recording [T], without its silent intervals.

        A shorter one is repeated as often as a minute holds.

        Raises:
            AudioError: the recording is silent, or shorter than MIN_SECONDS.
        """
        fade = round(FADE_SECONDS * sample_rate)
        samples = samples[: SECONDS * sample_rate + fade]
        if len(samples) and np.ptp(samples) < 2 * SILENCE_PEAK:
            raise AudioError(
                "The first minute of this recording is silent (below −80 dBFS); audible noise is "
                "needed. Choose another recording."
            )
        for first, end in reversed(silent_intervals(samples, sample_rate)):
            samples = np.delete(samples, slice(first, end))
        if (seconds := len(samples) / sample_rate) < MIN_SECONDS:
            raise AudioError(
                f"The first minute of this recording has {seconds:.2f} s of sound, too short to be "
                f"repeated as noise: {MIN_SECONDS:g} s or more are needed. Choose a longer one."
            )
        loop, rest = samples[:-fade].copy(), samples[-fade:]
        # Of equal power, as the two ends are not correlated.
        angle = np.linspace(0, np.pi / 2, fade, endpoint=False, dtype=np.float32)
        loop[:fade] = loop[:fade] * np.sin(angle) + rest * np.cos(angle)
        loop = _normalised(np.tile(loop, max(1, SECONDS * sample_rate // len(loop))))
        return cls(name, sample_rate, sha256(loop.tobytes()).hexdigest(), torch.from_numpy(loop))

    def at(self, sample_rate: int) -> Tensor:
        """The loop [T] at another rate; resampled by its spectrum, so that it stays a loop."""
        if sample_rate == self.sample_rate:
            return self.samples
        if sample_rate not in self._computed:
            count = round(len(self.samples) * sample_rate / self.sample_rate)
            samples = np.fft.irfft(np.fft.rfft(self.samples.numpy()), count)
            self._computed[sample_rate] = torch.from_numpy(_normalised(samples.astype(np.float32)))
        return self._computed[sample_rate]

    def power(self, front_end: FrontEnd) -> Tensor:
        """Its mel power [M, F]."""
        if front_end not in self._computed:
            self._computed[front_end] = mel_power(self.at(front_end.sample_rate), front_end)
        return self._computed[front_end]


def noise_loop(kind: str | NoiseLoop, sample_rate: int) -> Tensor:
    """A minute of noise [T] of mean power 1 that can be looped; the same one on every call.

    Of a NoiseLoop, its samples: a minute at most, half a minute at least.
    """
    return kind.at(sample_rate) if isinstance(kind, NoiseLoop) else _synthesised(kind, sample_rate)


def noise_loop_power(kind: str | NoiseLoop, front_end: FrontEnd) -> Tensor:
    """Mel power [M, F] of that loop, to be added to mel power spectrograms."""
    return kind.power(front_end) if isinstance(kind, NoiseLoop) else _power(kind, front_end)


@lru_cache(maxsize=8)
def _synthesised(kind: str, sample_rate: int) -> Tensor:
    synthesise = {"white": _white, "pink": _pink, "crowd": _crowd, "vinyl": _vinyl}[kind]
    samples = synthesise(np.random.default_rng(20_210), SECONDS * sample_rate, sample_rate)
    return torch.from_numpy(_normalised(samples))


@lru_cache(maxsize=8)
def _power(kind: str, front_end: FrontEnd) -> Tensor:
    return mel_power(_synthesised(kind, front_end.sample_rate), front_end)


def _normalised(samples: Array) -> Array:
    """Samples [T], changed in place, of mean 0 and mean power 1."""
    samples -= samples.mean()
    samples /= np.sqrt(np.square(samples).mean())
    return samples


def _white(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    return rng.standard_normal(count).astype(np.float32)


def _pink(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Equal power in every octave from 20 Hz up, like rain."""
    hertz = _hertz(count, sample_rate)
    return _filtered(_white(rng, count, sample_rate), (hertz >= 20) / np.sqrt(hertz.clip(20)))


def _hertz(count: int, sample_rate: int) -> Array:
    """Frequencies of the bins of a minute's spectrum, [T / 2 + 1]."""
    return np.fft.rfftfreq(count, 1 / sample_rate).astype(np.float32)


def _filtered(samples: Array, gain: np.ndarray[Any, Any]) -> Array:
    """Samples [T] times a gain by frequency [T / 2 + 1]: circular, so that a loop stays one."""
    spectrum = np.fft.rfft(samples)
    spectrum *= gain
    return np.asarray(np.fft.irfft(spectrum, len(samples)))


# Mean formants of vowels in Hz (Peterson & Barney 1952, men: i, ae, a, u, er).
_VOWELS = ((270, 2290), (660, 1720), (730, 1090), (300, 870), (490, 1350))
_VOICES_PER_VOWEL = 4


def _crowd(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Twenty voices: pulse trains of 85 to 255 Hz through two formants, in syllables."""
    hertz = _hertz(count, sample_rate)
    spectrum = np.zeros(len(hertz), np.complex64)
    for formants in _VOWELS:
        pulses = sum(_voice(rng, count) for _ in range(_VOICES_PER_VOWEL))
        gain = sum(1 / (1 + ((hertz - formant) / 90) ** 2) for formant in formants)
        spectrum += np.fft.rfft(pulses) * gain  # one filter for all voices: it is linear
    total = np.fft.irfft(spectrum, count)
    room = _pink(rng, count, sample_rate)
    return np.asarray(total / total.std() + 0.1 * room / room.std())


def _voice(rng: np.random.Generator, count: int) -> Array:
    """A sawtooth of gliding pitch, four syllables a second; [T].

    In rows of half a second, [120, T / 120]: time within a row is short enough for 32 bits, and
    what is a product of row and time takes one operation a sample.
    """
    # Whole cycles in a minute, so that the loop closes.
    pitch = round(rng.uniform(85, 255) * SECONDS) / SECONDS
    vibrato = 2 * np.pi * round(rng.uniform(0.2, 0.6) * SECONDS) / SECONDS
    depth, phase = 0.03 * pitch, 2 * np.pi * rng.random()
    syllables = rng.uniform(0, 1, SECONDS * 4) * (rng.random(SECONDS * 4) > 0.3)
    rows = 2 * SECONDS
    start = np.arange(rows)[:, None] / 2
    within = np.linspace(0, 0.5, count // rows, endpoint=False)
    # sin(a + b) = sin a cos b + cos a sin b
    angle, turn = vibrato * start + phase, vibrato * within
    starts = np.hstack([depth * np.sin(angle), depth * np.cos(angle), pitch * start % 1.0])
    cycles = _product(starts, [np.cos(turn), np.sin(turn), np.ones_like(within)])
    cycles += (pitch * within).astype(np.float32)
    cycles -= np.floor(cycles)
    # Loudness runs straight from each syllable to the next.
    weights = [np.interp(within, [0, 0.25, 0.5], np.eye(3)[k]) for k in range(3)]
    level = _product(np.stack([np.roll(syllables, -k)[::2] for k in range(3)], 1), weights)
    level *= 2 * cycles - 1
    return level.reshape(-1)


def _product(left: Any, right: Any) -> Array:
    # Not @: BLAS would share so small a product among threads that take longer to start.
    left, right = np.asarray(left, np.float32), np.asarray(right, np.float32)
    return np.asarray(np.einsum("rk,kt->rt", left, right))


_SECONDS_PER_TURN = 60 / (100 / 3)  # an LP's 33⅓ turns a minute


def _vinyl(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Hiss, rumble below 40 Hz, 60 crackles a second, and a scratch with every turn."""
    hertz = _hertz(count, sample_rate)
    hiss = _pink(rng, count, sample_rate)
    hiss *= 0.15 / hiss.std()
    rumble = _filtered(_white(rng, count, sample_rate), (hertz > 8) & (hertz < 40))
    hiss += 0.3 / rumble.std() * rumble
    clicks = np.zeros(count, np.float32)
    places = rng.integers(0, count, 60 * SECONDS)
    np.add.at(clicks, places, rng.exponential(1.0, len(places)) * rng.choice([-1, 1], len(places)))
    turns = np.arange(int(SECONDS / _SECONDS_PER_TURN))
    for start in rng.random(2):
        clicks[((start + turns) * _SECONDS_PER_TURN * sample_rate).astype(int) % count] += 8.0
    # The needle rings for a third of a millisecond after each click.
    ringing = np.zeros(count, np.float32)
    length = int(0.003 * sample_rate)
    ringing[:length] = np.exp(-np.arange(length) / (0.0003 * sample_rate))
    hiss += _filtered(clicks, np.fft.rfft(ringing))
    return hiss
