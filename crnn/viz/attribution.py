"""Figure of an attribution map over the mel spectrogram."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from crnn.audio.front_end import FrontEnd
from crnn.explain.deletion import Attribution
from crnn.viz.mel import heatmap, mel_figure
from crnn.viz.theme import OUTLINE

# Greys, so that colour is the map's alone; amber on grey is told apart by colour-blind eyes, too.
_GREYS = [[0.0, "#050507"], [1.0, "#d8d5de"]]
_AMBER = [[0.0, "rgba(255,160,0,0)"], [0.25, "rgba(255,160,0,0.25)"], [1.0, "rgba(255,190,40,0.9)"]]


def overlay(
    attribution: Attribution,
    mel: np.ndarray[Any, Any],
    front_end: FrontEnd,
    start: float,
    title: str,
) -> go.Figure:
    """mel [M, F] from `start` (s) in grey, evidence for the class in amber, top bins outlined."""
    grey = heatmap(mel, front_end, start).update(colorscale=_GREYS, showscale=False)
    # Only evidence for the class (eq. 2's ReLU), clipped at the 99th percentile.
    values = np.maximum(attribution.values.numpy(), 0)
    top = float(np.quantile(values, 0.99)) or float(values.max()) or 1.0
    grid = {"x": grey.x, "y": grey.y, "showscale": False}
    amber = go.Heatmap(
        z=np.round(100 * np.minimum(values / top, 1)).astype(np.int8),
        colorscale=_AMBER,
        zmin=0,
        zmax=100,
        hovertemplate="%{x:.1f} s · %{y} · %{z} of 100<extra></extra>",
        **grid,
    )
    outline = go.Contour(
        z=attribution.mask.numpy().astype(np.int8),
        hoverinfo="skip",
        contours={"start": 0.5, "end": 0.5, "size": 1, "coloring": "none"},
        line={"color": OUTLINE, "width": 1.2},
        **grid,
    )
    return mel_figure([grey, amber, outline], front_end, title, 330)
