"""Pictures of one segment within the network (crnn.explain.trace): feature maps, recurrent states, logits, shares."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.audio.front_end import FrontEnd
from crnn.explain.trace import Trace, step_seconds
from crnn.labels import colours
from crnn.model.checkpoint import Checkpoint
from crnn.viz.mel import COLOUR_BAR, DIVERGING
from crnn.viz.trace import Numbers, layout

_MOST_MAPS = 32
_CELLS = 60_000  # in a picture of feature maps: what a browser draws at once


def feature_maps(stages: Trace, layer: int, strongest: bool, front_end: FrontEnd) -> go.Figure:
    """What a layer gives out as small pictures side by side, on one colour scale; layer 0 is the network's input, normalised.

    Where one row of cells is left of each map, all are stacked, one line each. strongest: those first that vary most.
    """
    pictures: Numbers = (stages.maps[layer - 1] if layer else stages.normalised).numpy()
    shown = selected_maps(stages, layer, strongest)
    limit = float(np.quantile(np.abs(pictures), 0.995)) or 1.0
    style = {
        "colorscale": DIVERGING,
        "zmin": -limit,
        "zmax": limit,
        "colorbar": {"title": {"text": "value"}} | COLOUR_BAR,
    }
    count, bands, steps = pictures.shape
    name = (
        f"Layer {layer}: {len(shown)} of {count} maps of {bands} × {steps}"
        if layer
        else f"Input: {bands} × {steps}"
    )
    seconds = stages.segment.shape[2] * front_end.hop_seconds / steps
    moments = stages.start - front_end.hop_seconds / 2 + (np.arange(steps) + 0.5) * seconds
    if bands == 1:
        figure = go.Figure(
            go.Heatmap(
                z=pictures[shown, 0],
                x=moments,
                **style,
                customdata=np.repeat(shown[:, None], steps, axis=1),
                hovertemplate="map %{customdata} · %{x:.2f} s: %{z:.2f}<extra></extra>",
            )
        )
        figure.update_layout(
            **layout(f"Layer {layer}: {count} maps of 1 × {steps}, one a line", 430)
        )
        figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False)
        figure.update_yaxes(title="Map", showgrid=False, autorange="reversed")
        return figure
    tiles, numbers = _mosaic(pictures, shown)
    figure = go.Figure(
        go.Heatmap(
            z=tiles,
            customdata=numbers,
            **style,
            hovertemplate="map %{customdata}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_layout(**layout(name, 430))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def selected_maps(
    stages: Trace, layer: int, strongest: bool
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of the maps that are drawn: all where each is one line, else the first or the most varied 32, or fewer large ones."""
    pictures: Numbers = (stages.maps[layer - 1] if layer else stages.normalised).numpy()
    count, bands, steps = pictures.shape
    order = np.argsort(-pictures.std(axis=(1, 2)), kind="stable") if strongest else np.arange(count)
    most = count if bands == 1 else max(1, min(_MOST_MAPS, _CELLS // (bands * steps)))
    return order[:most]


def _mosaic(pictures: Numbers, shown: np.ndarray[Any, Any]) -> tuple[Numbers, np.ndarray[Any, Any]]:
    """Pictures in a grid, low frequencies at the bottom of each, empty lines between; and the number of the map in each cell."""
    _, bands, steps = pictures.shape
    across = min(len(shown), 8)
    down = math.ceil(len(shown) / across)
    gap_x, gap_y = max(1, round(0.06 * steps)), max(1, round(0.06 * bands))
    tiles = np.full(
        (down * (bands + gap_y) - gap_y, across * (steps + gap_x) - gap_x), np.nan, dtype=np.float32
    )
    numbers = np.zeros(tiles.shape, dtype=np.uint8 if len(pictures) <= 256 else np.uint16)
    for position, number in enumerate(shown):
        row, column = divmod(position, across)
        y, x = (down - 1 - row) * (bands + gap_y), column * (steps + gap_x)
        tiles[y : y + bands, x : x + steps] = pictures[number]
        numbers[y : y + bands, x : x + steps] = number
    return tiles, numbers


def hidden_states(stages: Trace, checkpoint: Checkpoint) -> go.Figure:
    """The memory after each step, [H, W'] over seconds; where the network weighs the steps, their weights above."""
    front_end, config = checkpoint.front_end, checkpoint.model.config
    seconds = step_seconds(front_end, config)
    x = stages.start - front_end.hop_seconds / 2 + (np.arange(len(stages.states)) + 0.5) * seconds
    weights = stages.attention
    figure = make_subplots(
        1 if weights is None else 2,
        1,
        shared_xaxes=True,
        vertical_spacing=0.05,
        row_heights=None if weights is None else [0.2, 0.8],
    )
    if weights is not None:
        figure.add_bar(
            x=x,
            y=100 * weights.numpy(),
            marker={"color": "#c2549f"},
            showlegend=False,
            hovertemplate="%{x:.2f} s: %{y:.0f} %<extra></extra>",
            row=1,
            col=1,
        )
        figure.update_yaxes(title="Weight (%)", row=1, col=1)
    figure.add_trace(
        go.Heatmap(
            z=stages.states.T.numpy(),
            x=x,
            colorscale=DIVERGING,
            zmin=-1,
            zmax=1,
            colorbar={"title": {"text": "value"}} | COLOUR_BAR,
            hovertemplate="%{x:.2f} s · unit %{y}: %{z:.2f}<extra></extra>",
        ),
        1 if weights is None else 2,
        1,
    )
    if config.bidirectional:
        figure.add_hline(y=config.gru - 0.5, line={"color": "#8a8f98", "dash": "dot"})
    figure.update_layout(**layout("What the memory holds after each step", 430))
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title="Time (s)", row=1 if weights is None else 2, col=1)
    figure.update_yaxes(title="Unit", showgrid=False, row=1 if weights is None else 2, col=1)
    return figure


def logits(stages: Trace, labels: tuple[str, ...]) -> go.Figure:
    """Scores, in the order of their size."""
    return _bars(labels, stages.logits.double().numpy(), "Logits", "Score", "{:+.2f}")


def probabilities(stages: Trace, labels: tuple[str, ...]) -> go.Figure:
    """Softmax of the logits divided by the temperature, in percent."""
    values = 100 * stages.probabilities
    figure = _bars(
        labels, values, "What the network says of this segment", "Probability (%)", "{:.1f} %"
    )
    figure.update_xaxes(range=[0, 1.18 * max(10.0, float(values.max()))])
    return figure


def probability_table(stages: Trace, labels: tuple[str, ...]) -> list[dict[str, str | float]]:
    """One row a class, likeliest first: its logit z, z / T for the temperature T, e to the power of that, the share in percent."""
    order = np.argsort(-stages.probabilities, kind="stable")
    return [
        {
            "Class": labels[i],
            "Logit z": round(float(stages.logits[i]), 4),
            "z / T": round(float(stages.scaled[i]), 4),
            "e^(z/T)": round(math.exp(min(700.0, float(stages.scaled[i]))), 4),
            "Share (%)": round(100 * float(stages.probabilities[i]), 2),
        }
        for i in order
    ]


def _bars(labels: tuple[str, ...], values: Numbers, title: str, axis: str, form: str) -> go.Figure:
    order = np.argsort(values, kind="stable")
    palette = colours(labels)
    names = [labels[i] for i in order]
    figure = go.Figure(
        go.Bar(
            x=values[order],
            y=names,
            orientation="h",
            marker={"color": [palette[name] for name in names]},
            text=[form.format(value).replace("-", "−") for value in values[order]],
            textposition="outside",
            cliponaxis=False,
            constraintext="none",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(**layout(title, 110 + 26 * len(labels)))
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    room = 0.18 * max(1e-6, high - low)
    figure.update_xaxes(title=axis, range=[low - (room if low < 0 else 0), high + room])
    return figure
