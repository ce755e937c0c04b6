"""Figures of predictions: one track's classes, several tracks side by side, their similarity."""

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from crnn.format import percent
from crnn.inference.prediction import Array, Prediction
from crnn.inference.similarity import TrackSummary
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.theme import BORDER, finish, probability_bars

_BAR = 74  # px a track: its name, its bar, its three classes
_MAX_NAME = 42  # characters of a name over a bar; a phone has room for so many


def top_classes(prediction: Prediction, title: str, k: int = 3) -> go.Figure:
    """Ring of the k most probable classes and "Other" (the paper's Figs 5 and 6)."""
    top = prediction.top(k)
    palette = colours(prediction.labels)
    figure = go.Figure(
        go.Pie(
            labels=[display(label) for label, _ in top],
            values=[probability for _, probability in top],
            marker={
                "colors": [palette[label] for label, _ in top],
                "line": {"width": 2, "color": BORDER},
            },
            hole=0.62,
            sort=False,
            direction="clockwise",
            rotation=180,  # small classes, whose labels need room, end away from the title
            texttemplate="%{label}<br><b>%{percent:.0%}</b>",
            textposition="outside",
            hovertemplate="%{label}: %{percent:.1%}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_annotation(text=f"<b>{display(top[0][0])}</b>", showarrow=False, font={"size": 22})
    margin = {"l": 60, "r": 60, "t": 60, "b": 76}
    return figure.update_layout(title=title, height=330, margin=margin)


def distribution(prediction: Prediction, title: str) -> go.Figure:
    """Bars of all classes in percent, the most probable on top."""
    order = [label for label, _ in prediction.ranked()[::-1]]
    figure = go.Figure(probability_bars(prediction.to_dict(), order))
    finish(figure, title, 96 + 26 * len(order), right=44, bargap=0.25)
    return theme.probability_axis(
        figure, prediction.overall, title="Average probability (%)", room=1.04
    )


def composition(tracks: Sequence[TrackSummary], network: int, title: str, k: int = 3) -> go.Figure:
    """A bar per track: its k most probable classes and Other, the first from 0 on.

    The paper draws a pie per track; bars on one scale compare more easily, and fit a phone.
    """
    figure = go.Figure()
    tops = [track.predictions[network].top(k) for track in tracks]
    palette = colours(tracks[0].predictions[network].labels)
    for rank in range(max(map(len, tops))):
        parts = [(row, *top[rank]) for row, top in enumerate(tops) if rank < len(top)]
        figure.add_bar(
            y=[row for row, _, _ in parts],
            x=[100 * p for _, _, p in parts],
            orientation="h",
            width=0.3,
            name="",
            marker={
                "color": [palette[label] for _, label, _ in parts],
                "line": {"width": 1, "color": BORDER},
            },
            customdata=[[shorten(tracks[row].name), display(label)] for row, label, _ in parts],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}: %{x:.1f}%<extra></extra>",
        )
    for row, (track, top) in enumerate(zip(tracks, tops, strict=True)):
        classes = "  ".join(
            f"<span style='color:{palette[label]}'>⬤</span> {display(label)} {percent(p)}"
            for label, p in top
        )
        over = {"yshift": 12, "yanchor": "bottom", "text": f"<b>{shorten(track.name)}</b>"}
        under = {"yshift": -12, "yanchor": "top", "text": classes}
        for text in (over, under):
            figure.add_annotation(x=0, y=row, xanchor="left", xshift=-4, showarrow=False, **text)
    height = 96 + _BAR * len(tracks)
    finish(figure, title, height, right=12, barmode="stack", showlegend=False, bargap=0)
    figure.update_xaxes(title="Average probability (%)", range=[0, 100])
    axis = {"showticklabels": False, "showgrid": False, "zeroline": False}
    return figure.update_yaxes(range=[len(tracks) - 0.45, -0.55], **axis)


def similarity_matrix(tracks: Sequence[TrackSummary], similarities: Array, title: str) -> go.Figure:
    """Similarity of any two tracks, [N, N] from −1 to 1, as numbers in the cells."""
    figure = go.Figure(
        theme.diverging_heatmap(
            similarities,
            1,
            "%{y} and %{customdata}: %{z:.2f}",
            x=[f"{number}" for number, _ in enumerate(tracks, 1)],
            y=[f"{number} {shorten(track.name, 18)}" for number, track in enumerate(tracks, 1)],
            texttemplate="%{z:.2f}",
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[[shorten(other.name) for other in tracks] for _ in tracks],
        )
    )
    finish(figure, title, 106 + 42 * len(tracks), top=88)
    figure.update_xaxes(type="category", side="top", showgrid=False)
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def shorten(name: str, longest: int = _MAX_NAME) -> str:
    """A name as a figure shows it: cut, and nothing in it read as markup."""
    short = name if len(name) <= longest else f"{name[: longest - 13]}…{name[-12:]}"
    return html.escape(short, quote=False)
