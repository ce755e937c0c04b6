"""Figures of the SVM baseline: features in every class's usual range, and SVM against network."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from crnn.baseline import ranges
from crnn.baseline.ranges import MFCC_NAMES, Feature
from crnn.baseline.svm import SVM
from crnn.inference.prediction import Prediction
from crnn.labels import colours, display
from crnn.viz import theme
from crnn.viz.theme import finish, probability_bars


def feature_ranges(feature: Feature, svm: SVM, value: float) -> go.Figure:
    """A bar over each class's 5th to 95th percentile, a tick at its median, the track as a line."""
    palette, inside = colours(svm.labels), ranges.classes_in_range(svm, feature.name, value)
    percentiles = svm.percentiles(feature.name)
    labels = list(svm.labels)[::-1]
    low, median, high = feature.factor * np.array([percentiles[label] for label in labels]).T
    names = [f"<b>{display(k)}</b> ✓" if k in inside else display(k) for k in labels]
    figure = go.Figure(
        go.Bar(
            x=high - low,
            base=low,
            y=names,
            orientation="h",
            marker={"color": [palette[label] for label in labels]},
            customdata=np.stack([median, high], axis=1),
            hovertemplate=f"%{{base:,.0f}} to %{{customdata[1]:,.0f}} {feature.unit}, "
            "median %{customdata[0]:,.0f}<extra>%{y}</extra>",
        )
    )
    figure.add_scatter(
        x=median,
        y=names,
        mode="markers",
        hoverinfo="skip",
        marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": theme.OUTLINE}},
    )
    here = value * feature.factor
    figure.add_vline(x=here, line={"color": theme.ACCENT, "width": 3})
    figure.add_annotation(
        x=here,
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=f"this track: {here:,.0f}",
        font={"size": 12},
    )
    title = f"{feature.title} ({feature.unit})"
    height = 104 + 24 * len(labels)
    finish(figure, feature.title, height, top=64, x=title, bargap=0.35, showlegend=False)
    return figure.update_xaxes(range=[0, 1.05 * max(float(high.max()), here)])


def mfccs(svm: SVM, features: Mapping[str, float], order: list[str]) -> go.Figure:
    """Where the track's MFCCs lie in each class's usual range; order: of the rows."""
    positions = np.array(
        [list(ranges.relative_position(svm, name, features[name]).values()) for name in MFCC_NAMES]
    )
    positions = positions.T[[svm.labels.index(label) for label in order]]
    inside = ranges.mfccs_in_range(svm, features)
    ends = ["low end", "median", "high end"]
    figure = go.Figure(
        theme.diverging_heatmap(
            np.clip(positions, -2, 2).round(2),
            2,
            "MFCC %{x}, %{y}: %{z} (±1: ends of the usual range)",
            x=list(range(1, len(MFCC_NAMES) + 1)),
            y=[f"{display(label)} {inside[label]}/{len(MFCC_NAMES)}" for label in order],
            text=np.where(positions > 1, "▲", np.where(positions < -1, "▼", "")),
            texttemplate="%{text}",
            textfont={"color": "#15121a"},
            xgap=1,
            ygap=1,
            colorbar=theme.colour_bar("range", tickvals=[-1, 0, 1], ticktext=ends),
        )
    )
    finish(figure, "Timbre: MFCC 1 to 20", 120 + 26 * len(order), x="MFCC, coarse to fine")
    figure.update_xaxes(dtick=1, showgrid=False, tickfont={"size": 10})
    return figure.update_yaxes(autorange="reversed", showgrid=False)


def svm_and_network(network: Prediction | None, svm: Mapping[str, float]) -> go.Figure:
    """Both distributions in percent, the network's (if there is one) filled, the SVM's hatched."""
    ours = network.to_dict() if network is not None else {}
    order = sorted(svm, key=lambda label: max(svm[label], ours.get(label, 0.0)))
    colour = [colours(tuple(svm))[label] for label in order]
    hatched = {
        "color": "rgba(0,0,0,0)",
        "line": {"color": colour, "width": 1.5},
        "pattern": {"shape": "/", "fgcolor": colour, "size": 6},
    }
    figure = go.Figure(probability_bars(svm, order, "SVM", marker=hatched))
    if ours:
        figure.add_trace(probability_bars(ours, order, "Neural network"))
    title, top = ("Neural network vs SVM", 70) if ours else ("SVM", 44)
    height = 96 + 38 * len(order)
    finish(figure, title, height, top=top, right=64, **theme.GROUPED)
    figure.update_layout(showlegend=bool(ours))
    return theme.probability_axis(figure, svm.values(), ours.values())
