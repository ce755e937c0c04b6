"""Figures of measured results: how far accuracy carries, who is taken for whom, whether confidence can be believed, ours
beside the paper's, loss curves."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn import results

# Both stand out by 3 : 1 and more from a light and from a dark page, whiskers from the bars, too.
_OURS, _LINE, _WHISKER = "#b0479a", "#8a8f98", "#6f6a78"
_ON_OURS, _ON_LINE = (
    {"color": "#ffffff"},
    {"color": "#000000"},
)  # text within bars: 4.5 : 1 and more
_PURPLES = [[0.0, "#faf8fd"], [1.0, "#8f6fd0"]]  # light enough for black text everywhere
_MARGIN = {"l": 8, "r": 8, "t": 70, "b": 8}
_LEGEND = {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}


def confusion_matrix(result: dict[str, Any], title: str) -> go.Figure:
    """Percent of each true class (row) that was given each name (column); counts on hover."""
    labels, counts = list(result["labels"]), np.array(results.confusion(result))
    totals = counts.sum(axis=1, keepdims=True)
    percent = 100 * counts / np.maximum(totals, 1)
    figure = go.Figure(
        go.Heatmap(
            z=percent,
            x=labels,
            y=labels,
            customdata=counts,
            colorscale=_PURPLES,
            zmin=0,
            zmax=100,
            text=[[f"{cell:.0f}" if cell >= 0.5 else "" for cell in row] for row in percent],
            texttemplate="%{text}",
            textfont={"color": "#000000"},
            colorbar={"title": {"text": "%"}, "thickness": 10, "outlinewidth": 0},
            hovertemplate="%{y} named %{x}: %{customdata} tracks, %{z:.0f} %<extra></extra>",
        )
    )
    figure.update_layout(
        title=title, height=140 + 34 * len(labels), margin={"l": 8, "r": 8, "t": 44, "b": 8}
    )
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
    for title, source, colour, on in (
        ("network", found, _OURS, _ON_OURS),
        ("SVM", svm, _LINE, _ON_LINE),
    ):
        pairs = [
            results.value_and_spread(source[name], "track_accuracy")
            for name in names
            if name in source
        ]
        figure.add_bar(
            x=[words[name] for name in names if name in source],
            y=[100 * value for value, _ in pairs],
            name=title,
            marker={"color": colour},
            text=[f"{100 * value:.0f} %" for value, _ in pairs],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont=on,
            error_y={
                "type": "data",
                "array": [100 * (spread or 0) for _, spread in pairs],
                "thickness": 1.5,
                "color": _WHISKER,
            },
        )
    figure.update_layout(
        title="From random tracks to a new collection",
        barmode="group",
        height=340,
        margin=_MARGIN,
        legend=_LEGEND,
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="Tracks named right (%)", range=[0, 110])
    return figure


def reliability_diagram(result: dict[str, Any], title: str) -> go.Figure:
    """Share right against confidence; on the dotted line, 70 % sure is right 70 times in 100."""
    points = results.reliability(result)
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": _LINE, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=[100 * p["confidence"] for p in points],
        y=[100 * p["right"] for p in points],
        mode="lines+markers",
        line={"color": _OURS, "width": 2},
        customdata=[p["tracks"] for p in points],
        showlegend=False,
        marker={"size": [6 + p["tracks"] ** 0.5 / 1.5 for p in points]},
        hovertemplate="%{x:.0f} % sure: %{y:.0f} % right (%{customdata} tracks)<extra></extra>",
    )
    figure.update_layout(title=title, height=340, margin={"l": 8, "r": 8, "t": 44, "b": 8})
    figure.update_xaxes(title="How sure the network was (%)", range=[0, 103])
    figure.update_yaxes(title="How often it was right (%)", range=[0, 103])
    return figure


def recall_on_new_songs(new: dict[str, Any], known: dict[str, Any] | None) -> go.Figure:
    """Share of each genre's new songs named right with its 95 % interval; beside it the same for new artists of GTZAN."""
    rows = results.new_song_recalls(new)
    names = [f"{row['label']} ({row['tracks']})" for row in rows]
    figure = go.Figure()
    figure.add_bar(
        x=names,
        y=[100 * row["recall"] for row in rows],
        name="new songs",
        marker={"color": _OURS},
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1.5,
            "color": _WHISKER,
            "array": [100 * (row["high"] - row["recall"]) for row in rows],
            "arrayminus": [100 * (row["recall"] - row["low"]) for row in rows],
        },
        hovertemplate="%{x}: %{y:.0f} % of the new songs<extra></extra>",
    )
    if known is not None:
        recalls = results.per_class_recall(known)
        figure.add_bar(
            x=names,
            y=[100 * recalls[row["label"]] if row["label"] in recalls else None for row in rows],
            name="GTZAN's new artists",
            marker={"color": _LINE},
            hovertemplate="%{x}: %{y:.0f} % of GTZAN's<extra></extra>",
        )
    figure.update_layout(
        title="Which genres carry to new songs",
        barmode="group",
        height=360,
        margin=_MARGIN,
        legend=_LEGEND,
    )
    figure.update_xaxes(type="category")
    figure.update_yaxes(title="Songs named right (%)", range=[0, 105])
    return figure


def against_paper(table: dict[str, Any], title: str) -> go.Figure:
    """Tracks named right in each row that the paper has too, ours with its spread beside the paper's."""
    compared = results.paper_comparison(table)[::-1]
    names = [row[0] for row in compared]
    figure = go.Figure()
    # The last bar is drawn on top of its group.
    for name, values, spread, colour, on in (
        ("the paper", [row[3] for row in compared], None, _LINE, _ON_LINE),
        ("here", [row[1] for row in compared], [100 * row[2] for row in compared], _OURS, _ON_OURS),
    ):
        figure.add_bar(
            x=[100 * value for value in values],
            y=names,
            name=name,
            orientation="h",
            marker={"color": colour},
            error_x={"type": "data", "array": spread, "thickness": 1.5, "color": _WHISKER},
            text=[f"{100 * value:.0f}" for value in values],
            textposition="inside",
            insidetextanchor="start",
            insidetextfont=on,
            hovertemplate=f"%{{y}}, {name}: %{{x:.1f}} %<extra></extra>",
        )
    figure.update_layout(
        title=title,
        barmode="group",
        height=150 + 52 * len(names),
        margin=_MARGIN,
        legend=_LEGEND | {"traceorder": "reversed"},
    )
    figure.update_xaxes(title="Tracks named right (%)", range=[0, 100])
    figure.update_yaxes(type="category")
    return figure


def training_curves(run: dict[str, Any], title: str) -> go.Figure:
    """Loss by epoch on the tracks that a run learns from and on those held back; below, where measured, tracks named right."""
    tracks = run.get("val_track")
    figure = make_subplots(
        2 if tracks else 1,
        1,
        shared_xaxes=True,
        vertical_spacing=0.1,
        row_heights=[0.65, 0.35][: 2 if tracks else 1],
    )
    lines = (
        ("train_loss", "learned from", _LINE, "dot"),
        ("val_loss", "held back", _OURS, "solid"),
    )
    for key, name, colour, dash in lines:
        if run.get(key):
            figure.add_scatter(
                x=run["epoch"],
                y=run[key],
                mode="lines",
                name=name,
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate=f"{name}, epoch %{{x}}: %{{y:.2f}} nats<extra></extra>",
                row=1,
                col=1,
            )
    if tracks:
        figure.add_scatter(
            x=run["epoch"],
            y=[None if t is None else 100 * t for t in tracks],
            mode="lines",
            showlegend=False,
            line={"color": _OURS, "width": 2.5},
            hovertemplate="epoch %{x}: %{y:.0f} % right<extra></extra>",
            row=2,
            col=1,
        )
        figure.update_yaxes(title="Right (%)", rangemode="tozero", row=2, col=1)
    figure.update_layout(title=title, height=420 if tracks else 320, margin=_MARGIN, legend=_LEGEND)
    figure.update_xaxes(zeroline=False)
    figure.update_xaxes(
        title="Epoch (once through all training tracks)", row=2 if tracks else 1, col=1
    )
    figure.update_yaxes(title="Loss (nats)", zeroline=False, row=1, col=1)
    return figure
