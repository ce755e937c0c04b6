"""Colours, scales, layout and the traces that figures share; the page's theme colours the text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from crnn.format import percent
from crnn.labels import colours, display

Numbers = np.ndarray[Any, np.dtype[np.floating[Any]]]

GREY = "#8a8f98"  # of what is there to compare with
ACCENT = "#c2549f"  # of the moment or the track in question
OUTLINE = "#ffffff"  # over spectrograms

# Streamlit's theme replaces the exact colour #000004, magma's darkest, by one of its own.
MAGMA = [
    [place, "rgb(0,0,3)" if colour == "#000004" else colour]
    for place, colour in get_colorscale("magma")
]
# Blue below 0, red above, grey at 0: told apart by colour-blind eyes, too (ColorBrewer RdBu).
_RED_BLUE = ("#2166ac", "#92c5de", "#f2f0f4", "#f4a582", "#b2182b")
DIVERGING = [[place, c] for place, c in zip((0, 0.35, 0.5, 0.65, 1), _RED_BLUE, strict=True)]

LEGEND = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}  # above the figure
# Layout of groups of horizontal bars; the legend in the order in which they stand.
GROUPED: dict[str, Any] = {"barmode": "group", "bargap": 0.2, "bargroupgap": 0.05}
GROUPED["legend"] = LEGEND | {"traceorder": "reversed"}


def colour_bar(title: str, **more: Any) -> dict[str, Any]:
    """A thin colour bar with its unit; more: settings of plotly's."""
    return {"title": {"text": title}, "thickness": 10, "outlinewidth": 0, "x": 1.01} | more


def finish(
    figure: go.Figure,
    title: str | None,
    height: int,
    *,
    top: int = 44,
    right: int = 8,
    x: str | None = None,
    y: str | None = None,
    **layout: Any,
) -> go.Figure:
    """Set title, height in px, margins and titles of all axes; layout: settings of plotly's.

    Nothing can be dragged, so that a swipe over the figure scrolls the page. Returns the figure.
    """
    margin = {"l": 8, "r": right, "t": top, "b": 8}
    figure.update_layout(title=title, height=height, margin=margin, dragmode=False, **layout)
    figure.update_xaxes(zeroline=False, fixedrange=True, **({"title": x} if x else {}))
    return figure.update_yaxes(fixedrange=True, **({"title": y} if y else {}))


def time_axis(figure: go.Figure, **where: int) -> None:
    """Seconds on the x-axis; where: row and col of a subplot."""
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False, **where)


def add_line(
    figure: go.Figure, x: Any, y: Any, colour: str, width: float, hover: str = "", **scatter: Any
) -> None:
    """Draw a line; scatter: settings of plotly's, `dash` among them; no hover text, no reaction."""
    line = {"color": colour, "width": width, "dash": scatter.pop("dash", None)}
    text = {"hovertemplate": hover} if hover else {"hoverinfo": "skip"}
    figure.add_scatter(x=x, y=y, line=line, **{"mode": "lines"} | text | scatter)


def add_band(figure: go.Figure, x: Any, low: Any, high: Any, colour: str, **scatter: Any) -> None:
    """Shade what lies between two curves."""
    figure.add_scatter(
        x=[*x, *x[::-1]],
        y=[*high, *low[::-1]],
        fill="toself",
        fillcolor=colour,
        opacity=0.18,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        **scatter,
    )


def diverging_heatmap(z: Any, limit: float, hover: str, **heatmap: Any) -> go.Heatmap:
    """Values from -limit (blue) over 0 (grey) to limit (red); heatmap: settings of plotly's."""
    scale = {"colorscale": DIVERGING, "zmin": -limit, "zmax": limit}
    return go.Heatmap(z=z, hovertemplate=f"{hover}<extra></extra>", **scale | heatmap)


def probability_bars(
    probabilities: Mapping[str, float], order: Sequence[str], name: str = "", **bar: Any
) -> go.Bar:
    """Horizontal bars in percent in the classes' colours; order: of the labels, from the bottom."""
    palette = colours(tuple(probabilities))
    hover = f"%{{y}}, {name}" if name else "%{y}"
    defaults = {
        "x": [100 * probabilities[label] for label in order],
        "marker": {"color": [palette[label] for label in order]},
        "text": [percent(probabilities[label]) for label in order],
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "hovertemplate": f"{hover}: %{{x:.1f}}%<extra></extra>",
    }
    names = [display(label) for label in order]
    return go.Bar(y=names, orientation="h", name=name, **defaults | bar)


def probability_axis(
    figure: go.Figure,
    *probabilities: Iterable[float],
    title: str = "Probability (%)",
    room: float = 1.06,
) -> go.Figure:
    """A percent axis that ends a little beyond the largest of some probabilities, at 10% or more.

    Returns the figure.
    """
    largest = max(0.1, *(max(each, default=0.0) for each in probabilities))
    return figure.update_xaxes(title=title, range=[0, 100 * largest * room], zeroline=False)
