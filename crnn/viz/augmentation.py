"""Figures of augmentation: before and after, time-warp map, changed probabilities, robustness."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.augment.plan import Plan, Version
from crnn.augment.robustness import Curve
from crnn.inference.prediction import Prediction
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.mel import frequency_axis, heatmap
from crnn.viz.theme import ACCENT, GREY, add_line, finish, probability_bars

_ROW, _HEAD, _FOOT = 250, 56, 44  # px


def pair(
    before: Version,
    after: Version,
    plan: Plan,
    start: float = 0.0,
    difference: bool = False,
    outlined: bool = True,
) -> go.Figure:
    """Original above augmented on one colour scale and one time axis.

    Args:
        start: where in its track the augmented excerpt begins, in seconds.
        difference: show augmented − original below them.
        outlined: draw rectangles around the masks.
    """
    mels = [before.mel.numpy(), after.mel.numpy()]
    titles = ["Original", "Augmented"]
    if difference:
        titles.append("Difference: augmented − original")
        mels.append(mels[1] - mels[0])
    rows = len(titles)
    figure = make_subplots(
        rows, 1, shared_xaxes=True, vertical_spacing=0.16 / rows, subplot_titles=titles
    )
    for row, mel in enumerate(mels, start=1):
        trace = heatmap(mel, after.front_end, start)
        figure.add_trace(trace.update(coloraxis="coloraxis2" if row == 3 else "coloraxis"), row, 1)
    low, high = min(mel.min() for mel in mels[:2]), max(mel.max() for mel in mels[:2])
    bar = theme.colour_bar("dB", len=2 / rows - 0.02, y=1, yanchor="top")
    finish(figure, None, _HEAD + _FOOT + _ROW * rows, top=_HEAD)
    figure.update_layout(
        coloraxis={"colorscale": theme.MAGMA, "cmin": low, "cmax": high, "colorbar": bar},
        margin_b=_FOOT,
    )
    if difference:
        bar = theme.colour_bar("± dB", len=1 / rows - 0.06, y=0, yanchor="bottom")
        scale = {"colorscale": theme.DIVERGING, "cmin": -40, "cmax": 40, "colorbar": bar}
        figure.update_layout(coloraxis2=scale)
    if outlined:
        _outline_masks(figure, plan, after, start)
    figure.update_yaxes(**frequency_axis(after.front_end, gap=9))
    figure.update_xaxes(showgrid=False)
    theme.time_axis(figure, row=rows, col=1)
    return figure.update_annotations(x=0, xanchor="left", font={"size": 15})


def _outline_masks(figure: go.Figure, plan: Plan, after: Version, start: float) -> None:
    """Rectangles around the masks of the second row: seconds across, band numbers up."""
    # A cell of the heatmap reaches half a frame to both sides of its frame's time.
    start -= after.front_end.hop_seconds / 2
    spans = []
    for piece in plan.pieces:
        spans += [(a, b, 0, after.front_end.n_mels) for a, b in piece.time_masks]
        spans += [(piece.start, piece.end, low, high) for low, high in plan.bands(piece)]
    for left, right, low, high in spans:
        figure.add_shape(
            type="rect",
            x0=start + left,
            x1=start + right,
            y0=low - 0.5,
            y1=high - 0.5,
            line={"color": theme.OUTLINE, "width": 1.5, "dash": "dot"},
            row=2,
            col=1,
        )


def warp_map(plan: Plan, start: float = 0.0) -> go.Figure:
    """Time in the original by time in the augmented sound, beside the straight line of no warp."""
    points, moved = [(0.0, 0.0)], []
    for piece in plan.pieces:
        if piece.warp is not None:
            moved.append(piece.warp[::-1])
            points.append(piece.warp[::-1])
        points.append((piece.end, piece.end))
    figure = go.Figure()
    ends = [start, start + plan.pieces[-1].end]
    add_line(figure, ends, ends, GREY, 2, dash="dot", name="no warp")
    hover = "at %{x:.2f} s: from %{y:.2f} s of the original<extra></extra>"
    x, y = start + np.array(points).T
    add_line(figure, x, y, ACCENT, 3, hover, name="this warp")
    x, y = start + np.array(moved).reshape(-1, 2).T
    marker = {"color": ACCENT, "size": 10}
    add_line(figure, x, y, ACCENT, 0, name="moved moment", mode="markers", marker=marker)
    finish(figure, "Time-warp map", 300, x="Time in the augmented sound (s)", showlegend=False)
    return figure.update_yaxes(title="Time in the original (s)", zeroline=False)


def probability_change(before: Prediction, after: Prediction, title: str) -> go.Figure:
    """Each class's probability before (outline) and after (filled), with the change in points."""
    old, new = before.to_dict(), after.to_dict()
    order = [label for label, _ in before.ranked()[::-1]]
    changes = [100 * (new[label] - old[label]) for label in order]
    text = [f"{change:+.0f}" if round(abs(change)) else "" for change in changes]
    outline = {"color": "rgba(138,143,152,0.18)", "line": {"color": GREY, "width": 1.5}}
    figure = go.Figure(
        [
            probability_bars(new, order, "augmented", text=text, showlegend=False),
            probability_bars(old, order, "original", text=None, marker=outline),
        ]
    )
    # The bars have their classes' colours; the legend stands for all of them.
    swatch = {"symbol": "square", "size": 12, "color": GREY}
    figure.add_scatter(x=[None], y=[None], mode="markers", name="augmented", marker=swatch)
    finish(figure, title, 130 + 38 * len(order), top=70, right=44, **theme.GROUPED)
    title = "Probability (%), change in points"
    return theme.probability_axis(figure, old.values(), new.values(), title=title, room=1.12)


def robustness(curves: Sequence[Curve], title: str) -> go.Figure:
    """Mean probability of a class by strength, a line per network; the shade spans the samples."""
    figure = go.Figure()
    for curve in curves:
        colour, label = colours((curve.label,))[curve.label], display(curve.label)
        low, mean, high = 100 * np.array([curve.lowest, curve.mean, curve.highest])
        theme.add_band(figure, curve.ticks, low, high, colour, showlegend=False)
        add_line(
            figure,
            curve.ticks,
            mean,
            colour,
            3,
            f"{label}, %{{x}}: %{{y:.0f}}%<extra></extra>",
            mode="lines+markers",
            name=f"{display(curve.task)}: {label}",
        )
    finish(figure, title, 360, top=70, x=curves[0].unit, y="Probability (%)", legend=theme.LEGEND)
    figure.update_xaxes(type="category")
    return figure.update_yaxes(range=[0, 102], zeroline=False)
