"""Figures of one segment on its way through the network (crnn.explain.trace), from waveform to probabilities."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crnn.audio.front_end import FrontEnd
from crnn.audio.mel import mel_transform
from crnn.explain.trace import Trace, loudest_frame, step_seconds, windowed_frame
from crnn.labels import display
from crnn.model.checkpoint import Checkpoint
from crnn.viz.mel import heatmap, in_magma, mel_figure
from crnn.viz.theme import (
    ACCENT,
    DIVERGING,
    GREY,
    OUTLINE,
    Numbers,
    colour_bar,
    finish,
    probability_axis,
    probability_bars,
    time_axis,
)

_LINE = "#7a5fa8"
_POINTS = 600  # of a waveform; each is the lowest and the highest sample of its stretch
_ROWS, _COLUMNS = 256, 400  # of an STFT; larger ones are thinned out
_MIN_DB = -100  # below the loudest, where the STFT's colours end
_MAX_MAPS = 32
_MAX_CELLS = 60_000  # of all feature maps: what a browser draws at once


def waveform(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """Samples over seconds; the frame that `window` shows is shaded."""
    samples = trace.samples.numpy()
    begin = trace.start - front_end.n_fft / 2 / front_end.sample_rate
    edges = np.arange(0, len(samples), max(1, len(samples) // _POINTS))
    extremes = [f.reduceat(samples, edges) for f in (np.minimum, np.maximum)]
    figure = go.Figure(
        go.Scatter(
            x=np.repeat(begin + edges / front_end.sample_rate, 2),
            y=np.stack(extremes, axis=1).reshape(-1),
            mode="lines",
            line={"color": _LINE, "width": 1},
            hovertemplate="%{x:.2f} s: %{y:.3f}<extra></extra>",
        )
    )
    left = begin + loudest_frame(trace) * front_end.hop_seconds
    right = left + front_end.n_fft / front_end.sample_rate
    figure.add_vrect(x0=left, x1=right, fillcolor=ACCENT, opacity=0.3, line_width=0)
    finish(figure, "Waveform of the segment", 250, y="Air pressure (full scale = 1)")
    time_axis(figure)
    limit = max(1e-3, float(np.abs(samples).max())) * 1.05
    return figure.update_yaxes(range=[-limit, limit])


def window(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """The loudest frame: its samples times the window; below, its spectrum."""
    frame = loudest_frame(trace)
    samples, shape = windowed_frame(trace, front_end, frame)
    step = max(1, len(samples) // 512)
    milliseconds = 1000 * np.arange(len(samples)) / front_end.sample_rate
    figure = make_subplots(
        2, 1, vertical_spacing=0.3, subplot_titles=["One window of sound", "Its spectrum"]
    )
    peak = float(np.abs(samples).max()) or 1.0
    for name, values, line in (
        ("sound", samples, {"color": GREY, "width": 1}),
        ("windowed sound", samples * shape, {"color": _LINE, "width": 1.5}),
        ("window", peak * shape, {"color": ACCENT, "width": 1.5, "dash": "dot"}),
    ):
        figure.add_scatter(
            x=milliseconds[::step],
            y=values[::step],
            mode="lines",
            line=line,
            opacity=0.6 if name == "sound" else 1,
            name=name,
            hovertemplate="%{x:.0f} ms: %{y:.3f}",
            row=1,
            col=1,
        )
    decibels = _decibels(trace.power[:, frame].numpy())
    hertz = np.arange(len(decibels)) * front_end.sample_rate / front_end.n_fft
    figure.add_scatter(
        x=hertz[1:],
        y=decibels[1:],
        mode="lines",
        line={"color": _LINE, "width": 1},
        hovertemplate="%{x:.0f} Hz: %{y:.0f} dB<extra></extra>",
        row=2,
        col=1,
    )
    finish(figure, None, 400, top=32, showlegend=False)
    figure.update_annotations(x=0, xanchor="left", font={"size": 15})
    figure.update_xaxes(showgrid=False)
    figure.update_xaxes(title="ms", row=1, col=1)
    ticks = [50, 100, 250, 500, 1000, 2500, 5000, 10_000]
    texts = ["50", "100", "250", "500", "1k", "2.5k", "5k", "10k"]
    log = {"type": "log", "tickvals": ticks, "ticktext": texts}
    figure.update_xaxes(title="Frequency (Hz)", row=2, col=1, **log)
    return figure.update_yaxes(title="dB", row=2, col=1)


def stft(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """STFT power in dB below its loudest over seconds and, evenly spaced, Hz."""
    power = trace.power.numpy()
    (rows, height), (columns, width) = (
        _blocks(size, limit) for size, limit in zip(power.shape, (_ROWS, _COLUMNS), strict=True)
    )
    shown = np.maximum.reduceat(np.maximum.reduceat(power, rows, axis=0), columns, axis=1)
    hertz = (rows + (height - 1) / 2) * front_end.sample_rate / front_end.n_fft
    picture = go.Heatmap(
        z=np.round(_decibels(shown)).astype(np.int8),
        x=trace.start + (columns + (width - 1) / 2) * front_end.hop_seconds,
        y=hertz / 1000,
        hovertemplate="%{x:.2f} s · %{y:.2f} kHz · %{z:.0f} dB<extra></extra>",
    )
    figure = go.Figure(in_magma(picture))
    finish(figure, "Short-time Fourier transform (STFT)", 360, y="Frequency (kHz)")
    time_axis(figure)
    return figure.update_yaxes(showgrid=False)


def mel_filter_bank(front_end: FrontEnd, every: int = 8) -> go.Figure:
    """The mel filter bank over Hz: all triangles thin, every eighth highlighted."""
    weights: Numbers = mel_transform(front_end).mel_scale.fb.T.numpy()  # [M, K]
    kilohertz = np.arange(weights.shape[1]) * front_end.sample_rate / front_end.n_fft / 1000
    highlighted = np.arange(len(weights)) % every == every // 2
    figure = go.Figure()
    for rows, opacity, line in (
        (weights[~highlighted], 0.4, {"color": GREY, "width": 1}),
        (weights[highlighted], 1.0, {"color": ACCENT, "width": 2}),
    ):
        x: list[float | None] = []
        y: list[float | None] = []
        for row in rows:
            here = np.flatnonzero(row)
            if len(here):
                reach = slice(max(0, here[0] - 1), here[-1] + 2)
                x += [*kilohertz[reach].tolist(), None]
                y += [*row[reach].tolist(), None]
        figure.add_scatter(x=x, y=y, mode="lines", line=line, opacity=opacity, hoverinfo="skip")
    title = f"{len(weights)} mel filters, every {every}th highlighted"
    finish(figure, title, 260, x="Frequency (kHz)", y="Weight", showlegend=False)
    figure.update_xaxes(showgrid=False)
    return figure.update_yaxes(rangemode="tozero")


def mel_power(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """Mel power before decibels, in percent of this segment's loudest value."""
    loudest = float(trace.mel.max()) or 1.0
    picture = in_magma(heatmap(100 * trace.mel.numpy() / loudest, front_end, trace.start), "%")
    picture.update(hovertemplate="%{x:.1f} s · %{y} · %{z}% of the loudest<extra></extra>")
    return mel_figure(picture, front_end, "Power per mel band", gap=9)


def log_mel(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """The same in decibels, on the track's scale."""
    picture = in_magma(heatmap(trace.db.numpy(), front_end, trace.start))
    if (floor := front_end.floor) is not None:
        picture.update(zmin=floor, zmax=0)
    return mel_figure(picture, front_end, "Log-mel spectrogram", gap=9)


def segment_in_track(
    overview: go.Heatmap, trace: Trace, front_end: FrontEnd, seconds: float
) -> go.Figure:
    """The whole track (crnn.viz.mel.heatmap of it), which lasts so many seconds, with this segment framed."""
    figure = mel_figure(
        in_magma(go.Heatmap(overview)), front_end, "Segment within the track", gap=9
    )
    left = trace.start - front_end.hop_seconds / 2
    right = left + min(trace.segment.shape[2] * front_end.hop_seconds, seconds)
    return figure.add_shape(
        type="rect",
        x0=left,
        x1=right,
        y0=-0.5,
        y1=front_end.n_mels - 0.5,
        line={"color": OUTLINE, "width": 3},
    )


def _decibels(power: Numbers) -> Numbers:
    """dB below the loudest value, no lower than −100; silence is −100 everywhere."""
    loudest = float(power.max()) or 1.0
    return np.asarray(10 * np.log10(np.maximum(power / loudest, 10 ** (_MIN_DB / 10))))


def _blocks(count: int, limit: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
    """Where blocks begin that bring `count` down to at most `limit`, and how long they are."""
    step = -(-count // limit)
    return np.arange(0, count, step), step


def feature_maps(trace: Trace, layer: int, most_varied: bool, front_end: FrontEnd) -> go.Figure:
    """A layer's maps side by side on one colour scale; layer 0 is the network's normalised input.

    Where one row of cells is left of each map, all are stacked, one line each. most_varied: in order of their deviation.
    """
    maps = _maps(trace, layer)
    shown = selected_maps(trace, layer, most_varied)
    count, bands, steps = maps.shape
    limit = float(np.quantile(np.abs(maps), 0.995)) or 1.0
    if bands > 1:
        z, numbers = _mosaic(maps, shown)
        x, hover = None, "map %{customdata}: %{z:.2f}<extra></extra>"
        title = f"Input: {bands} × {steps}"
        if layer:
            title = f"Layer {layer}: {len(shown)} of {count} maps of {bands} × {steps}"
    else:
        z, numbers = maps[shown, 0], np.repeat(shown[:, None], steps, axis=1)
        x, hover = (
            _moments(trace, steps, front_end),
            "map %{customdata} · %{x:.2f} s: %{z:.2f}<extra></extra>",
        )
        title = f"Layer {layer}: {count} maps of 1 × {steps}, one per line"
    figure = go.Figure(
        go.Heatmap(
            z=z,
            x=x,
            customdata=numbers,
            colorscale=DIVERGING,
            zmin=-limit,
            zmax=limit,
            colorbar=colour_bar("value"),
            hovertemplate=hover,
        )
    )
    finish(figure, title, 430)
    if bands > 1:
        return figure.update_xaxes(visible=False).update_yaxes(visible=False)
    time_axis(figure)
    return figure.update_yaxes(title="Map", showgrid=False, autorange="reversed")


def _maps(trace: Trace, layer: int) -> Numbers:
    """[C, M', W'] of a layer, or of the input."""
    return (trace.maps[layer - 1] if layer else trace.normalised).numpy()


def _moments(trace: Trace, steps: int, front_end: FrontEnd) -> Numbers:
    """The middle of each time step of a layer, in seconds."""
    seconds = trace.segment.shape[2] * front_end.hop_seconds / steps
    return trace.start - front_end.hop_seconds / 2 + (np.arange(steps) + 0.5) * seconds


def selected_maps(
    trace: Trace, layer: int, most_varied: bool
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of the maps that are shown: all where each is one line, else the first or most varied 32, or fewer large ones."""
    maps = _maps(trace, layer)
    count, bands, steps = maps.shape
    order = np.arange(count)
    if most_varied:
        order = np.argsort(-maps.std(axis=(1, 2)), kind="stable")
    return order[: count if bands == 1 else max(1, min(_MAX_MAPS, _MAX_CELLS // (bands * steps)))]


def _mosaic(maps: Numbers, shown: np.ndarray[Any, Any]) -> tuple[Numbers, np.ndarray[Any, Any]]:
    """Maps in a grid, low frequencies at the bottom of each, empty lines between; and the number of the map in each cell."""
    _, bands, steps = maps.shape
    across = min(len(shown), 8)
    down = math.ceil(len(shown) / across)
    gap_x, gap_y = max(1, round(0.06 * steps)), max(1, round(0.06 * bands))
    size = (down * (bands + gap_y) - gap_y, across * (steps + gap_x) - gap_x)
    tiles = np.full(size, np.nan, dtype=np.float32)
    numbers = np.zeros(size, dtype=np.uint8 if len(maps) <= 256 else np.uint16)
    for position, number in enumerate(shown):
        row, column = divmod(position, across)
        y, x = (down - 1 - row) * (bands + gap_y), column * (steps + gap_x)
        tiles[y : y + bands, x : x + steps] = maps[number]
        numbers[y : y + bands, x : x + steps] = number
    return tiles, numbers


def hidden_states(trace: Trace, checkpoint: Checkpoint) -> go.Figure:
    """The upper GRU's state after each step, [H, W'] over seconds; above, the weights of an attention readout."""
    front_end, config = checkpoint.front_end, checkpoint.model.config
    seconds = step_seconds(front_end, config)
    x = trace.start - front_end.hop_seconds / 2 + (np.arange(len(trace.states)) + 0.5) * seconds
    weights = trace.attention
    rows = 1 if weights is None else 2
    figure = make_subplots(
        rows, 1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.2, 0.8][-rows:]
    )
    finish(figure, "Hidden state over time", 430, showlegend=False)
    if weights is not None:
        figure.add_bar(
            x=x,
            y=100 * weights.numpy(),
            marker={"color": ACCENT},
            hovertemplate="%{x:.2f} s: %{y:.0f}%<extra></extra>",
            row=1,
            col=1,
        )
        figure.update_yaxes(title="Weight (%)", row=1, col=1)
    states = go.Heatmap(
        z=trace.states.T.numpy(),
        x=x,
        colorscale=DIVERGING,
        zmin=-1,
        zmax=1,
        colorbar=colour_bar("value"),
        hovertemplate="%{x:.2f} s · unit %{y}: %{z:.2f}<extra></extra>",
    )
    figure.add_trace(states, rows, 1)
    if config.bidirectional:
        figure.add_hline(y=config.gru - 0.5, line={"color": GREY, "dash": "dot"})
    figure.update_xaxes(showgrid=False)
    time_axis(figure, row=rows, col=1)
    return figure.update_yaxes(title="Unit", showgrid=False, row=rows, col=1)


def logits(trace: Trace, labels: tuple[str, ...]) -> go.Figure:
    """A bar per class, the highest on top."""
    values = dict(zip(labels, trace.logits.tolist(), strict=True))
    order = sorted(labels, key=values.__getitem__)
    text = [f"{values[label]:+.2f}".replace("-", "−") for label in order]
    bars = probability_bars(values, order, text=text, hovertemplate="%{y}: %{text}<extra></extra>")
    figure = go.Figure(bars.update(x=[values[label] for label in order]))
    finish(figure, "Logits", 110 + 26 * len(labels), x="Logit")
    low, high = min(0.0, *values.values()), max(0.0, *values.values())
    room = 0.18 * max(1e-6, high - low)
    return figure.update_xaxes(range=[low - (room if low < 0 else 0), high + room])


def probabilities(trace: Trace, labels: tuple[str, ...]) -> go.Figure:
    """Softmax of the logits divided by the temperature, in percent."""
    values = dict(zip(labels, trace.probabilities.tolist(), strict=True))
    order = sorted(labels, key=values.__getitem__)
    text = [f"{100 * values[label]:.1f}%" for label in order]
    figure = go.Figure(probability_bars(values, order, text=text))
    finish(figure, "Prediction for this segment", 110 + 26 * len(labels))
    probability_axis(figure, values.values(), room=1.18)
    return figure


def probability_table(trace: Trace, labels: tuple[str, ...]) -> list[dict[str, str | float]]:
    """One row per class, the most probable first: logit z, z / T for the temperature T, its exponential, the probability."""
    return [
        {
            "Class": display(labels[i]),
            "Logit z": round(float(trace.logits[i]), 4),
            "z / T": round(float(trace.scaled[i]), 4),
            "e^(z/T)": round(math.exp(min(700.0, float(trace.scaled[i]))), 4),
            "Probability (%)": round(100 * float(trace.probabilities[i]), 2),
        }
        for i in np.argsort(-trace.probabilities, kind="stable")
    ]
