"""A minute each of white noise, pink noise, crowd noise and vinyl noise, all synthesised."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_power

SECONDS = 60
KINDS = ("white", "pink", "crowd", "vinyl")

Array = np.ndarray[Any, np.dtype[np.float64]]


@lru_cache(maxsize=8)
def noise_loop(kind: str, sample_rate: int) -> Tensor:
    """A minute of noise [T] of mean power 1 that can be looped; the same one on every call."""
    synthesise = {"white": _white, "pink": _pink, "crowd": _crowd, "vinyl": _vinyl}[kind]
    samples = synthesise(np.random.default_rng(20_210), SECONDS * sample_rate, sample_rate)
    samples -= samples.mean()
    return torch.from_numpy((samples / np.sqrt(np.square(samples).mean())).astype(np.float32))


@lru_cache(maxsize=8)
def noise_loop_power(kind: str, front_end: FrontEnd) -> Tensor:
    """Mel power [M, F] of that minute, to be added to mel power spectrograms."""
    return mel_power(noise_loop(kind, front_end.sample_rate), front_end)


def _white(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    return np.asarray(rng.standard_normal(count))


def _pink(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Equal power in every octave from 20 Hz up, like rain."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    return _filtered(rng, count, np.where(hertz >= 20, 1 / np.sqrt(np.maximum(hertz, 20)), 0.0))


def _filtered(rng: np.random.Generator, count: int, gain: Array) -> Array:
    """White noise times a gain per frequency: circular, so that it loops."""
    return np.asarray(np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gain, count))


# Mean formants of vowels in Hz (Peterson & Barney 1952, men: i, ae, a, u, er).
_VOWELS = ((270, 2290), (660, 1720), (730, 1090), (300, 870), (490, 1350))
_VOICES_PER_VOWEL = 4


def _crowd(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Twenty voices: pulse trains of 85 to 255 Hz through two formants, in syllables."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    time = np.arange(count) / sample_rate
    total = np.zeros(count)
    for formants in _VOWELS:
        pulses = np.zeros(count)
        for _ in range(_VOICES_PER_VOWEL):
            # Whole cycles in a minute, so that the loop closes.
            pitch = round(rng.uniform(85, 255) * SECONDS) / SECONDS
            vibrato = round(rng.uniform(0.2, 0.6) * SECONDS) / SECONDS
            glide = 0.03 * np.sin(2 * np.pi * (vibrato * time + rng.random()))
            syllables = rng.uniform(0, 1, SECONDS * 4) * (rng.random(SECONDS * 4) > 0.3)
            level = np.interp(time * 4, np.arange(SECONDS * 4 + 1), [*syllables, syllables[0]])
            pulses += level * (2 * ((pitch * time + glide * pitch) % 1.0) - 1)
        gain = sum(1 / (1 + ((hertz - formant) / 90) ** 2) for formant in formants)
        total += np.fft.irfft(np.fft.rfft(pulses) * gain, count)  # one filter for all: it is linear
    room = _pink(rng, count, sample_rate)
    return np.asarray(total / total.std() + 0.1 * room / room.std())


_SECONDS_PER_TURN = 60 / (100 / 3)  # an LP's 33⅓ turns a minute


def _vinyl(rng: np.random.Generator, count: int, sample_rate: int) -> Array:
    """Hiss, rumble below 40 Hz, 60 crackles a second, and a scratch with every turn."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    hiss = _pink(rng, count, sample_rate)
    rumble = _filtered(rng, count, np.where((hertz > 8) & (hertz < 40), 1.0, 0.0))
    clicks = np.zeros(count)
    places = rng.integers(0, count, 60 * SECONDS)
    np.add.at(clicks, places, rng.exponential(1.0, len(places)) * rng.choice([-1, 1], len(places)))
    turns = np.arange(int(SECONDS / _SECONDS_PER_TURN))
    for start in rng.random(2):
        clicks[((start + turns) * _SECONDS_PER_TURN * sample_rate).astype(int) % count] += 8.0
    # The needle rings for a third of a millisecond after each click.
    ringing = np.zeros(count)
    length = int(0.003 * sample_rate)
    ringing[:length] = np.exp(-np.arange(length) / (0.0003 * sample_rate))
    crackle = np.fft.irfft(np.fft.rfft(clicks) * np.fft.rfft(ringing), count)
    return np.asarray(0.15 * hiss / hiss.std() + 0.3 * rumble / rumble.std() + crackle)
