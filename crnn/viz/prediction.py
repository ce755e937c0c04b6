"""Figures of predictions: one track's classes, several tracks side by side, their similarity."""

import html
from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
import plotly.graph_objects as go

from crnn.inference.prediction import Array, Prediction
from crnn.inference.similarity import TrackSummary
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.theme import finish, probability_bars

_NUMBERED = 10  # tracks; the cells of a larger matrix are too small for numbers
_MAX_NAME = 42  # characters of a name; a phone has room for so many


def distribution(prediction: Prediction, title: str) -> go.Figure:
    """Bars of all classes in percent, the most probable on top."""
    order = [label for label, _ in prediction.ranked()[::-1]]
    figure = go.Figure(probability_bars(prediction.to_dict(), order))
    finish(figure, title, 96 + 26 * len(order), right=44, bargap=0.25)
    return theme.probability_axis(
        figure, prediction.overall, title="Average probability (%)", room=1.04
    )


def bar(prediction: Prediction, k: int = 3) -> str:
    """A small picture for a table, as a data address: the k most probable classes and Other."""
    palette, x, parts = colours(prediction.labels), 0.0, []
    for label, probability in prediction.top(k):
        width = 100 * probability
        parts.append(
            f"<rect x='{x:.1f}' width='{max(0.0, width - 1):.1f}' height='30' "
            f"fill='{palette[label]}'/>"
        )
        x += width
    box = (
        "xmlns='http://www.w3.org/2000/svg' width='76' height='30' "
        "viewBox='0 0 100 30' preserveAspectRatio='none'"
    )
    return f"data:image/svg+xml,{quote(f'<svg {box}>{chr(10).join(parts)}</svg>')}"


def similarity_map(tracks: Sequence[TrackSummary], points: Array, title: str) -> go.Figure:
    """Tracks in the plane, [N, 2]: near means similar; in the colours of their top genres."""
    tops = [track.predictions[0].top(1)[0][0] for track in tracks]
    palette = colours(tracks[0].predictions[0].labels)
    ranks = points[:, 1].argsort().argsort()  # names above and below in turn overlap less
    figure = go.Figure(
        go.Scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="markers+text",
            marker={"size": 16, "color": [palette[label] for label in tops]},
            text=[shorten(track.name, 18) for track in tracks],
            textposition=[("bottom", "top")[rank % 2] + " center" for rank in ranks],
            cliponaxis=False,
            customdata=[
                [shorten(track.name), display(top)] for track, top in zip(tracks, tops, strict=True)
            ],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}<extra></extra>",
        )
    )
    finish(figure, title, 420, showlegend=False)
    reach = 1.3 * max(0.05, float(np.abs(points).max()))
    axis = {"range": [-reach, reach], "showticklabels": False, "showgrid": False}
    figure.update_xaxes(title="First principal component", **axis)
    return figure.update_yaxes(title="Second principal component", **axis)


def similarity_matrix(tracks: Sequence[TrackSummary], similarities: Array, title: str) -> go.Figure:
    """Similarity of any two tracks, [N, N] from −1 to 1, as numbers in the cells."""
    figure = go.Figure(
        theme.diverging_heatmap(
            similarities,
            1,
            "%{y} and %{customdata}: %{z:.2f}",
            x=[f"{number}" for number, _ in enumerate(tracks, 1)],
            y=[f"{number} {shorten(track.name, 18)}" for number, track in enumerate(tracks, 1)],
            texttemplate="%{z:.2f}" if len(tracks) <= _NUMBERED else None,
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[[shorten(other.name) for other in tracks] for _ in tracks],
        )
    )
    finish(figure, title, 106 + (42 if len(tracks) <= _NUMBERED else 20) * len(tracks), top=88)
    figure.update_xaxes(type="category", side="top", showgrid=False)
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def shorten(name: str, longest: int = _MAX_NAME) -> str:
    """A name as a figure shows it: cut, and nothing in it read as markup."""
    short = name if len(name) <= longest else f"{name[: longest - 13]}…{name[-12:]}"
    return html.escape(short, quote=False)
