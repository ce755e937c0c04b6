"""A minute each of white and pink noise, a crowd and a worn record: all computed, none recorded."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_power

SECONDS = 60
KINDS = {
    "white": "White noise: the same power at every frequency, like an untuned radio",
    "pink": "Pink noise: the same power in every octave, like rain or wind",
    "crowd": "A crowd: twenty murmuring voices at once, each with its own pitch and pauses",
    "vinyl": "A worn record: crackle, clicks and a low rumble, repeated with its turns",
}

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]


@lru_cache(maxsize=8)
def noise_loop(kind: str, sample_rate: int) -> Tensor:
    """A minute of noise [T] of mean power 1 that may be played in a circle; always the same one."""
    rng = np.random.default_rng(20_210)
    count = SECONDS * sample_rate
    made = {"white": _white, "pink": _pink, "crowd": _crowd, "vinyl": _vinyl}[kind](
        rng, count, sample_rate
    )
    made -= made.mean()
    return torch.from_numpy((made / np.sqrt(np.square(made).mean())).astype(np.float32))


@lru_cache(maxsize=8)
def noise_loop_power(kind: str, front_end: FrontEnd) -> Tensor:
    """Mel power [M, F] of that minute, for noise that is added to spectrograms."""
    return mel_power(noise_loop(kind, front_end.sample_rate), front_end)


def _white(rng: np.random.Generator, count: int, sample_rate: int) -> Samples:
    return np.asarray(rng.standard_normal(count))


def _pink(rng: np.random.Generator, count: int, sample_rate: int) -> Samples:
    """White noise whose spectrum is divided by the square root of frequency: circular, from 20 Hz up."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    return _shaped(rng, count, np.where(hertz >= 20, 1 / np.sqrt(np.maximum(hertz, 20)), 0.0))


def _shaped(
    rng: np.random.Generator, count: int, gain: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> Samples:
    return np.asarray(np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * gain, count))


# Mean formants of vowels in Hz (Peterson & Barney 1952, men: i, ae, a, u, er), two a vowel.
_VOWELS = ((270, 2290), (660, 1720), (730, 1090), (300, 870), (490, 1350))
_VOICES = 4  # a vowel


def _crowd(rng: np.random.Generator, count: int, sample_rate: int) -> Samples:
    """Voices: pulse trains of 85 to 255 Hz shaped by two formants of a vowel, in syllables of about a quarter of a second."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    time = np.arange(count) / sample_rate
    total = np.zeros(count)
    for first, second in _VOWELS:
        pulses = np.zeros(count)
        for _ in range(
            _VOICES
        ):  # through one filter, since its output for a sum is the sum of its outputs
            # Whole cycles in a minute, so that the loop closes.
            pitch = round(rng.uniform(85, 255) * SECONDS) / SECONDS
            glide = 0.03 * np.sin(
                2 * np.pi * (round(rng.uniform(0.2, 0.6) * SECONDS) / SECONDS * time + rng.random())
            )
            phase = pitch * time + glide * pitch
            syllables = rng.uniform(0, 1, SECONDS * 4) * (rng.random(SECONDS * 4) > 0.3)
            level = np.interp(time * 4, np.arange(SECONDS * 4 + 1), [*syllables, syllables[0]])
            pulses += level * (2 * (phase % 1.0) - 1)
        gain = sum(1 / (1 + ((hertz - formant) / 90) ** 2) for formant in (first, second))
        total += np.fft.irfft(np.fft.rfft(pulses) * gain, count)
    room = _pink(rng, count, sample_rate)
    return np.asarray(total / total.std() + 0.1 * room / room.std())


# A long-playing record's 33⅓ turns a minute.
_TURN_SECONDS = 60 / (100 / 3)


def _vinyl(rng: np.random.Generator, count: int, sample_rate: int) -> Samples:
    """Surface hiss, a rumble below 40 Hz, some 60 crackles a second and a scratch that comes round with every turn."""
    hertz = np.fft.rfftfreq(count, 1 / sample_rate)
    hiss = _pink(rng, count, sample_rate)
    hiss *= 0.15 / hiss.std()
    rumble = _shaped(rng, count, np.where((hertz > 8) & (hertz < 40), 1.0, 0.0))
    rumble *= 0.3 / rumble.std()
    clicks = np.zeros(count)
    places = rng.integers(0, count, 60 * SECONDS)
    np.add.at(clicks, places, rng.exponential(1.0, len(places)) * rng.choice([-1, 1], len(places)))
    for start in rng.random(2):
        turns = (
            (start + np.arange(int(SECONDS / _TURN_SECONDS))) * _TURN_SECONDS * sample_rate
        ).astype(int)
        clicks[turns % count] += 8.0
    # A click rings for a third of a millisecond, as the needle does.
    ring = np.exp(-np.arange(int(0.003 * sample_rate)) / (0.0003 * sample_rate))
    padded = np.zeros(count)
    padded[: len(ring)] = ring
    return np.asarray(
        hiss + rumble + np.fft.irfft(np.fft.rfft(clicks) * np.fft.rfft(padded), count)
    )
