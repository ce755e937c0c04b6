"""Figures of class profiles: average spectrum and modulation of a class beside the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from crnn.audio.front_end import FrontEnd
from crnn.format import hertz
from crnn.labels import colours, display
from crnn.results import class_difference, log2_modulation_ratio
from crnn.viz import theme
from crnn.viz.mel import frequency_axis
from crnn.viz.theme import GREY, add_line, finish


def spectrum(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """Mean level of each band in dB with the spread of tracks, the others' mean dotted."""
    bands = [f"{frequency:,.0f} Hz" for frequency in table["hertz"]]
    figure = _profile(table["classes"][task], label, "spectrum", bands, "%{x}: %{y:.1f} dB")
    finish(figure, f"{display(label)}: average spectrum", 380, top=76)
    figure.update_yaxes(title="Level relative to the mean of all bands (dB)", zeroline=False)
    return figure.update_xaxes(**frequency_axis(FrontEnd(**table["front_end"]), gap=11))


def against_others(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """Small: by how many dB each band of the class is above or below the others' mean."""
    own = class_difference(table["classes"][task], label, "spectrum")
    colour, bands = colours((label,))[label], [f"{hertz:,.0f} Hz" for hertz in table["hertz"]]
    figure = go.Figure()
    hover = "%{x}: %{y:+.1f} dB<extra></extra>"
    add_line(figure, bands, own.mean - own.others, colour, 2, hover, fill="tozeroy")
    finish(figure, None, 130, top=8, showlegend=False)
    axis = frequency_axis(FrontEnd(**table["front_end"]), gap=24) | {"title": "Frequency (Hz)"}
    figure.update_xaxes(**axis)
    return figure.update_yaxes(title="dB", range=[-15, 15], tickvals=[-10, 0, 10], zeroline=True)


def modulation(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """How strongly levels rise and fall, by modulation frequency; logarithmic upwards."""
    x, hover = table["modulation_hertz"], "%{x:.1f} Hz: %{y:.1f} dB²/Hz"
    figure = _profile(table["classes"][task], label, "modulation", x, hover)
    finish(figure, f"{display(label)}: modulation spectrum", 380, top=76)
    figure.update_xaxes(title="Modulation frequency (Hz); 2 Hz is 120 BPM")
    ticks = {"type": "log", "tickvals": [0.5, 1, 2, 5, 10, 20, 50, 100], "zeroline": False}
    return figure.update_yaxes(title="Fluctuation (dB² per Hz)", **ticks)


def _profile(
    classes: dict[str, Any], label: str, key: str, x: Sequence[Any], hover: str
) -> go.Figure:
    """Mean, spread and the others' mean by frequency; "modulation" is stored as log10."""
    own = class_difference(classes, label, key)
    curves = np.array([own.mean, own.mean - own.sd, own.mean + own.sd, own.others])
    mean, low, high, others = 10**curves if key == "modulation" else curves
    colour = colours((label,))[label]
    figure = go.Figure()
    theme.add_band(figure, x, low, high, colour, name="± spread")
    add_line(figure, x, others, GREY, 2, hover, dash="dot", name="others")
    add_line(figure, x, mean, colour, 3, hover, name=display(label))
    return figure.update_layout(legend=theme.LEGEND, hovermode="x unified")


def modulation_map(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """Where the class fluctuates more (red) or less (blue) than the others, by both frequencies."""
    z = log2_modulation_ratio(table["classes"][task], label)
    bands, size = table["hertz"], int(table["group"])
    groups = [bands[i : i + size] for i in range(0, len(bands), size)]
    rows = [f"{group[0]:,.0f}–{group[-1]:,.0f} Hz" for group in groups]
    figure = go.Figure(
        theme.diverging_heatmap(
            z.round(2),
            2,
            "%{y}, %{x:.1f} Hz: %{customdata} times the others'",
            x=table["modulation_hertz"],
            y=rows,
            customdata=np.round(2**z, 2),
            colorbar=theme.colour_bar("times", tickvals=[-2, -1, 0, 1, 2], ticktext=list("¼½124")),
        )
    )
    title = f"{display(label)}: modulation by frequency, relative to the others"
    finish(figure, title, 400, x="Modulation frequency (Hz)", y="Frequency, from")
    figure.update_xaxes(showgrid=False)
    texts = [hertz(group[0]) for group in groups[::3]]
    return figure.update_yaxes(type="category", showgrid=False, tickvals=rows[::3], ticktext=texts)
