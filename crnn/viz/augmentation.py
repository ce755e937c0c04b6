"""Figures of the augmentation lab: before and after, the difference, the warp's map, the shift of the answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.augment.plan import Plan, Version
from crnn.augment.robustness import Curve
from crnn.inference.prediction import Prediction
from crnn.labels import colours
from crnn.viz.mel import COLOUR_BAR, DIVERGING, MAGMA, frequency_axis, heatmap

_LEGEND = {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}

_ROW = 250  # px
_HEAD, _FOOT = 56, 44
_MASK_LINE = {"color": "#ffffff", "width": 1.5, "dash": "dot"}


def pair(
    before: Version,
    after: Version,
    draws: Plan,
    start: float = 0.0,
    difference: bool = False,
    outlined: bool = True,
) -> go.Figure:
    """Original above augmented on one colour scale and one time axis, masks outlined; below them, if asked, the difference.

    start: where in its track the stretch of sound begins, in seconds.
    """
    titles = [
        "Original",
        "Augmented",
        *(["Difference: augmented − original"] if difference else []),
    ]
    figure = make_subplots(
        len(titles),
        1,
        shared_xaxes=True,
        vertical_spacing=0.16 / len(titles),
        subplot_titles=titles,
    )
    for row, heard in enumerate((before, after), start=1):
        figure.add_trace(
            heatmap(heard.mel.numpy(), heard.front_end, start).update(coloraxis="coloraxis"), row, 1
        )
    height = _HEAD + _FOOT + _ROW * len(titles)
    # One scale for both: the loudest is 0 dB, the floor where the front end has it.
    low = min(float(before.mel.min()), float(after.mel.min()))
    high = max(float(before.mel.max()), float(after.mel.max()))
    scale = {"colorscale": MAGMA, "cmin": low, "cmax": high}
    share = 1 / len(titles)
    bar = COLOUR_BAR | {"title": {"text": "dB"}, "len": 2 * share - 0.02, "y": 1, "yanchor": "top"}
    figure.update_layout(coloraxis=scale | {"colorbar": bar}, height=height)
    if difference:
        change = after.mel.numpy() - before.mel.numpy()
        figure.add_trace(
            heatmap(change, after.front_end, start).update(coloraxis="coloraxis2"), 3, 1
        )
        bar = COLOUR_BAR | {
            "title": {"text": "± dB"},
            "len": share - 0.06,
            "y": 0,
            "yanchor": "bottom",
        }
        figure.update_layout(
            coloraxis2={"colorscale": DIVERGING, "cmin": -40, "cmax": 40, "colorbar": bar}
        )
    for shape in _outlines(draws, after, start) if outlined else ():
        figure.add_shape(**shape, row=2, col=1)
    figure.update_layout(margin={"l": 8, "r": 8, "t": _HEAD, "b": _FOOT})
    figure.update_yaxes(**frequency_axis(after.front_end, gap=9))
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title="Time (s)", row=len(titles), col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 15})
    return figure


def _outlines(draws: Plan, heard: Version, start: float) -> list[dict[str, Any]]:
    """Rectangles around masks: seconds across, band numbers up."""
    top = heard.front_end.n_mels - 0.5
    # A cell of the picture reaches half a frame to both sides of its frame's moment.
    start -= heard.front_end.hop_seconds / 2
    shapes = []
    for piece in draws.pieces:
        shapes += [
            {
                "type": "rect",
                "x0": start + a,
                "x1": start + b,
                "y0": -0.5,
                "y1": top,
                "line": _MASK_LINE,
            }
            for a, b in draws.span_seconds(piece)
        ]
        left, right = start + piece.start, start + piece.start + piece.seconds
        shapes += [
            {
                "type": "rect",
                "x0": left,
                "x1": right,
                "y0": low - 0.5,
                "y1": high - 0.5,
                "line": _MASK_LINE,
            }
            for low, high in draws.bands(piece)
        ]
    return shapes


def warp_map(draws: Plan, start: float = 0.0) -> go.Figure:
    """Which moment of the original is heard at each moment of the augmented sound, beside the straight line of no warp."""
    figure = go.Figure()
    total = draws.pieces[-1].start + draws.pieces[-1].seconds
    figure.add_scatter(
        x=[start, start + total],
        y=[start, start + total],
        mode="lines",
        name="no warp",
        line={"color": "#8a8f98", "dash": "dot"},
        hoverinfo="skip",
    )
    x, y, moved_x, moved_y = [0.0], [0.0], [], []
    for piece in draws.pieces:
        if (moved := draws.moved(piece)) is not None:
            x.append(moved[1])
            y.append(moved[0])
            moved_x.append(start + moved[1])
            moved_y.append(start + moved[0])
        x.append(piece.start + piece.seconds)
        y.append(piece.start + piece.seconds)
    figure.add_scatter(
        x=np.add(x, start),
        y=np.add(y, start),
        mode="lines",
        name="this warp",
        line={"color": "#c2549f", "width": 3},
        hovertemplate="at %{x:.2f} s you hear what was at %{y:.2f} s<extra></extra>",
    )
    figure.add_scatter(
        x=moved_x,
        y=moved_y,
        mode="markers",
        name="moved moment",
        marker={"color": "#c2549f", "size": 10},
        hoverinfo="skip",
    )
    figure.update_layout(
        title="Time-warp map",
        height=300,
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        showlegend=False,
    )
    figure.update_xaxes(title="Time in the augmented sound (s)", zeroline=False)
    figure.update_yaxes(title="Time in the original (s)", zeroline=False)
    return figure


def probability_change(before: Prediction, after: Prediction, title: str) -> go.Figure:
    """Probability of each class before (outline) and after (filled), likeliest before on top, with the change in points."""
    ranked = before.ranked()[::-1]
    labels = [label for label, _ in ranked]
    palette, now = colours(before.labels), after.to_dict()
    old = [100 * p for _, p in ranked]
    new = [100 * now[label] for label in labels]
    changes = [
        f"{b - a:+.0f}" if round(abs(b - a)) else "±0" for a, b in zip(old, new, strict=True)
    ]
    figure = go.Figure()
    figure.add_bar(
        x=new,
        y=labels,
        orientation="h",
        name="augmented",
        marker={"color": [palette[label] for label in labels]},
        text=changes,
        textposition="outside",
        cliponaxis=False,
        constraintext="none",
        hovertemplate="%{y}, augmented: %{x:.1f} %<extra></extra>",
    )
    figure.add_bar(
        x=old,
        y=labels,
        orientation="h",
        name="original",
        hovertemplate="%{y}, original: %{x:.1f} %<extra></extra>",
        marker={"color": "rgba(138,143,152,0.18)", "line": {"color": "#8a8f98", "width": 1.5}},
    )
    figure.update_layout(
        title=title,
        barmode="group",
        height=130 + 38 * len(labels),
        bargap=0.2,
        bargroupgap=0.05,
        margin={"l": 8, "r": 44, "t": 70, "b": 8},
        legend=_LEGEND | {"traceorder": "reversed"},
    )
    figure.update_xaxes(
        title="Probability (%), change in points",
        range=[0, max(10.0, *old, *new) * 1.12],
        zeroline=False,
    )
    return figure


def robustness(curves: Sequence[Curve], title: str) -> go.Figure:
    """Mean probability of the original's first answer by strength, one line a network; the shade spans the draws."""
    figure = go.Figure()
    for curve in curves:
        colour = colours((curve.label,))[curve.label]
        figure.add_scatter(
            x=[*curve.ticks, *curve.ticks[::-1]],
            y=[100 * p for p in (*curve.highest, *curve.lowest[::-1])],
            fill="toself",
            fillcolor=colour,
            opacity=0.18,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=list(curve.ticks),
            y=[100 * p for p in curve.mean],
            mode="lines+markers",
            name=f"{curve.task}: {curve.label}",
            line={"color": colour, "width": 3},
            hovertemplate=f"{curve.label}, %{{x}}: %{{y:.0f}} %<extra></extra>",
        )
    figure.update_layout(
        title=title,
        height=360,
        margin={"l": 8, "r": 8, "t": 70, "b": 8},
        legend=_LEGEND,
    )
    figure.update_xaxes(title=curves[0].unit, type="category", zeroline=False)
    figure.update_yaxes(title="Probability (%)", range=[0, 102], zeroline=False)
    return figure
