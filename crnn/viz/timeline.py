"""The spectrogram and, under it on the same time axis, how a distribution goes along the track."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.audio.front_end import FrontEnd
from crnn.inference.timeline import Section, Timeline
from crnn.labels import colours
from crnn.viz.mel import COLOUR_BAR, MAGMA, frequency_axis, heatmap


def over_time(
    mel: "np.ndarray[Any, Any]",
    front_end: FrontEnd,
    found: Timeline,
    parts: list[Section],
    moment: float | None = None,
) -> go.Figure:
    """mel [M, F] above, stacked areas in percent below; lines where the leading class changes, and at a chosen moment."""
    figure = make_subplots(2, 1, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.45, 0.55])
    figure.add_trace(heatmap(mel, front_end).update(colorscale=MAGMA, colorbar=_BAR), 1, 1)
    palette = colours(found.labels)
    # The class that is largest over the whole track lies at the bottom, where its edge is level.
    lengths = np.diff(found.edges)
    order = np.argsort(-(lengths @ found.probabilities), kind="stable")
    for k in order:
        label = found.labels[int(k)]
        values = 100 * found.probabilities[:, int(k)]
        figure.add_scatter(
            x=found.edges,
            y=[*values, values[-1]],
            name=label,
            stackgroup="all",
            mode="lines",
            line={"width": 0.5, "color": palette[label], "shape": "hv"},
            fillcolor=palette[label],
            hovertemplate="%{y:.0f} %",
            row=2,
            col=1,
        )
    for part in parts[1:]:
        figure.add_vline(
            x=part.start, line={"color": "#ffffff", "width": 1, "dash": "dot"}, row=2, col=1
        )
    if moment is not None:
        figure.add_vline(x=moment, line={"color": "#c2549f", "width": 2})
    figure.update_layout(
        height=520,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        hovermode="x unified",
        legend={"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0, "traceorder": "normal"},
    )
    figure.update_xaxes(showgrid=False, zeroline=False, range=[0, float(found.edges[-1])])
    figure.update_xaxes(title="Time (s)", row=2, col=1)
    figure.update_yaxes(**frequency_axis(front_end, gap=11), row=1, col=1)  # a low picture
    figure.update_yaxes(title="Probability (%)", range=[0, 100], showgrid=False, row=2, col=1)
    return figure


_BAR = COLOUR_BAR | {"title": {"text": "dB"}, "len": 0.42, "y": 1, "yanchor": "top"}
