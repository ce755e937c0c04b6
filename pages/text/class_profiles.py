"""Class portraits as measured (assets/results/portraits.json): one class beside the mean of all others, in numbers and in words.

The words come from the numbers alone. A difference is told where it is at least half of the spread between tracks of one class.
"""

from typing import Any

import numpy as np

from crnn.results import ClassDifference, class_difference, modulation_ratio

Array = np.ndarray[Any, np.dtype[np.float64]]

_TOLD = 0.5  # standard deviations between tracks
_LEAST_DB = 2.0  # smaller differences of a spectrum are not told
_LEAST_BANDS = 6
# Hz. Above it recordings end by their format and resampling, not by their music: told apart from the rest.
_EDGE_HZ, _EDGE_DB = 9000.0, 10.0


def describe(table: dict[str, Any], task: str, label: str) -> list[str]:
    """What one sees, in up to four sentences: spectrum, its upper edge, how much and how fast levels move."""
    classes = table["classes"][task]
    hertz = np.asarray(table["hertz"])
    spectrum = class_difference(classes, label, "spectrum")
    said = [_spectrum(spectrum, hertz), _edge(spectrum, hertz), _swing(classes, label)]
    return [
        *filter(None, said),
        _rate(
            class_difference(classes, label, "modulation"), np.asarray(table["modulation_hertz"])
        ),
    ]


def _spectrum(found: ClassDifference, hertz: Array) -> str:
    difference = found.mean - found.others
    clear = (
        (np.abs(found.effect) >= _TOLD) & (np.abs(difference) >= _LEAST_DB) & (hertz <= _EDGE_HZ)
    )
    parts = []
    for sign, word in ((1, "stronger"), (-1, "weaker")):
        ranges = _ranges(clear & (np.sign(difference) == sign))
        if ranges:
            # The most telling: where most decibels lie between the two lines.
            first, end = max(ranges, key=lambda r: float(np.abs(difference[r[0] : r[1]]).sum()))
            peak = first + int(np.abs(difference[first:end]).argmax())
            parts.append(
                f"{word} than the others from {short_hz(hertz[first])} to {short_hz(hertz[end - 1])}, most near "
                f"{short_hz(hertz[peak])} ({_signed(difference[peak])} dB)"
            )
    if not parts:
        return "On average its spectrum is close to the others': nowhere do they lie clearly apart."
    return f"Its spectrum is {' and '.join(parts)}."


def _ranges(clear: "np.ndarray[Any, np.dtype[np.bool_]]") -> list[tuple[int, int]]:
    """Runs of at least _LEAST_BANDS, as (first, end)."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], clear, [False]]).astype(int)))
    return [
        (int(a), int(b))
        for a, b in zip(steps[::2], steps[1::2], strict=True)
        if b - a >= _LEAST_BANDS
    ]


def _edge(found: ClassDifference, hertz: Array) -> str:
    difference = np.where(hertz > _EDGE_HZ, found.mean - found.others, 0.0)
    band = int(np.abs(difference).argmax())
    if abs(difference[band]) < _EDGE_DB or abs(found.effect[band]) < 1:
        return ""
    return (
        f"Above {short_hz(_EDGE_HZ)} it differs by up to {_signed(difference[band])} dB. That is where recordings end by their "
        "format rather than by their music, yet a network can learn it all the same."
    )


def _swing(classes: dict[str, Any], label: str) -> str:
    swing = class_difference(classes, label, "swing")
    ranked = sorted(classes, key=lambda name: -float(classes[name]["swing"]["mean"]))
    place = {ranked[0]: ", the most of all", ranked[-1]: ", the least of all"}.get(label, "")
    return (
        f"The level of a frequency band typically moves by ±{swing.mean[0]:.1f} dB along a track{place} "
        f"(the others ±{swing.others[0]:.1f})."
    )


def _rate(found: ClassDifference, hertz: Array) -> str:
    factor = 10 ** (found.mean - found.others)
    high, low = int(found.effect.argmax()), int(found.effect.argmin())
    parts = []
    if found.effect[high] >= _TOLD:
        parts.append(f"stand out at {_times(hertz[high])}: {factor[high]:.1f} times the others'")
    if found.effect[low] <= -_TOLD:
        parts.append(f"stay behind at {_times(hertz[low])}: {factor[low]:.1f} times the others'")
    return (
        f"Its fluctuations {'; they '.join(parts)}."
        if parts
        else "It rises and falls about as fast as the others."
    )


def _times(hertz: float) -> str:
    return f"{hertz:.1f} a second ({60 * hertz:.0f} a minute)"


def short_hz(hertz: float) -> str:
    """Two figures are enough: "90 Hz", "4.7 kHz"."""
    rounded = float(f"{hertz:.2g}")
    return f"{rounded:.0f} Hz" if rounded < 1000 else f"{rounded / 1000:g} kHz"


def _signed(decibels: float) -> str:
    return f"{decibels:+.0f}".replace("-", "−")


def describe_map(table: dict[str, Any], task: str, label: str) -> str:
    """Where the class fluctuates most and least, held against the others."""
    z = modulation_ratio(table["classes"][task], label)
    hertz, rates, size = table["hertz"], table["modulation_hertz"], int(table["group"])
    parts = []
    for of, word in ((z.argmax(), "most"), (z.argmin(), "least")):
        row, column = np.unravel_index(int(of), z.shape)
        first, last = hertz[int(row) * size], hertz[min(int(row) * size + size, len(hertz)) - 1]
        parts.append(
            f"{word} between {short_hz(first)} and {short_hz(last)} at {_times(rates[int(column)])}, "
            f"{2 ** float(z[row, column]):.1f} times as strongly"
        )
    return f"Against the others it moves {'; '.join(parts)}."


HOW_TO_READ = (
    "**Average spectrum**: how loud each frequency is, low notes on the left, whatever the volume. "
    "**How fast levels rise and fall**: a beat at 120 a minute makes the level of its band rise and fall twice a second; "
    "slow swells lie on the left, fast strokes on the right. "
    "**Where it moves**: the same for high and low frequencies apart; red where this class rises and falls more than the "
    "others do, blue where less. Shades and words go by the spread between tracks: many a track is unlike its class."
)
