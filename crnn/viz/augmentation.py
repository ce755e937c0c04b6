"""Figures of augmentation: time-warp map, changed probabilities, robustness, learning."""

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from crnn.augment.comparison import Evaluation
from crnn.augment.plan import Plan, Shift
from crnn.augment.robustness import Curve
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.theme import ACCENT, GREY, LEGEND, add_line, finish

_TOP, _HEIGHT = 30, 118  # of the curves of learning, in px


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


def learning(history: Sequence[Evaluation], network: int, steps: int, loss: bool, alt: str) -> str:
    """Accuracy or loss by training step of one of the two networks; the shade is the gap.

    An SVG, which a browser replaces in place, while plotly's figures blink. The labels of its
    vertical axis need 40 px to its left.

    Args:
        network: 0 without, 1 with augmentation.
        steps: where the axis ends.
        loss: whether losses are drawn, in nats.
        alt: the curves in words.
    """
    names = ("training_loss", "validation_loss") if loss else ("training", "validation")
    y = np.array([[getattr(each, name)[network] for each in history] for name in names])
    top = max(2.5, float(y.max())) if loss else 1.0
    training, validation = (
        [f"{e.step},{100 - 100 * value / top:.2f}" for e, value in zip(history, row, strict=True)]
        for row in y
    )
    line = 'fill="none" stroke-width="3" vector-effect="non-scaling-stroke" points="'
    return (
        f'<svg role="img" aria-label="{escape(alt)}" width="100%" height="188" font-size="13" '
        f'fill="currentColor" overflow="visible">{_legend()}{_grid(top, loss)}'
        f'<svg y="{_TOP}" height="{_HEIGHT}" viewBox="0 0 {steps} 100" overflow="visible" '
        f'preserveAspectRatio="none"><polygon fill="{ACCENT}" fill-opacity="0.18" '
        f'points="{" ".join(training + validation[::-1])}"/>'
        f'<polyline stroke="{GREY}" stroke-dasharray="3 4" {line}{" ".join(training)}"/>'
        f'<polyline stroke="{ACCENT}" {line}{" ".join(validation)}"/></svg>{_axis(steps)}</svg>'
    )


def _legend() -> str:
    entries = (("Training", GREY, "3 4", 0), ("Validation", ACCENT, "none", 110))
    return "".join(
        f'<line x1="{x}" x2="{x + 26}" y1="10" y2="10" stroke="{colour}" stroke-width="3" '
        f'stroke-dasharray="{dash}"/><text x="{x + 32}" y="14">{name}</text>'
        for name, colour, dash, x in entries
    )


def _grid(top: float, loss: bool) -> str:
    lines = ""
    for fraction in (0.0, 0.5, 1.0):
        y = _TOP + _HEIGHT * (1 - fraction)
        text = f"{top * fraction:.1f}" if loss else f"{fraction:.0%}"
        lines += (
            f'<line x2="100%" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="0.15"/>'
            f'<text x="-6" y="{y + 4}" text-anchor="end">{text}</text>'
        )
    title = "Loss (nats)" if loss else "Accuracy"
    return f'{lines}<text x="100%" y="14" text-anchor="end" opacity="0.7">{title}</text>'


def _axis(steps: int) -> str:
    places = ((0, "start", 0), (50, "middle", f"{steps // 2} training steps"), (100, "end", steps))
    return "".join(
        f'<text x="{x}%" y="{_TOP + _HEIGHT + 20}" text-anchor="{anchor}">{text}</text>'
        for x, anchor, text in places
    )
