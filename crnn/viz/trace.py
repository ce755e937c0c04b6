"""Pictures of one segment before it reaches the network (crnn.explain.trace): wave, spectrum, mel bands, decibels, its place."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_transform
from crnn.explain.trace import Trace, loudest_frame, windowed_frame
from crnn.viz.mel import COLOUR_BAR, MAGMA, frequency_axis, heatmap

_LINE, _ACCENT = "#7a5fa8", "#c2549f"
_POINTS = 600  # of a wave; each is the lowest and the highest sample of its stretch
_ROWS, _COLUMNS = 256, 400  # of a spectrum; larger ones are averaged
_DEEPEST = -100  # dB below the loudest, where the spectrum's colours end

Numbers = np.ndarray[Any, np.dtype[np.floating[Any]]]


def waveform(stages: Trace, front_end: FrontEnd) -> go.Figure:
    """Samples over seconds; the window that is looked at closer is shaded."""
    samples = stages.samples.numpy()
    begins = stages.start - front_end.n_fft / 2 / front_end.sample_rate
    step = max(1, len(samples) // _POINTS)
    edges = np.arange(0, len(samples), step)
    both = np.stack(
        [np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)], axis=1
    )
    figure = go.Figure(
        go.Scatter(
            x=np.repeat(begins + edges / front_end.sample_rate, 2),
            y=both.reshape(-1),
            mode="lines",
            line={"color": _LINE, "width": 1},
            hovertemplate="%{x:.2f} s: %{y:.3f}<extra></extra>",
        )
    )
    left = begins + loudest_frame(stages) * front_end.hop_seconds
    right = left + front_end.n_fft / front_end.sample_rate
    figure.add_vrect(x0=left, x1=right, fillcolor=_ACCENT, opacity=0.3, line_width=0)
    figure.update_layout(**layout("The segment's wave", 250))
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False)
    limit = max(1e-3, float(np.abs(samples).max())) * 1.05
    figure.update_yaxes(title="Air pressure (full scale = 1)", range=[-limit, limit])
    return figure


def window(stages: Trace, front_end: FrontEnd) -> go.Figure:
    """One frame: its samples, faded in and out by the window; below, its spectrum."""
    frame = loudest_frame(stages)
    samples, shape = windowed_frame(stages, front_end, frame)
    step = max(1, len(samples) // 512)
    milliseconds = 1000 * np.arange(len(samples)) / front_end.sample_rate
    figure = make_subplots(
        2, 1, vertical_spacing=0.3, subplot_titles=["One window of sound", "The frequencies in it"]
    )
    top = float(np.abs(samples).max()) or 1.0
    figure.add_scatter(
        x=milliseconds[::step],
        y=samples[::step],
        mode="lines",
        line={"color": "#8a8f98", "width": 1},
        opacity=0.6,
        name="sound",
        hoverinfo="skip",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=milliseconds[::step],
        y=(samples * shape)[::step],
        mode="lines",
        line={"color": _LINE, "width": 1.5},
        name="faded in and out",
        hovertemplate="%{x:.0f} ms: %{y:.3f}<extra></extra>",
        row=1,
        col=1,
    )
    figure.add_scatter(
        x=milliseconds[::step],
        y=top * shape[::step],
        mode="lines",
        line={"color": _ACCENT, "width": 1.5, "dash": "dot"},
        name="window",
        hoverinfo="skip",
        row=1,
        col=1,
    )
    decibels = _decibels(stages.power[:, frame].numpy())
    hertz = np.arange(len(decibels)) * front_end.sample_rate / front_end.n_fft
    figure.add_scatter(
        x=hertz[1:],
        y=decibels[1:],
        mode="lines",
        line={"color": _LINE, "width": 1},
        showlegend=False,
        hovertemplate="%{x:.0f} Hz: %{y:.0f} dB<extra></extra>",
        row=2,
        col=1,
    )
    figure.update_layout(height=400, margin={"l": 8, "r": 8, "t": 32, "b": 8}, showlegend=False)
    figure.update_annotations(x=0, xanchor="left", font={"size": 15})
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title="ms", row=1, col=1)
    figure.update_xaxes(
        title="Frequency (Hz)",
        type="log",
        tickvals=[50, 100, 250, 500, 1000, 2500, 5000, 10_000],
        ticktext=["50", "100", "250", "500", "1k", "2.5k", "5k", "10k"],
        row=2,
        col=1,
    )
    figure.update_yaxes(title="dB", row=2, col=1)
    return figure


def stft(stages: Trace, front_end: FrontEnd) -> go.Figure:
    """STFT power in dB below its loudest over seconds and, evenly spaced, Hz."""
    power = stages.power.numpy()
    rows, row_step = _blocks(power.shape[0], _ROWS)
    columns, column_step = _blocks(power.shape[1], _COLUMNS)
    shown = np.maximum.reduceat(np.maximum.reduceat(power, rows, axis=0), columns, axis=1)
    hertz = (rows + (row_step - 1) / 2) * front_end.sample_rate / front_end.n_fft
    figure = go.Figure(
        go.Heatmap(
            z=np.round(_decibels(shown)).astype(np.int8),
            x=stages.start + (columns + (column_step - 1) / 2) * front_end.hop_seconds,
            y=hertz / 1000,
            colorscale=MAGMA,
            colorbar={"title": {"text": "dB"}} | COLOUR_BAR,
            hovertemplate="%{x:.2f} s · %{y:.2f} kHz · %{z:.0f} dB<extra></extra>",
        )
    )
    figure.update_layout(**layout("Spectrum of every window", 360))
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False)
    figure.update_yaxes(title="Frequency (kHz)", showgrid=False)
    return figure


def mel_filter_bank(front_end: FrontEnd, every: int = 8) -> go.Figure:
    """The mel filter bank over Hz: all triangles thin, every eighth strong."""
    weights: Numbers = mel_transform(front_end).mel_scale.fb.T.numpy()  # [M, K]
    hertz = np.arange(weights.shape[1]) * front_end.sample_rate / front_end.n_fft / 1000
    figure = go.Figure()
    strong = set(range(every // 2, len(weights), every))
    for chosen, style in (
        (False, {"color": "#8a8f98", "width": 1}),
        (True, {"color": _ACCENT, "width": 2}),
    ):
        x: list[float | None] = []
        y: list[float | None] = []
        for band, row in enumerate(weights):
            here = np.flatnonzero(row)
            if (band in strong) != chosen or not len(here):
                continue
            reach = slice(max(0, here[0] - 1), here[-1] + 2)
            x += [*hertz[reach].tolist(), None]
            y += [*row[reach].tolist(), None]
        figure.add_scatter(
            x=x, y=y, mode="lines", line=style, opacity=1.0 if chosen else 0.4, hoverinfo="skip"
        )
    figure.update_layout(
        **layout(f"{len(weights)} mel filters, every {every}th drawn strong", 260), showlegend=False
    )
    figure.update_xaxes(title="Frequency (kHz)", showgrid=False, zeroline=False)
    figure.update_yaxes(title="Weight", rangemode="tozero")
    return figure


def mel_power(stages: Trace, front_end: FrontEnd) -> go.Figure:
    """Mel power before decibels, in percent of this segment's loudest value."""
    loudest = float(stages.mel.max()) or 1.0
    picture = heatmap(100 * stages.mel.numpy() / loudest, front_end, stages.start)
    picture.update(
        colorscale=MAGMA,
        colorbar={"title": {"text": "%"}} | COLOUR_BAR,
        hovertemplate="%{x:.1f} s · %{y} · %{z} % of the loudest<extra></extra>",
    )
    return _mel_layout(go.Figure(picture), front_end, "Power in each band, before decibels")


def log_mel(stages: Trace, front_end: FrontEnd) -> go.Figure:
    """The same in decibels, on the track's scale."""
    picture = heatmap(stages.db.numpy(), front_end, stages.start)
    picture.update(colorscale=MAGMA, colorbar={"title": {"text": "dB"}} | COLOUR_BAR)
    if (floor := front_end.floor) is not None:
        picture.update(zmin=floor, zmax=0)
    return _mel_layout(go.Figure(picture), front_end, "The same in decibels")


def segment_in_track(
    overview: go.Heatmap, stages: Trace, front_end: FrontEnd, seconds: float
) -> go.Figure:
    """The whole track (crnn.viz.mel.heatmap of it) with this segment framed."""
    figure = go.Figure(overview).update_traces(
        colorscale=MAGMA, colorbar={"title": {"text": "dB"}} | COLOUR_BAR
    )
    left = stages.start - front_end.hop_seconds / 2
    right = left + min(stages.segment.shape[2] * front_end.hop_seconds, seconds)
    figure.add_shape(
        type="rect",
        x0=left,
        x1=right,
        y0=-0.5,
        y1=front_end.n_mels - 0.5,
        line={"color": "#ffffff", "width": 3},
    )
    return _mel_layout(figure, front_end, "The segment in its track")


def _mel_layout(figure: go.Figure, front_end: FrontEnd, title: str) -> go.Figure:
    figure.update_layout(**layout(title, 300))
    figure.update_xaxes(title="Time (s)", showgrid=False, zeroline=False)
    figure.update_yaxes(**frequency_axis(front_end, gap=9))
    return figure


def layout(title: str, height: int) -> dict[str, Any]:
    """A title, a height in pixels, narrow margins."""
    return {"title": title, "height": height, "margin": {"l": 8, "r": 8, "t": 44, "b": 8}}


def _decibels(power: Numbers) -> Numbers:
    """dB below the loudest value, no lower than −100; silence is −100 everywhere."""
    loudest = float(power.max())
    if loudest <= 0:
        return np.full(power.shape, float(_DEEPEST))
    return np.asarray(10 * np.log10(np.maximum(power / loudest, 10 ** (_DEEPEST / 10))))


def _blocks(count: int, most: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
    """Where blocks begin that bring `count` down to at most `most`, and how long they are."""
    step = -(-count // most)
    return np.arange(0, count, step), step
