"""Figures of measured results: confusion, generalisation, calibration, training curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn import results
from crnn.labels import display
from crnn.results import Result
from crnn.viz.theme import GREY, GROUPED, LEGEND, add_line, colour_bar, finish

# Bars stand out by 3 : 1 and more from a light and from a dark page, whiskers from bars, too; text
# within bars by 4.5 : 1.
_OURS, _WHISKER = "#b0479a", "#6f6a78"
_TEXT = {_OURS: "#ffffff", GREY: "#000000"}
_PURPLES = [[0.0, "#faf8fd"], [1.0, "#8f6fd0"]]  # light enough for black text everywhere


def _bars(
    name: str,
    names: Sequence[str],
    fractions: Sequence[float | None],
    colour: str,
    errors: Mapping[str, Sequence[float]] | None = None,
    axes: str = "xy",
    **bar: Any,
) -> go.Bar:
    """Bars in percent; errors: lengths of whiskers, by plotly's names; axes "yx": horizontal."""
    values = [None if fraction is None else 100 * fraction for fraction in fractions]
    whiskers = {key: 100 * np.array(lengths) for key, lengths in (errors or {}).items()}
    style = {"type": "data", "symmetric": len(whiskers) < 2, "thickness": 1.5, "color": _WHISKER}
    return go.Bar(
        {axes[0]: names, axes[1]: values},
        name=name,
        marker={"color": colour},
        orientation="v" if axes == "xy" else "h",
        textposition="inside",
        insidetextanchor="start",
        insidetextfont={"color": _TEXT[colour]},
        **{f"error_{axes[1]}": style | whiskers} | bar,
    )


def confusion_matrix(result: Result, title: str) -> go.Figure:
    """Percent of each true class (row) by predicted class (column); counts on hover."""
    labels, counts = [display(k) for k in result["labels"]], np.array(results.confusion(result))
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
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
            colorbar=colour_bar("%"),
            hovertemplate="%{y} predicted as %{x}: %{customdata} tracks, %{z:.0f}%<extra></extra>",
        )
    )
    finish(figure, title, 140 + 34 * len(labels), x="Predicted", y="True")
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(type="category", autorange="reversed", showgrid=False)


def generalisation(network: dict[str, Result], svm: dict[str, Result]) -> go.Figure:
    """Genre accuracy by protocol, from a random split to new songs, network beside SVM."""
    names = {"P": "Random split", "F": "New artists", "N": "New collection"}
    figure = go.Figure()
    for title, measured, colour in (("Neural network", network, _OURS), ("SVM", svm, GREY)):
        shown = [name for name in names if name in network and name in measured]
        pairs = [results.value_and_spread(measured[name], "track_accuracy") for name in shown]
        values, spreads = [value for value, _ in pairs], [spread or 0 for _, spread in pairs]
        text, x = [f"{100 * value:.0f}%" for value in values], [names[name] for name in shown]
        figure.add_trace(_bars(title, x, values, colour, {"array": spreads}, text=text))
    title = "From a random split to a new collection"
    finish(figure, title, 340, top=70, y="Track accuracy (%)", barmode="group", legend=LEGEND)
    figure.update_xaxes(type="category")
    return figure.update_yaxes(range=[0, 110])


def reliability_diagram(result: Result, title: str) -> go.Figure:
    """Accuracy against confidence; on the dotted line they agree; larger dots: more tracks."""
    points = results.reliability(result)
    figure = go.Figure()
    add_line(figure, [0, 100], [0, 100], GREY, 2, dash="dot")
    add_line(
        figure,
        [100 * p["confidence"] for p in points],
        [100 * p["right"] for p in points],
        _OURS,
        2,
        "confidence %{x:.0f}%: accuracy %{y:.0f}% (%{customdata} tracks)<extra></extra>",
        mode="lines+markers",
        customdata=[p["tracks"] for p in points],
        marker={"size": [6 + p["tracks"] ** 0.5 / 1.5 for p in points]},
    )
    finish(figure, title, 340, x="Confidence (%)", y="Accuracy (%)", showlegend=False)
    figure.update_xaxes(range=[0, 103])
    return figure.update_yaxes(range=[0, 103])


def recall_on_new_songs(new: Result, known: Result | None) -> go.Figure:
    """Recall by genre on new songs with its 95 % interval, beside that on new artists of GTZAN."""
    rows = results.new_song_recalls(new)
    names = [f"{display(row['label'])} ({row['tracks']})" for row in rows]
    errors = {
        "array": [row["high"] - row["recall"] for row in rows],
        "arrayminus": [row["recall"] - row["low"] for row in rows],
    }
    values, hover = [row["recall"] for row in rows], "%{x}: %{y:.0f}%"
    figure = go.Figure(_bars("New songs", names, values, _OURS, errors, hovertemplate=hover))
    if known is not None:
        recalls = results.per_class_recall(known)
        beside = [recalls.get(row["label"]) for row in rows]
        title = "New artists of GTZAN"
        figure.add_trace(_bars(title, names, beside, GREY, hovertemplate=hover))
    title = "Accuracy by genre on new songs"
    finish(figure, title, 360, top=70, y="Recall (%)", barmode="group", legend=LEGEND)
    figure.update_xaxes(type="category")
    return figure.update_yaxes(range=[0, 105])


def against_paper(table: Result, title: str) -> go.Figure:
    """Track accuracy of each row that the paper has too, with our spread, beside the paper's."""
    names, ours, spreads, paper = zip(*results.paper_comparison(table)[::-1], strict=True)
    figure = go.Figure()
    # The last bar is drawn on top of its group.
    for name, values, colour, errors in (
        ("Paper", paper, GREY, None),
        ("Here", ours, _OURS, {"array": spreads}),
    ):
        text = [f"{100 * value:.0f}" for value in values]
        hover = f"%{{y}}, {name.lower()}: %{{x:.1f}}%<extra></extra>"
        figure.add_trace(
            _bars(name, names, values, colour, errors, "yx", text=text, hovertemplate=hover)
        )
    finish(figure, title, 150 + 52 * len(names), top=70, **GROUPED)
    figure.update_xaxes(title="Track accuracy (%)", range=[0, 100])
    return figure.update_yaxes(type="category")


def training_curves(run: dict[str, Any], title: str) -> go.Figure:
    """Training and validation loss by epoch; below, where measured, validation accuracy."""
    accuracy = run.get("val_track")
    rows = 2 if accuracy else 1
    figure = make_subplots(
        rows, 1, shared_xaxes=True, vertical_spacing=0.1, row_heights=[0.65, 0.35][:rows]
    )
    for key, name, colour, dash in (
        ("train_loss", "training", GREY, "dot"),
        ("val_loss", "validation", _OURS, None),
    ):
        if run.get(key):
            hover = f"{name}, epoch %{{x}}: %{{y:.2f}} nats<extra></extra>"
            place = {"name": name, "dash": dash, "row": 1, "col": 1}
            add_line(figure, run["epoch"], run[key], colour, 2.5, hover, **place)
    if accuracy:
        y = [None if value is None else 100 * value for value in accuracy]
        place = {"showlegend": False, "row": 2, "col": 1}
        hover = "epoch %{x}: %{y:.0f}% correct<extra></extra>"
        add_line(figure, run["epoch"], y, _OURS, 2.5, hover, **place)
        figure.update_yaxes(title="Accuracy (%)", rangemode="tozero", row=2, col=1)
    finish(figure, title, 420 if accuracy else 320, top=70, legend=LEGEND)
    figure.update_xaxes(title="Epoch", row=rows, col=1)
    return figure.update_yaxes(title="Loss (nats)", zeroline=False, row=1, col=1)
