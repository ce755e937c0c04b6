"""Figures of augmentation: time-warp map, changed probabilities, robustness, learning."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from crnn.augment.comparison import Evaluation
from crnn.augment.plan import Plan, Shift
from crnn.augment.robustness import Curve
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.theme import ACCENT, GREY, LEGEND, add_line, finish


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


def shifts(changes: Sequence[Shift]) -> go.Figure:
    """Each class's probability before (outline) and after (filled), joined by a line."""
    figure, changes = go.Figure(), changes[::-1]
    names = [f"{display(change.label)} ({change.task})" for change in changes]
    palette = [colours((change.label,))[change.label] for change in changes]
    before, after = [100 * c.before for c in changes], [100 * c.after for c in changes]
    for name, colour, old, new in zip(names, palette, before, after, strict=True):
        add_line(figure, [old, new], [name, name], colour, 6, opacity=0.45)
    hover = "%{y}, NAME: %{x:.0f}%<extra></extra>"
    marker = {"size": 13, "color": theme.GREY, "symbol": "circle-open", "line": {"width": 2}}
    add_line(figure, before, names, GREY, 0, hover.replace("NAME", "original"), mode="markers")
    figure.data[-1].marker = marker
    add_line(figure, after, names, GREY, 0, hover.replace("NAME", "augmented"), mode="markers")
    figure.data[-1].marker = {"size": 15, "color": palette}
    for name, change in zip(names, changes, strict=True):
        figure.add_annotation(
            x=104,
            y=name,
            text=f"{100 * change.change:+.0f}".replace("-", "−"),
            showarrow=False,
            xanchor="left",
        )
    finish(figure, None, 28 + 23 * len(names), top=4, showlegend=False)
    figure.update_layout(margin_b=24)
    ticks = {"tickvals": [0, 50, 100], "ticktext": ["0%", "50%", "100%"]}
    return figure.update_xaxes(range=[-2, 114], **ticks)


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
    finish(figure, title, 360, top=70, x=curves[0].unit, y="Probability (%)", legend=LEGEND)
    figure.update_xaxes(type="category")
    return figure.update_yaxes(range=[0, 102], zeroline=False)


def learning(history: Sequence[Evaluation], network: int, steps: int, loss: bool) -> go.Figure:
    """Accuracy or loss by training step of one of the two networks; the shade is the gap.

    Args:
        network: 0 without, 1 with augmentation.
        steps: where the axis ends.
        loss: whether losses are drawn.
    """
    figure, x = go.Figure(), [each.step for each in history]
    names = ("training_loss", "validation_loss") if loss else ("training", "validation")
    factor, unit = (1, " nats") if loss else (100, "%")
    y = factor * np.array([[getattr(e, name)[network] for e in history] for name in names])
    theme.add_band(figure, x, y.min(axis=0), y.max(axis=0), ACCENT, showlegend=False)
    for values, name, colour, dash in zip(
        y, ("Training", "Validation"), (GREY, ACCENT), ("dot", None), strict=True
    ):
        hover = f"{name}, step %{{x}}: %{{y:.{2 if loss else 0}f}}{unit}<extra></extra>"
        add_line(figure, x, values, colour, 3, hover, name=name, dash=dash)
    finish(figure, None, 215, top=28, x="Training step", legend=LEGEND)
    figure.update_xaxes(range=[0, steps])
    top = max(2.5, y.max()) * 1.04 if loss else 104
    title = "Loss (nats)" if loss else "Accuracy (%)"
    return figure.update_yaxes(title=title, range=[0, top], zeroline=False)
