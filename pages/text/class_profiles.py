"""Class profiles in sentences: how the average track of a genre or mood differs from the others.

A difference is mentioned where it is at least half of the spread between tracks of the class.
"""

from typing import Any

import numpy as np

from crnn.format import hertz
from crnn.results import ClassDifference, class_difference, log2_modulation_ratio

Array = np.ndarray[Any, np.dtype[Any]]

_MIN_EFFECT = 0.5  # standard deviations between tracks
_MIN_DB, _MIN_BANDS = 2.0, 6
# Hz. Above it, recordings end by their format and resampling rather than by their music.
_EDGE_HZ, _EDGE_DB = 9000.0, 10.0


def describe(table: dict[str, Any], task: str, label: str) -> list[str]:
    """Up to four sentences: spectrum, its upper end, how much and how fast levels change."""
    classes, bands = table["classes"][task], np.asarray(table["hertz"])
    spectrum = class_difference(classes, label, "spectrum")
    modulation = class_difference(classes, label, "modulation")
    sentences = [
        _spectrum(spectrum, bands),
        _edge(spectrum, bands),
        _level_changes(classes, label),
        _rhythm(modulation, np.asarray(table["modulation_hertz"])),
    ]
    return [sentence for sentence in sentences if sentence]


def _spectrum(spectrum: ClassDifference, bands: Array) -> str:
    difference = spectrum.mean - spectrum.others
    clear = (np.abs(spectrum.effect_size) >= _MIN_EFFECT) & (np.abs(difference) >= _MIN_DB)
    parts = []
    for sign, word in ((1, "stronger"), (-1, "weaker")):
        if found := _widest(
            clear & (bands <= _EDGE_HZ) & (np.sign(difference) == sign), difference
        ):
            first, last, peak = found
            parts.append(
                f"{word} than the others from {_hertz(bands[first])} to {_hertz(bands[last])}, "
                f"most at {_hertz(bands[peak])} ({_signed(difference[peak])} dB)"
            )
    if not parts:
        return "Its average spectrum is close to that of the others."
    return f"Its spectrum is {' and '.join(parts)}."


def _widest(where: Array, difference: Array) -> tuple[int, int, int] | None:
    """First band, last band and peak of the run with the largest difference in total, if any."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(int)))
    runs = [(a, b) for a, b in zip(steps[::2], steps[1::2], strict=True) if b - a >= _MIN_BANDS]
    if not runs:
        return None
    first, end = max(runs, key=lambda run: float(np.abs(difference[slice(*run)]).sum()))
    return first, end - 1, first + int(np.abs(difference[first:end]).argmax())


def _edge(spectrum: ClassDifference, bands: Array) -> str:
    difference = np.where(bands > _EDGE_HZ, spectrum.mean - spectrum.others, 0.0)
    band = int(np.abs(difference).argmax())
    if abs(difference[band]) < _EDGE_DB or abs(spectrum.effect_size[band]) < 1:
        return ""
    return (
        f"Above {_hertz(_EDGE_HZ)} it differs by up to {_signed(difference[band])} dB. This "
        "reflects the file format, not the music; a model can still pick it up."
    )


def _level_changes(classes: dict[str, Any], label: str) -> str:
    variation = class_difference(classes, label, "swing")
    ranked = sorted(classes, key=lambda name: -float(classes[name]["swing"]["mean"]))
    place = {ranked[0]: ", the most of all", ranked[-1]: ", the least of all"}.get(label, "")
    return (
        f"The level of a frequency band typically varies by ±{variation.mean[0]:.1f} dB over a "
        f"track{place} (others: ±{variation.others[0]:.1f} dB)."
    )


def _rhythm(modulation: ClassDifference, rates: Array) -> str:
    ratio = 10 ** (modulation.mean - modulation.others)
    high, low = int(modulation.effect_size.argmax()), int(modulation.effect_size.argmin())
    parts = []
    if modulation.effect_size[high] >= _MIN_EFFECT:
        parts.append(f"strongest at {_tempo(rates[high])}, {ratio[high]:.1f}× the others")
    if modulation.effect_size[low] <= -_MIN_EFFECT:
        parts.append(f"weakest at {_tempo(rates[low])}, {ratio[low]:.1f}× the others")
    if not parts:
        return "Its levels rise and fall about as fast as those of the others."
    return f"Compared with the others, its rhythm is {', and '.join(parts)}."


def describe_map(table: dict[str, Any], task: str, label: str) -> str:
    """Where the modulation exceeds that of the other classes most, and least."""
    ratio = log2_modulation_ratio(table["classes"][task], label)
    bands, rates, size = table["hertz"], table["modulation_hertz"], int(table["group"])
    parts = []
    for index, word in ((ratio.argmax(), "strongest"), (ratio.argmin(), "weakest")):
        row, column = np.unravel_index(int(index), ratio.shape)
        first, last = bands[int(row) * size], bands[min((int(row) + 1) * size, len(bands)) - 1]
        parts.append(
            f"{word} between {_hertz(first)} and {_hertz(last)} at {_tempo(rates[int(column)])}, "
            f"{2 ** float(ratio[row, column]):.1f}×"
        )
    return f"Rhythm compared with the others: {'; '.join(parts)}."


def _hertz(value: float) -> str:
    return hertz(float(f"{value:.2g}"))


def _tempo(rate: float) -> str:
    return f"{rate:.1f} Hz ({60 * rate:.0f} BPM)"


def _signed(decibels: float) -> str:
    return f"{decibels:+.0f}".replace("-", "−")
