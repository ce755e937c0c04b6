"""Plotly figures of spectrograms and distributions. Colours of text and background are left to the page's theme."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from crnn.audio.front_end import FrontEnd, band_frequencies, hz_to_mel
from crnn.format import percent
from crnn.inference.prediction import Prediction
from crnn.labels import colours

# More columns than a wide screen has pixels only make the page slower.
_MAX_COLUMNS = 1200
_TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000, 16000)
_TICK_GAP = 6  # bands; closer labels would overlap

# Streamlit's theme replaces the exact colour #000004, magma's darkest, by one of its own.
MAGMA = [
    [place, "rgb(0,0,3)" if colour == "#000004" else colour]
    for place, colour in get_colorscale("magma")
]

# Blue below 0, red above, grey at 0: told apart by colour-blind eyes, too (ColorBrewer RdBu).
DIVERGING = [
    [0.0, "#2166ac"],
    [0.35, "#92c5de"],
    [0.5, "#f2f0f4"],
    [0.65, "#f4a582"],
    [1.0, "#b2182b"],
]


def spectrogram(
    mel: "np.ndarray[Any, Any]", front_end: FrontEnd, title: str = "Mel spectrogram"
) -> go.Figure:
    """Heatmap of a log-mel spectrogram [M, F] in dB over seconds and Hz (bands equally spaced, as the network sees them).

    Long tracks are averaged over neighbouring frames to at most 1200 columns.
    """
    figure = go.Figure(heatmap(mel, front_end))
    figure.update_traces(colorscale=MAGMA, colorbar={"title": {"text": "dB"}} | COLOUR_BAR)
    figure.update_layout(title=title, height=330, margin={"l": 8, "r": 8, "t": 44, "b": 8})
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False)
    figure.update_yaxes(**frequency_axis(front_end))
    return figure


def heatmap(mel: "np.ndarray[Any, Any]", front_end: FrontEnd, start: float = 0.0) -> go.Heatmap:
    """The picture alone, without colours; start: seconds at which its first frame lies."""
    step = -(-mel.shape[1] // _MAX_COLUMNS)
    starts = np.arange(0, mel.shape[1], step)
    shown = np.add.reduceat(mel, starts, axis=1) / np.diff([*starts, mel.shape[1]])
    small = shown.min() >= -120 and shown.max() <= 120
    return go.Heatmap(
        z=np.round(shown).astype(np.int8) if small else shown.astype(np.float32),
        x=start + (starts + (step - 1) / 2) * front_end.hop_seconds,
        y=[f"{frequency:,.0f} Hz" for frequency in band_frequencies(front_end)],
        hovertemplate="%{x:.1f} s · %{y} · %{z:.0f} dB<extra></extra>",
    )


COLOUR_BAR = {"thickness": 10, "outlinewidth": 0, "x": 1.01}


def frequency_axis(front_end: FrontEnd, gap: int = _TICK_GAP) -> dict[str, Any]:
    """Settings of a vertical axis over mel bands, labelled in Hz; labels at least `gap` bands apart."""
    ticks = _ticks(front_end, gap)
    return {
        "title": "Frequency (Hz)",
        "type": "category",
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "showgrid": False,
    }


def top_classes(prediction: Prediction, title: str, k: int = 3) -> go.Figure:
    """Ring of the k likeliest classes and "Other" (the paper's Figs 5 and 6)."""
    parts = prediction.top(k)
    palette = colours(prediction.labels)
    figure = go.Figure(
        go.Pie(
            labels=[label for label, _ in parts],
            values=[probability for _, probability in parts],
            marker={
                "colors": [palette[label] for label, _ in parts],
                "line": {"width": 2, "color": "rgba(128,128,128,0.35)"},
            },
            hole=0.62,
            sort=False,
            direction="clockwise",
            rotation=180,  # the small parts, whose labels need room, end at the bottom, away from the title
            texttemplate="%{label}<br><b>%{percent:.0%}</b>",
            textposition="outside",
            hovertemplate="%{label}: %{percent:.1%}<extra></extra>",
            showlegend=False,
        )
    )
    figure.add_annotation(text=f"<b>{parts[0][0]}</b>", showarrow=False, font={"size": 22})
    figure.update_layout(title=title, height=330, margin={"l": 60, "r": 60, "t": 60, "b": 76})
    return figure


def distribution(prediction: Prediction, title: str) -> go.Figure:
    """Bars of the whole distribution in percent, likeliest on top."""
    ranked = prediction.ranked()[::-1]
    palette = colours(prediction.labels)
    percents = [100 * probability for _, probability in ranked]
    figure = go.Figure(
        go.Bar(
            x=percents,
            y=[label for label, _ in ranked],
            orientation="h",
            marker={"color": [palette[label] for label, _ in ranked]},
            text=[percent(probability) for _, probability in ranked],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )
    )
    figure.update_layout(
        title=title,
        height=96 + 26 * len(ranked),
        margin={"l": 8, "r": 44, "t": 44, "b": 8},
        bargap=0.25,
    )
    figure.update_xaxes(
        title="Probability, mean over the track (%)",
        range=[0, max(10.0, max(percents)) * 1.04],
        zeroline=False,
    )
    return figure


def _ticks(front_end: FrontEnd, gap: int) -> dict[int, str]:
    """Band number → label, from the top down as long as there is room."""
    ticks: dict[int, str] = {}
    for hertz in reversed(_TICKS_HZ):
        band = round(_band(hertz, front_end))
        if 0 <= band < front_end.n_mels and all(other - band >= gap for other in ticks):
            ticks[band] = _short(hertz)
    return ticks


def _short(hertz: int) -> str:
    return str(hertz) if hertz < 1000 else f"{hertz // 1000}k"


def _band(hertz: float, front_end: FrontEnd) -> float:
    """The position, in bands from 0, at which a frequency lies on the mel axis."""
    top_mel = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    return hz_to_mel(hertz, front_end.mel_scale) / top_mel * (front_end.n_mels + 1) - 1
