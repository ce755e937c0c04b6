"""Figures of one segment on its way from waveform to probabilities (crnn.explain.trace)."""

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
from crnn.viz import theme
from crnn.viz.mel import heatmap, in_magma, mel_figure
from crnn.viz.theme import ACCENT, GREY, Numbers, add_line, finish, probability_bars, time_axis

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
    y = np.stack([f.reduceat(samples, edges) for f in (np.minimum, np.maximum)], axis=1).ravel()
    figure = go.Figure()
    seconds = np.repeat(begin + edges / front_end.sample_rate, 2)
    add_line(figure, seconds, y, _LINE, 1, "%{x:.2f} s: %{y:.3f}<extra></extra>")
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
    milliseconds = 1000 * np.arange(len(samples))[::step] / front_end.sample_rate
    peak = float(np.abs(samples).max()) or 1.0
    titles = ["One window of sound", "Its spectrum"]
    figure = make_subplots(2, 1, vertical_spacing=0.3, subplot_titles=titles)
    top: dict[str, Any] = {"row": 1, "col": 1}
    bottom: dict[str, Any] = {"row": 2, "col": 1}
    hover = "%{x:.0f} ms: %{y:.3f}"
    add_line(figure, milliseconds, samples[::step], GREY, 1, name="sound", opacity=0.6, **top)
    windowed = (samples * shape)[::step]
    add_line(figure, milliseconds, windowed, _LINE, 1.5, hover, name="windowed sound", **top)
    add_line(figure, milliseconds, peak * shape[::step], ACCENT, 1.5, dash="dot", **top)
    decibels = _decibels(trace.power[:, frame].numpy())
    hertz = np.arange(len(decibels)) * front_end.sample_rate / front_end.n_fft
    hover = "%{x:.0f} Hz: %{y:.0f} dB<extra></extra>"
    add_line(figure, hertz[1:], decibels[1:], _LINE, 1, hover, **bottom)
    finish(figure, None, 400, top=32, showlegend=False)
    figure.update_annotations(x=0, xanchor="left", font={"size": 15})
    figure.update_xaxes(showgrid=False)
    figure.update_xaxes(title="ms", **top)
    ticks, texts = [50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4], "50 100 250 500 1k 2.5k 5k 10k"
    log = {"type": "log", "tickvals": ticks, "ticktext": texts.split()}
    figure.update_xaxes(title="Frequency (Hz)", **log | bottom)
    return figure.update_yaxes(title="dB", **bottom)


def stft(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """STFT power in dB below its loudest over seconds and, evenly spaced, Hz."""
    power = trace.power.numpy()
    height, width = (-(-n // most) for n, most in zip(power.shape, (_ROWS, _COLUMNS), strict=True))
    rows, columns = (np.arange(0, n, k) for n, k in zip(power.shape, (height, width), strict=True))
    shown = np.maximum.reduceat(np.maximum.reduceat(power, rows, axis=0), columns, axis=1)
    hertz = (rows + (height - 1) / 2) * front_end.sample_rate / front_end.n_fft
    cells = go.Heatmap(
        z=np.round(_decibels(shown)).astype(np.int8),
        x=trace.start + (columns + (width - 1) / 2) * front_end.hop_seconds,
        y=hertz / 1000,
        hovertemplate="%{x:.2f} s · %{y:.2f} kHz · %{z:.0f} dB<extra></extra>",
    )
    figure = go.Figure(in_magma(cells))
    finish(figure, "Short-time Fourier transform (STFT)", 360, y="Frequency (kHz)")
    time_axis(figure)
    return figure.update_yaxes(showgrid=False)


def mel_filter_bank(front_end: FrontEnd) -> go.Figure:
    """The mel filter bank over Hz: all triangles thin, every eighth highlighted."""
    weights: Numbers = mel_transform(front_end).mel_scale.fb.T.numpy()  # [M, K]
    kilohertz = np.arange(weights.shape[1]) * front_end.sample_rate / front_end.n_fft / 1000
    # Each triangle from its foot on one side to that on the other; NaN lifts the pen between two.
    feet = np.maximum.reduce([np.roll(weights, shift, axis=1) for shift in (-1, 0, 1)]) > 0
    rows = np.pad(np.where(feet, weights, np.nan), ((0, 0), (0, 1)), constant_values=np.nan)
    highlighted = np.arange(len(weights)) % 8 == 4
    figure = go.Figure()
    for shown, colour, width, opacity in (
        (rows[~highlighted], GREY, 1, 0.4),
        (rows[highlighted], ACCENT, 2, 1.0),
    ):
        x, y = np.tile([*kilohertz, np.nan], len(shown)), shown.ravel()
        once = ~np.isnan(y) | ~np.isnan(np.roll(y, 1))  # of neighbouring NaNs the first
        add_line(figure, x[once], y[once], colour, width, opacity=opacity)
    title = f"{len(weights)} mel filters, every 8th highlighted"
    finish(figure, title, 260, x="Frequency (kHz)", y="Weight", showlegend=False)
    figure.update_xaxes(showgrid=False)
    return figure.update_yaxes(rangemode="tozero")


def mel_power(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """Mel power before decibels, in percent of this segment's loudest value."""
    loudest = float(trace.mel.max()) or 1.0
    cells = in_magma(heatmap(100 * trace.mel.numpy() / loudest, front_end, trace.start), "%")
    cells.update(hovertemplate="%{x:.1f} s · %{y} · %{z}% of the loudest<extra></extra>")
    return mel_figure(cells, front_end, "Power per mel band", gap=9)


def log_mel(trace: Trace, front_end: FrontEnd) -> go.Figure:
    """The same in decibels, on the track's scale."""
    cells = in_magma(heatmap(trace.db.numpy(), front_end, trace.start))
    if (floor := front_end.floor) is not None:
        cells.update(zmin=floor, zmax=0)
    return mel_figure(cells, front_end, "Log-mel spectrogram", gap=9)


def segment_in_track(
    overview: go.Heatmap, trace: Trace, front_end: FrontEnd, seconds: float
) -> go.Figure:
    """The whole track with this segment framed.

    Args:
        overview: crnn.viz.mel.heatmap of the track.
        seconds: its length.
    """
    cells = in_magma(go.Heatmap(overview))
    figure = mel_figure(cells, front_end, "Segment within the track", gap=9)
    left = trace.start - front_end.hop_seconds / 2
    right = left + min(trace.segment.shape[2] * front_end.hop_seconds, seconds)
    line = {"color": theme.OUTLINE, "width": 3}
    return figure.add_shape(x0=left, x1=right, y0=-0.5, y1=front_end.n_mels - 0.5, line=line)


def _decibels(power: Numbers) -> Numbers:
    """dB below the loudest value, no lower than −100; silence is −100 everywhere."""
    loudest = float(power.max()) or 1.0
    return np.asarray(10 * np.log10(np.maximum(power / loudest, 10 ** (_MIN_DB / 10))))


def feature_maps(trace: Trace, layer: int, most_varied: bool, front_end: FrontEnd) -> go.Figure:
    """A layer's maps side by side on one colour scale; layer 0 is the network's normalised input.

    Where one row of cells is left of each map, all are stacked, one line each.
    """
    maps = _maps(trace, layer)
    shown = selected_maps(trace, layer, most_varied)
    count, bands, steps = maps.shape
    limit = float(np.quantile(np.abs(maps), 0.995)) or 1.0
    bar = theme.colour_bar("value")
    if bands == 1:
        numbers = np.repeat(shown[:, None], steps, axis=1)
        seconds = trace.segment.shape[2] * front_end.hop_seconds / steps
        x = _step_times(trace, steps, seconds, front_end)
        hover = "map %{customdata} · %{x:.2f} s: %{z:.2f}"
        cells = theme.diverging_heatmap(
            maps[shown, 0], limit, hover, x=x, customdata=numbers, colorbar=bar
        )
        title = f"Layer {layer}: {count} maps of 1 × {steps}, one per line"
        figure = finish(go.Figure(cells), title, 430)
        time_axis(figure)
        return figure.update_yaxes(title="Map", showgrid=False, autorange="reversed")
    tiles, numbers = _mosaic(maps, shown)
    hover = "map %{customdata}: %{z:.2f}"
    cells = theme.diverging_heatmap(tiles, limit, hover, customdata=numbers, colorbar=bar)
    title = f"Layer {layer}: {len(shown)} of {count} maps of" if layer else "Input:"
    figure = finish(go.Figure(cells), f"{title} {bands} × {steps}", 430)
    return figure.update_xaxes(visible=False).update_yaxes(visible=False)


def _maps(trace: Trace, layer: int) -> Numbers:
    """[C, M', W'] of a layer, or of the input."""
    maps: Numbers = (trace.maps[layer - 1] if layer else trace.normalised).numpy()
    return maps


def _step_times(trace: Trace, steps: int, seconds: float, front_end: FrontEnd) -> Numbers:
    """Middle of each of a layer's time steps of so many seconds."""
    return trace.start - front_end.hop_seconds / 2 + (np.arange(steps) + 0.5) * seconds


def selected_maps(
    trace: Trace, layer: int, most_varied: bool
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers of the maps to show: all where each is one line, else the first (most varied) 32."""
    maps = _maps(trace, layer)
    count, bands, steps = maps.shape
    order = np.arange(count)
    if most_varied:
        order = np.argsort(-maps.std(axis=(1, 2)), kind="stable")
    return order[: count if bands == 1 else max(1, min(_MAX_MAPS, _MAX_CELLS // (bands * steps)))]


def _mosaic(maps: Numbers, shown: np.ndarray[Any, Any]) -> tuple[Numbers, np.ndarray[Any, Any]]:
    """Maps in a grid, low frequencies at the bottom of each; and the map's number in each cell."""
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
    """The upper GRU's states [H, W'] over seconds; above them an attention readout's weights."""
    front_end, config, weights = checkpoint.front_end, checkpoint.model.config, trace.attention
    x = _step_times(trace, len(trace.states), step_seconds(front_end, config), front_end)
    rows = 1 if weights is None else 2
    figure = make_subplots(
        rows, 1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.2, 0.8][-rows:]
    )
    if weights is not None:
        hover, colour = "%{x:.2f} s: %{y:.0f}%<extra></extra>", {"color": ACCENT}
        figure.add_bar(x=x, y=100 * weights.numpy(), marker=colour, hovertemplate=hover)
        figure.update_yaxes(title="Weight (%)", row=1, col=1)
    hover, bar = "%{x:.2f} s · unit %{y}: %{z:.2f}", theme.colour_bar("value")
    states = theme.diverging_heatmap(trace.states.T.numpy(), 1, hover, x=x, colorbar=bar)
    figure.add_trace(states, rows, 1)
    if config.bidirectional:
        figure.add_hline(y=config.gru - 0.5, line={"color": GREY, "dash": "dot"})
    finish(figure, "Hidden state over time", 430, showlegend=False)
    figure.update_xaxes(showgrid=False)
    time_axis(figure, row=rows, col=1)
    return figure.update_yaxes(title="Unit", showgrid=False, row=rows, col=1)


def logits(trace: Trace, labels: tuple[str, ...]) -> go.Figure:
    """A bar per class, the highest on top."""
    values = dict(zip(labels, trace.logits.tolist(), strict=True))
    order = sorted(labels, key=values.__getitem__)
    x = [values[label] for label in order]
    text = [f"{value:+.2f}".replace("-", "−") for value in x]
    hover = "%{y}: %{text}<extra></extra>"
    figure = go.Figure(probability_bars(values, order, x=x, text=text, hovertemplate=hover))
    finish(figure, "Logits", 110 + 26 * len(labels), x="Logit")
    low, high = min(0.0, *x), max(0.0, *x)
    room = 0.18 * max(1e-6, high - low)
    return figure.update_xaxes(range=[low - (room if low < 0 else 0), high + room])


def probabilities(trace: Trace, labels: tuple[str, ...]) -> go.Figure:
    """Softmax of the scaled logits (`Checkpoint.scaled`), in percent."""
    values = dict(zip(labels, trace.probabilities.tolist(), strict=True))
    order = sorted(labels, key=values.__getitem__)
    text = [f"{100 * values[label]:.1f}%" for label in order]
    figure = go.Figure(probability_bars(values, order, text=text))
    finish(figure, "Prediction for this segment", 110 + 26 * len(labels))
    return theme.probability_axis(figure, values.values(), room=1.18)


def probability_table(trace: Trace, labels: tuple[str, ...]) -> list[dict[str, str | float]]:
    """One row per class, the most probable first, from logit to probability."""
    return [
        {
            "Class": display(labels[i]),
            "Logit z": round(float(trace.logits[i]), 4),
            "z / T + b": round(float(trace.scaled[i]), 4),
            "e^(z / T + b)": round(math.exp(min(700.0, float(trace.scaled[i]))), 4),
            "Probability (%)": round(100 * float(trace.probabilities[i]), 2),
        }
        for i in np.argsort(-trace.probabilities, kind="stable")
    ]
