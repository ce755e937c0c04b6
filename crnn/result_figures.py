"""Figures of measured results: who is taken for whom, how far accuracy carries, whether confidence can be believed."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from crnn import results

_LINE = "#8a8f98"


def confusion(result: dict[str, Any], title: str) -> go.Figure:
    """Percent of each true class (row) that was given each name (column); counts on hover."""
    labels, counts = list(result["labels"]), np.array(results.confusion(result))
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.maximum(totals, 1)
    figure = go.Figure(
        go.Heatmap(
            z=percent, x=labels, y=labels, customdata=counts, colorscale="Purples", zmin=0, zmax=100,
            texttemplate="%{z:.0f}", colorbar={"title": {"text": "%"}, "thickness": 10, "outlinewidth": 0},
            hovertemplate="%{y} named %{x}: %{customdata} tracks, %{z:.0f} %<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(title=title, height=140 + 34 * len(labels), margin={"l": 8, "r": 8, "t": 44, "b": 8})
    figure.update_xaxes(title="Named by the network", type="category", showgrid=False)
    figure.update_yaxes(title="Is", type="category", autorange="reversed", showgrid=False)
    return figure


def spoken_confusion(result: dict[str, Any]) -> str:
    """Each class's recall and what it is most often taken for."""
    labels, counts = result["labels"], np.array(results.confusion(result))
    said = []
    for k, label in enumerate(labels):
        total = counts[k].sum()
        if total == 0:
            continue
        others = np.where(np.arange(len(labels)) == k, -1, counts[k])
        wrong = int(others.argmax())
        said.append(
            f"{label} {100 * counts[k, k] / total:.0f} % right"
            + (f", else mostly {labels[wrong]}" if counts[k, wrong] and wrong != k else "")
        )
    return "; ".join(said) + "."


def generalisation(found: dict[str, dict[str, Any]], svm: dict[str, Any]) -> go.Figure:
    """Genre accuracy from random tracks over new artists to new songs, network beside SVM."""
    names = [name for name in ("P", "F", "N") if name in found]
    words = {"P": "random tracks", "F": "new artists", "N": "new collection"}
    figure = go.Figure()
    for title, source, colour in (("network", found, "#9a3384"), ("SVM", svm, _LINE)):
        pairs = [results.figure(source[name], "track_accuracy") for name in names if name in source]
        figure.add_bar(
            x=[words[name] for name in names if name in source], y=[100 * value for value, _ in pairs], name=title,
            marker={"color": colour}, text=[f"{100 * value:.0f} %" for value, _ in pairs], textposition="outside",
            error_y={"type": "data", "array": [100 * (spread or 0) for _, spread in pairs], "thickness": 1.5},
        )  # fmt: skip
    figure.update_layout(
        title="The further away, the less is right", barmode="group", height=340,
        margin={"l": 8, "r": 8, "t": 70, "b": 8}, legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="Tracks named right (%)", range=[0, 110])
    return figure


def reliability(result: dict[str, Any], title: str) -> go.Figure:
    """Share right against confidence; on the dotted line, 70 % sure is right 70 times in 100."""
    points = results.reliability(result)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100], y=[0, 100], mode="lines", line={"color": _LINE, "dash": "dot"}, hoverinfo="skip", showlegend=False
    )
    figure.add_scatter(
        x=[100 * p["confidence"] for p in points], y=[100 * p["right"] for p in points], mode="lines+markers",
        line={"color": "#9a3384", "width": 2}, customdata=[p["tracks"] for p in points], showlegend=False,
        marker={"size": [6 + p["tracks"] ** 0.5 / 1.5 for p in points]},
        hovertemplate="%{x:.0f} % sure: %{y:.0f} % right (%{customdata} tracks)<extra></extra>",
    )  # fmt: skip
    figure.update_layout(title=title, height=340, margin={"l": 8, "r": 8, "t": 44, "b": 8})
    figure.update_xaxes(title="How sure the network was (%)", range=[0, 103])
    figure.update_yaxes(title="How often it was right (%)", range=[0, 103])
    return figure
