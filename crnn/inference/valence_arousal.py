"""Moods in Russell's plane: valence (negative to positive) and arousal (energy) over time.

Russell 1980, "A circumplex model of affect"; the moods' signs are Table I of the paper.
"""

import numpy as np
import plotly.graph_objects as go

from crnn.inference.timeline import Array, Timeline
from crnn.labels import MOOD_COLOURS, MOOD_QUADRANTS

# Words for the quadrants, by the signs of valence and arousal.
QUADRANTS = {
    (1, 1): "pleasant and excited",
    (-1, 1): "unpleasant and excited",
    (-1, -1): "unpleasant and calm",
    (1, -1): "pleasant and calm",
}


def has_places(labels: tuple[str, ...]) -> bool:
    """Whether all labels have a place in the plane."""
    return set(labels) <= set(MOOD_QUADRANTS)


def path(timeline: Timeline) -> Array:
    """Mean of the moods' signs, weighted by probability: valence and arousal, [C, 2]."""
    quadrants = [MOOD_QUADRANTS[label] for label in timeline.labels]
    signs = np.array([(place.valence, place.arousal) for place in quadrants], dtype=float)  # [K, 2]
    return np.asarray(timeline.probabilities @ signs)


def quadrant(valence: float, arousal: float) -> str:
    """Words for where a point lies; zero counts as the pleasant or excited side."""
    return QUADRANTS[1 if valence >= 0 else -1, 1 if arousal >= 0 else -1]


def describe(found: Timeline) -> str:
    """The whole path in a sentence: where it lies on average, begins and ends."""
    places = path(found)
    mean = np.average(places, axis=0, weights=np.diff(found.edges))
    begins, ends = quadrant(*places[0]), quadrant(*places[-1])
    how = (
        f"It begins and ends {begins}."
        if begins == ends
        else f"It begins {begins} and ends {ends}."
    )
    return f"On the whole {quadrant(*mean)} (valence {mean[0]:+.2f}, arousal {mean[1]:+.2f}). {how}"


def figure(found: Timeline) -> go.Figure:
    """The plane with the moods in their quarters and the track's path, from a ring to a square,
    brighter with time.
    """
    places = path(found)
    middles = (found.edges[:-1] + found.edges[1:]) / 2
    drawn = go.Figure()
    drawn.add_scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="lines+markers",
        line={"color": "#8a8f98", "width": 1.5},
        marker={"size": 7, "color": middles, "colorscale": "Viridis", "line": {"width": 0}},
        customdata=middles,
        hovertemplate="%{customdata:.0f} s: valence %{x:.2f}, arousal %{y:.2f}<extra></extra>",
        showlegend=False,
    )
    for row, symbol, word in ((0, "circle-open", "start"), (-1, "square-open", "end")):
        drawn.add_scatter(
            x=[places[row, 0]],
            y=[places[row, 1]],
            mode="markers",
            name=word,
            hoverinfo="skip",
            marker={"symbol": symbol, "size": 15, "color": "#c2549f", "line": {"width": 3}},
        )
    corners: dict[tuple[int, int], list[str]] = {}
    for label in found.labels:
        place = MOOD_QUADRANTS[label]
        corners.setdefault((place.valence, place.arousal), []).append(label)
    for (valence, arousal), labels in corners.items():
        names = " · ".join(
            f"<span style='color:{MOOD_COLOURS[label]}'>⬤</span> {label}" for label in labels
        )
        drawn.add_annotation(
            x=1.27 * valence,
            y=1.27 * arousal,
            text=f"<b>{names}</b><br>{QUADRANTS[valence, arousal]}",
            showarrow=False,
            xanchor="right" if valence > 0 else "left",
            yanchor="top" if arousal > 0 else "bottom",
            align="right" if valence > 0 else "left",
        )
    drawn.add_hline(y=0, line={"color": "#8a8f98", "width": 1})
    drawn.add_vline(x=0, line={"color": "#8a8f98", "width": 1})
    drawn.update_layout(
        title="Path through the mood plane",
        height=420,
        margin={"l": 8, "r": 8, "t": 70, "b": 8},
        legend={
            "orientation": "h",
            "y": 1,
            "yanchor": "bottom",
            "x": 0,
        },  # words beside the path would lie on it
    )
    drawn.update_xaxes(
        title="Valence: unpleasant to pleasant", range=[-1.3, 1.3], zeroline=False, showgrid=False
    )
    drawn.update_yaxes(
        title="Arousal: calm to excited", range=[-1.3, 1.3], zeroline=False, showgrid=False
    )
    return drawn
