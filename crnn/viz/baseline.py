"""Figures of the SVM: a track's hand-made features in every genre's usual range, and both answers side by side."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from crnn.baseline.svm import SVM
from crnn.format import percent
from crnn.inference.prediction import Prediction
from crnn.labels import colours
from crnn.viz.mel import DIVERGING
from pages.text.baseline import CEPSTRUM, Measure, cepstrum, position, usual_in

_HERE = "#c2549f"  # as the moment one clicks at, along the track


def feature_ranges(measure: Measure, svm: SVM, value: float) -> go.Figure:
    """One feature: a bar over each class's usual range (5th to 95th percentile, a tick at the median), the track as a line."""
    palette, ranges = colours(svm.labels), svm.percentiles(measure.feature)
    fits = usual_in(svm, measure.feature, value)
    labels = list(svm.labels)[::-1]
    low, middle, high = (
        np.array([ranges[label][i] for label in labels]) * measure.factor for i in range(3)
    )
    names = [f"<b>{label}</b> ✓" if label in fits else label for label in labels]
    figure = go.Figure(
        go.Bar(
            x=high - low,
            base=low,
            y=names,
            orientation="h",
            marker={"color": [palette[label] for label in labels]},
            customdata=np.stack([middle, high], axis=1),
            hovertemplate=f"%{{base:,.0f}} to %{{customdata[1]:,.0f}} {measure.unit}, "
            "half below %{customdata[0]:,.0f}<extra>%{y}</extra>",
        )
    )
    figure.add_scatter(
        x=middle,
        y=names,
        mode="markers",
        hoverinfo="skip",
        marker={"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": "#ffffff"}},
    )
    here = value * measure.factor
    figure.add_vline(x=here, line={"color": _HERE, "width": 3})
    figure.add_annotation(
        x=here,
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
        text=f"this track: {here:,.0f}",
        font={"size": 12},
    )
    end = 1.05 * max(float(high.max()), here)
    figure.update_layout(
        title=measure.title,
        height=104 + 24 * len(labels),
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        bargap=0.35,
        showlegend=False,
    )
    figure.update_xaxes(title=f"{measure.title} ({measure.unit})", range=[0, end], zeroline=False)
    return figure


def mfccs(svm: SVM, features: Mapping[str, float], order: list[str]) -> go.Figure:
    """All MFCCs at once: where the track's lie in each class's usual range; marked where they are outside. order: rows."""
    places = np.array(
        [[position(svm, name, features[name])[label] for name in CEPSTRUM] for label in order]
    )
    marks = np.where(places > 1, "▲", np.where(places < -1, "▼", ""))
    inside = cepstrum(svm, features)
    bar = {
        "title": {"text": "range"},
        "thickness": 10,
        "outlinewidth": 0,
        "tickvals": [-1, 0, 1],
        "ticktext": ["low end", "middle", "high end"],
    }
    figure = go.Figure(
        go.Heatmap(
            z=np.clip(places, -2, 2).round(2),
            x=list(range(1, len(CEPSTRUM) + 1)),
            y=[f"{label} {inside[label]}/{len(CEPSTRUM)}" for label in order],
            text=marks,
            texttemplate="%{text}",
            textfont={"color": "#15121a"},
            colorscale=DIVERGING,
            zmin=-2,
            zmax=2,
            xgap=1,
            ygap=1,
            colorbar=bar,
            hovertemplate="MFCC %{x}, %{y}: %{z} (±1: ends of the usual range)<extra></extra>",
        )
    )
    figure.update_layout(
        title="Timbre: MFCC 1 to 20",
        height=120 + 26 * len(order),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
    )
    figure.update_xaxes(
        title="MFCC, coarse to fine", dtick=1, showgrid=False, zeroline=False, tickfont={"size": 10}
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def svm_and_network(network: Prediction | None, svm: Mapping[str, float]) -> go.Figure:
    """Both distributions in percent, the network's filled, the SVM's hatched; the SVM's alone without a network."""
    ours = network.to_dict() if network is not None else {}
    labels = sorted(svm, key=lambda label: max(svm[label], ours.get(label, 0.0)))
    palette = colours(tuple(svm))
    colour = [palette[label] for label in labels]
    figure = go.Figure()
    bars = [
        (
            "SVM",
            svm,
            {
                "color": "rgba(0,0,0,0)",
                "line": {"color": colour, "width": 1.5},
                "pattern": {"shape": "/", "fgcolor": colour, "size": 6},
            },
        )
    ]
    if ours:
        bars.append(("CRNN", ours, {"color": colour}))
    for name, odds, marker in bars:
        values = [100 * odds[label] for label in labels]
        figure.add_bar(
            x=values,
            y=labels,
            orientation="h",
            name=name,
            marker=marker,
            cliponaxis=False,
            text=[percent(odds[label]) for label in labels],
            textposition="outside",
            hovertemplate=f"%{{y}}, {name}: %{{x:.1f}} %<extra></extra>",
        )
    largest = max([*svm.values(), *ours.values()])
    figure.update_layout(
        title="Filled: the network. Hatched: the SVM" if ours else "The SVM's answer",
        barmode="group",
        bargap=0.25,
        bargroupgap=0.05,
        height=96 + 38 * len(labels),
        margin={"l": 8, "r": 64, "t": 44, "b": 8},
        showlegend=False,
    )
    figure.update_xaxes(
        title="Probability (%)", range=[0, max(10.0, 100 * largest) * 1.06], zeroline=False
    )
    return figure
