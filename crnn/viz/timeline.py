"""Figures of predictions over time: below the spectrogram, and as a path in the mood plane."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.audio.front_end import FrontEnd
from crnn.inference.timeline import Section, Timeline
from crnn.inference.valence_arousal import QUADRANTS, path
from crnn.labels import MOOD_QUADRANTS, colours, display
from crnn.viz.mel import frequency_axis, heatmap, in_magma
from crnn.viz.theme import ACCENT, GREY, LEGEND, OUTLINE, add_line, finish, time_axis


def over_time(
    mel: np.ndarray[Any, Any],
    front_end: FrontEnd,
    timeline: Timeline,
    sections: list[Section],
    moment: float | None = None,
) -> go.Figure:
    """mel [M, F] above, stacked areas in percent below, with a gap where the track is silent.

    Lines stand where the top class changes, and at a chosen moment.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.45, 0.55])
    figure.add_trace(in_magma(heatmap(mel, front_end), len=0.42, y=1, yanchor="top"), 1, 1)
    palette = colours(timeline.labels)
    # The class that is largest over the whole track lies at the bottom, where its edge is level.
    lengths = np.diff(timeline.edges)
    for k in np.argsort(-(lengths @ timeline.probabilities), kind="stable"):
        label, values = timeline.labels[k], 100 * timeline.probabilities[:, k]
        figure.add_scatter(
            x=timeline.edges,
            y=[*values, values[-1]],
            name=display(label),
            stackgroup="all",
            mode="lines",
            line={"width": 0.5, "color": palette[label], "shape": "hv"},
            fillcolor=palette[label],
            hovertemplate="%{y:.0f}%",
            row=2,
            col=1,
        )
    line = {"color": OUTLINE, "width": 1, "dash": "dot"}
    for section in sections[1:]:
        figure.add_vline(x=section.start, line=line, row=2, col=1)
    if moment is not None:
        figure.add_vline(x=moment, line={"color": ACCENT, "width": 2})
    legend = LEGEND | {"y": -0.16, "yanchor": "top", "traceorder": "normal"}
    finish(figure, None, 520, top=12, hovermode="x unified", legend=legend)
    figure.update_xaxes(showgrid=False, range=[0, float(timeline.edges[-1])])
    time_axis(figure, row=2, col=1)
    figure.update_yaxes(**frequency_axis(front_end, gap=11), row=1, col=1)  # it is low
    figure.update_yaxes(title="Probability (%)", range=[0, 100], showgrid=False, row=2, col=1)
    return figure


def valence_arousal(timeline: Timeline) -> go.Figure:
    """The track's path through the mood plane, from a ring to a square, brighter with time."""
    points = path(timeline)[timeline.audible]
    middles = ((timeline.edges[:-1] + timeline.edges[1:]) / 2)[timeline.audible]
    figure = go.Figure()
    add_line(
        figure,
        points[:, 0],
        points[:, 1],
        GREY,
        1.5,
        "%{customdata:.0f} s: valence %{x:.2f}, arousal %{y:.2f}<extra></extra>",
        mode="lines+markers",
        marker={"size": 7, "color": middles, "colorscale": "Viridis", "line": {"width": 0}},
        customdata=middles,
        showlegend=False,
    )
    for (x, y), symbol, name in (
        (points[0], "circle-open", "start"),
        (points[-1], "square-open", "end"),
    ):
        marker = {"symbol": symbol, "size": 15, "color": ACCENT, "line": {"width": 3}}
        figure.add_scatter(x=[x], y=[y], mode="markers", name=name, hoverinfo="skip", marker=marker)
    palette = colours(timeline.labels)
    corners: dict[tuple[int, int], list[str]] = {}
    for label in timeline.labels:
        place = MOOD_QUADRANTS[label]
        name = f"<span style='color:{palette[label]}'>⬤</span> {display(label)}"
        corners.setdefault((place.valence, place.arousal), []).append(name)
    for (valence, arousal), names in corners.items():
        side = "right" if valence > 0 else "left"
        figure.add_annotation(
            x=1.27 * valence,
            y=1.27 * arousal,
            text=f"<b>{' · '.join(names)}</b><br>{QUADRANTS[valence, arousal]}",
            showarrow=False,
            xanchor=side,
            yanchor="top" if arousal > 0 else "bottom",
            align=side,
        )
    figure.add_hline(y=0, line={"color": GREY, "width": 1})
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    # Words beside the path would lie on it.
    finish(figure, "Mood over time (valence–arousal)", 420, top=70, legend=LEGEND)
    axis = {"range": [-1.3, 1.3], "zeroline": False, "showgrid": False}
    figure.update_xaxes(title="Valence: negative to positive", **axis)
    return figure.update_yaxes(title="Arousal: low to high energy", **axis)
