"""Figures of class portraits: average spectrum, modulation, and modulation by frequency, each beside the other classes."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from crnn.audio.front_end import FrontEnd
from crnn.labels import colours
from crnn.results import ClassDifference, class_difference, modulation_ratio
from crnn.viz.mel import COLOUR_BAR, DIVERGING, frequency_axis
from pages.text.class_profiles import short_hz

_GREY = "#8a8f98"
_MARGIN = {"l": 8, "r": 8, "t": 76, "b": 8}
_LEGEND = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}


def spectrum(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """Mean level of each band in dB with the spread of tracks, the others' mean dotted."""
    found = class_difference(table["classes"][task], label, "spectrum")
    bands = [f"{hertz:,.0f} Hz" for hertz in table["hertz"]]
    figure = _lines(
        found, found.mean, found.mean - found.sd, found.mean + found.sd, found.others, bands, label
    )
    figure.update_traces(hovertemplate="%{x}: %{y:.1f} dB", selector={"mode": "lines"})
    figure.update_layout(title=f"{label}: average spectrum")
    figure.update_xaxes(**frequency_axis(FrontEnd(**table["front_end"]), gap=11))
    figure.update_yaxes(title="Level against the mean of all bands (dB)", zeroline=False)
    return figure


def modulation(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """How strongly levels rise and fall, by how often a second; logarithmic upwards."""
    found = class_difference(table["classes"][task], label, "modulation")
    low, high = 10 ** (found.mean - found.sd), 10 ** (found.mean + found.sd)
    figure = _lines(
        found, 10**found.mean, low, high, 10**found.others, table["modulation_hertz"], label
    )
    figure.update_traces(
        hovertemplate="%{x:.1f} a second: %{y:.1f} dB²/Hz", selector={"mode": "lines"}
    )
    figure.update_layout(title=f"{label}: how fast levels rise and fall")
    figure.update_xaxes(title="Times a second (Hz); 2 Hz is 120 a minute", zeroline=False)
    figure.update_yaxes(
        title="Fluctuation (dB² per Hz)",
        type="log",
        tickvals=[0.5, 1, 2, 5, 10, 20, 50, 100],
        zeroline=False,
    )
    return figure


def _lines(
    found: ClassDifference, mean: Any, low: Any, high: Any, others: Any, x: "list[Any]", label: str
) -> go.Figure:
    colour = colours((label,))[label]
    figure = go.Figure()
    figure.add_scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=colour,
        opacity=0.2,
        line={"width": 0},
        mode="none",
        hoverinfo="skip",
        name="± spread",
    )
    figure.add_scatter(
        x=x, y=others, mode="lines", name="others", line={"color": _GREY, "width": 2, "dash": "dot"}
    )
    figure.add_scatter(x=x, y=mean, mode="lines", name=label, line={"color": colour, "width": 3})
    figure.update_layout(height=380, margin=_MARGIN, legend=_LEGEND, hovermode="x unified")
    return figure


def modulation_map(table: dict[str, Any], task: str, label: str) -> go.Figure:
    """Where in frequency the class fluctuates more (red) or less (blue) than the others, by how often a second."""
    z = modulation_ratio(table["classes"][task], label)
    hertz, size = np.asarray(table["hertz"]), int(table["group"])
    rows = [
        f"{hertz[i]:,.0f}–{hertz[min(i + size, len(hertz)) - 1]:,.0f} Hz"
        for i in range(0, len(hertz), size)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=z.round(2),
            x=table["modulation_hertz"],
            y=rows,
            customdata=np.round(2**z, 2),
            colorscale=DIVERGING,
            zmin=-2,
            zmax=2,
            hovertemplate="%{y}, %{x:.1f} a second: %{customdata} times the others'<extra></extra>",
            colorbar=COLOUR_BAR
            | {"title": {"text": "times"}, "tickvals": [-2, -1, 0, 1, 2], "ticktext": _TIMES},
        )
    )
    figure.update_layout(
        title=f"{label}: where it moves, against the others", height=400, margin=_MARGIN | {"t": 44}
    )
    figure.update_xaxes(title="Times a second (Hz)", showgrid=False, zeroline=False)
    figure.update_yaxes(title="Frequency, from", type="category", showgrid=False)
    step = 3
    figure.update_yaxes(
        tickvals=rows[::step],
        ticktext=[short_hz(hertz[i * size]) for i in range(0, len(rows), step)],
    )
    return figure


_TIMES = ["¼", "½", "1", "2", "4"]
