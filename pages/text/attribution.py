"""Attribution maps in sentences: the deletion test, the location, the agreement of two maps."""

from __future__ import annotations

import numpy as np

from crnn import audio, explain
from crnn.format import hertz, percent
from crnn.labels import display

METHODS = {
    "Occlusion": "Occlusion: mute one patch at a time and measure the drop.",
    "Grad-CAM": "Grad-CAM: how strongly each region activates the class.",
}

# A map counts as better than chance where muting it leaves this much less than muting other places.
_MARGIN = 0.02


def deletion(attribution: explain.Attribution, label: str) -> str:
    """What is left of a class when the highlighted bins are muted, and when others are."""
    before, deleted = percent(attribution.before), percent(attribution.deleted)
    sentence = (
        f"Muting the highlighted {percent(explain.deletion.TOP_FRACTION)} takes {display(label)} "
        f"from {before} to {deleted}; muting as much elsewhere leaves "
        f"{percent(attribution.control)}."
    )
    if attribution.deleted < attribution.control - _MARGIN:
        return sentence
    return f"{sentence} No better than chance: don't rely on this map."


def location(
    attribution: explain.Attribution, front_end: audio.front_end.FrontEnd, start: float
) -> str:
    """Mel bands and the three seconds with most highlighted bins; start: of the window, in s."""
    mask = attribution.mask.numpy()
    cumulative = np.cumsum(mask.sum(axis=1)) / max(1, mask.sum())
    frequencies = audio.front_end.band_frequencies(front_end)
    low, high = (
        hertz(frequencies[int(np.searchsorted(cumulative, fraction))]) for fraction in (0.1, 0.9)
    )
    columns = mask.mean(axis=0)
    width = min(len(columns), front_end.frames(3.0))
    first = int(np.convolve(columns, np.ones(width), mode="valid").argmax())
    begin = start + first * front_end.hop_seconds
    end = begin + width * front_end.hop_seconds
    return f"Highlighted mostly between {low} and {high}, densest from {begin:.0f} to {end:.0f} s."


def agreement(first: explain.Attribution, second: explain.Attribution) -> str:
    """The overlap of two maps' highlighted bins, beside that of random ones."""
    overlap = float((first.mask & second.mask).sum()) / max(1.0, float(first.mask.sum()))
    chance = explain.deletion.TOP_FRACTION
    disagree = ": they disagree here" if overlap < 1.5 * chance else ""
    return f"The two methods overlap by {percent(overlap)} (chance: {percent(chance)}){disagree}."
