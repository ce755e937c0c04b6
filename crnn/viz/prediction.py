"""Figures of several tracks: what each is made of (the paper's Figs 5 and 6), and which sound alike."""

import html
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.colors import get_colorscale

from crnn.inference.prediction import Array
from crnn.inference.similarity import TrackSummary, nearest
from crnn.labels import colours
from pages.text.predictions import describe

_BAR = 74  # pixels a track: its name, its bar, its three classes
_ALIKE = 0.3  # below, two embeddings are more than 70 degrees apart; 90 have nothing in common
_LONGEST = 42  # characters of a name over a bar; a phone has room for so many


def composition(tracks: Sequence[TrackSummary], network: int, title: str, k: int = 3) -> go.Figure:
    """A bar a track: its k likeliest classes and Other. The likeliest begins at 0, so that its lengths compare by eye.

    The paper draws a pie a track; bars on one scale compare more easily, and fit a phone.
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
                "line": {"width": 1, "color": "rgba(128,128,128,0.35)"},
            },
            customdata=[[shown(tracks[row].name), label] for row, label, _ in parts],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}: %{x:.1f} %<extra></extra>",
        )
    for row, (track, top) in enumerate(zip(tracks, tops, strict=True)):
        words = "  ".join(
            f"<span style='color:{palette[label]}'>⬤</span> {label} {_percent(p)}"
            for label, p in top
        )
        for text, shift, anchor in (
            (f"<b>{shown(track.name)}</b>", 12, "bottom"),
            (words, -12, "top"),
        ):
            figure.add_annotation(
                x=0,
                y=row,
                text=text,
                yshift=shift,
                yanchor=anchor,
                xanchor="left",
                xshift=-4,
                showarrow=False,
            )
    figure.update_layout(
        title=title,
        barmode="stack",
        showlegend=False,
        height=96 + _BAR * len(tracks),
        bargap=0,
        margin={"l": 8, "r": 12, "t": 44, "b": 8},
    )
    figure.update_xaxes(
        title="Probability, mean over the track (%)", range=[0, 100], zeroline=False
    )
    figure.update_yaxes(
        range=[len(tracks) - 0.45, -0.55], showticklabels=False, showgrid=False, zeroline=False
    )
    return figure


def told(tracks: Sequence[TrackSummary], network: int, k: int = 3) -> str:
    """The bars in words."""
    return (
        "; ".join(f"{track.name}: {describe(track.predictions[network], k)}" for track in tracks)
        + "."
    )


def similarity_matrix(tracks: Sequence[TrackSummary], similarities: Array, title: str) -> go.Figure:
    """How alike any two are, [N, N] from −1 to 1; the numbers stand in the cells, so there is no colour bar to narrow them."""
    names = [f"{number} {shown(track.name, 18)}" for number, track in enumerate(tracks, 1)]
    numbers = [f"{number}" for number, _ in enumerate(tracks, 1)]
    figure = go.Figure(
        go.Heatmap(
            z=similarities,
            x=numbers,
            y=names,
            colorscale=get_colorscale("RdBu_r"),
            zmin=-1,
            zmax=1,
            texttemplate="%{z:.2f}",
            showscale=False,
            xgap=2,
            ygap=2,
            customdata=[[shown(other.name) for other in tracks] for _ in tracks],
            hovertemplate="%{y} and %{customdata}: %{z:.2f}<extra></extra>",
        )
    )
    figure.update_layout(
        title=title, height=106 + 42 * len(tracks), margin={"l": 8, "r": 8, "t": 88, "b": 8}
    )
    figure.update_xaxes(type="category", side="top", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def told_alike(tracks: Sequence[TrackSummary], similarities: Array) -> str:
    """Each track's nearest, in words."""
    return " ".join(
        told_nearest(track.name, tracks[other].name, value)
        for track, (other, value) in zip(tracks, nearest(similarities), strict=True)
    )


def told_nearest(name: str, other: str, value: float) -> str:
    """One track's nearest and how near; where even that is far, it says so."""
    number = f"{value:.2f}".replace("-", "−")
    if value < _ALIKE:
        return f"{name} sounds like no other here; nearest comes {other} ({number})."
    return f"{name} sounds most like {other} ({number})."


def shown(name: str, longest: int = _LONGEST) -> str:
    """A name as a figure shows it: cut, and nothing in it read as markup."""
    short = name if len(name) <= longest else f"{name[: longest - 13]}…{name[-12:]}"
    return html.escape(short, quote=False)


def _percent(probability: float) -> str:
    return "<1" if 0 < probability < 0.01 else f"{100 * probability:.0f}"
