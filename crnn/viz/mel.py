"""Figures of mel spectrograms."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies, hz_to_mel
from crnn.viz.theme import MAGMA, colour_bar, finish, time_axis

_MAX_COLUMNS = 1200  # more than a wide screen has pixels only make the page slower
_TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000, 16000)
_TICK_GAP = 6  # bands; closer labels would overlap


def spectrogram(
    mel: np.ndarray[Any, Any] | Tensor, front_end: FrontEnd, title: str = "Mel spectrogram"
) -> go.Figure:
    """Heatmap of a log-mel spectrogram over seconds and Hz, mel bands equally spaced.

    Args:
        mel: [M, F] in dB; long tracks are averaged to at most 1200 columns.
        front_end: the one that made it.
    """
    return mel_figure(in_magma(heatmap(np.asarray(mel), front_end)), front_end, title, 330)


def heatmap(mel: np.ndarray[Any, Any], front_end: FrontEnd, start: float = 0.0) -> go.Heatmap:
    """The spectrogram's trace, without colours; start: seconds at which its first frame lies."""
    step = -(-mel.shape[1] // _MAX_COLUMNS)
    shown = averaged(mel, step)
    small = shown.min() >= -120 and shown.max() <= 120
    return go.Heatmap(
        z=np.round(shown).astype(np.int8) if small else shown.astype(np.float32),
        x=start + (step * np.arange(shown.shape[1]) + (step - 1) / 2) * front_end.hop_seconds,
        y=[f"{frequency:,.0f} Hz" for frequency in band_frequencies(front_end)],
        hovertemplate="%{x:.1f} s · %{y} · %{z:.0f} dB<extra></extra>",
    )


def averaged(mel: np.ndarray[Any, Any], step: int) -> np.ndarray[Any, Any]:
    """The mean of each `step` frames, [M, F] -> [M, ⌈F / step⌉]."""
    starts = np.arange(0, mel.shape[1], step)
    means = np.add.reduceat(mel, starts, axis=1) / np.diff([*starts, mel.shape[1]])
    return np.asarray(means)


def in_magma(trace: go.Heatmap, unit: str = "dB", **bar: Any) -> go.Heatmap:
    """Give a spectrogram's trace its colours and a colour bar. Returns the trace."""
    return trace.update(colorscale=MAGMA, colorbar=colour_bar(unit, **bar))


def mel_figure(
    traces: Any, front_end: FrontEnd, title: str, height: int = 300, gap: int = _TICK_GAP
) -> go.Figure:
    """A figure of some traces over seconds and mel bands."""
    figure = finish(go.Figure(traces), title, height, showlegend=False)
    time_axis(figure)
    figure.update_yaxes(**frequency_axis(front_end, gap))
    return figure


def frequency_axis(front_end: FrontEnd, gap: int = _TICK_GAP) -> dict[str, Any]:
    """Settings of a vertical axis over mel bands; labels in Hz at least `gap` bands apart."""
    step = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale) / (front_end.n_mels + 1)
    ticks: dict[int, str] = {}
    for hertz in reversed(_TICKS_HZ):
        band = round(hz_to_mel(hertz, front_end.mel_scale) / step - 1)
        if 0 <= band < front_end.n_mels and all(other - band >= gap for other in ticks):
            ticks[band] = str(hertz) if hertz < 1000 else f"{hertz // 1000}k"
    return {
        "title": "Frequency (Hz)",
        "type": "category",
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
        "showgrid": False,
    }
