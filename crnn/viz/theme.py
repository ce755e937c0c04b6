"""What all figures share: colours, colour scales, margins, axes. Text and background colours are left to the page's theme."""

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
BORDER = "rgba(128,128,128,0.35)"

# Streamlit's theme replaces the exact colour #000004, magma's darkest, by one of its own.
MAGMA = [
    [place, "rgb(0,0,3)" if colour == "#000004" else colour]
    for place, colour in get_colorscale("magma")
]

# Blue below 0, red above, grey at 0: told apart by colour-blind eyes, too (ColorBrewer RdBu).
DIVERGING = [
    [0.0, "#2166ac"],
    [0.35, "#92c5de"],
    [0.5, "#f2f0f4"],
    [0.65, "#f4a582"],
    [1.0, "#b2182b"],
]

LEGEND_ABOVE = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}


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
    """Set title, height in px, margins and the titles of all axes; layout: settings of plotly's. Returns the figure."""
    figure.update_layout(
        title=title, height=height, margin={"l": 8, "r": right, "t": top, "b": 8}, **layout
    )
    figure.update_xaxes(zeroline=False, **({"title": x} if x else {}))
    if y:
        figure.update_yaxes(title=y)
    return figure


def time_axis(figure: go.Figure, **where: int) -> None:
    """Seconds on the x-axis; where: row and col of a subplot."""
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False, **where)


def probability_bars(
    probabilities: Mapping[str, float], order: Sequence[str], name: str = "", **bar: Any
) -> go.Bar:
    """Horizontal bars in percent, the first of `order` at the bottom, in the classes' colours. bar: settings of plotly's."""
    palette = colours(tuple(probabilities))
    hover = f"%{{y}}, {name}" if name else "%{y}"
    defaults = {
        "marker": {"color": [palette[label] for label in order]},
        "text": [percent(probabilities[label]) for label in order],
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
        "hovertemplate": f"{hover}: %{{x:.1f}}%<extra></extra>",
    }
    return go.Bar(
        x=[100 * probabilities[label] for label in order],
        y=[display(label) for label in order],
        orientation="h",
        name=name,
        **defaults | bar,
    )


def probability_axis(
    figure: go.Figure, *probabilities: Iterable[float], room: float = 1.06
) -> None:
    """A percent axis that ends a little beyond the largest of some probabilities, at 10% or more."""
    largest = max(0.1, *(max(each) for each in probabilities))
    figure.update_xaxes(title="Probability (%)", range=[0, 100 * largest * room], zeroline=False)
