"""The ten steps of "How it works" with this track's numbers, and their figures in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crnn import audio, explain
from crnn.format import percent
from crnn.labels import display
from pages.text import content, predictions

if TYPE_CHECKING:
    from crnn.audio.front_end import FrontEnd
    from crnn.explain.trace import Trace
    from crnn.model.checkpoint import Checkpoint


@dataclass(frozen=True)
class Stage:
    """One step: Markdown and LaTeX (formula, shape); code: functions to show, by full name."""

    title: str
    idea: str
    formula: str
    symbols: str
    shape: str
    code: str
    caption: str = ""


def stages(trace: Trace, checkpoint: Checkpoint, n_frames: int) -> dict[str, Stage]:
    """All steps in order, for a segment of a track of n_frames frames."""
    values, choices = _values(trace, checkpoint, n_frames), _choices(trace, checkpoint)
    return {
        name: Stage(**content.fill(entry, values, choices))
        for name, entry in content.load("stages").items()
    }


def size(shape: tuple[int, ...]) -> str:
    """1025 × 39; thousands are separated from 10,000 on."""
    return " × ".join(f"{n:,}" if n > 9999 else str(n) for n in shape)


def _tex(shape: tuple[int, ...]) -> str:
    return size(shape).replace("×", r"\times").replace(",", "{,}")


def _values(trace: Trace, checkpoint: Checkpoint, n_frames: int) -> dict[str, Any]:
    front_end, config = checkpoint.front_end, checkpoint.model.config
    shapes = trace.shapes()
    rate, hop, segments = front_end.sample_rate, front_end.hop_length, trace.segments
    step = segments.starts[1] - segments.starts[0] if len(segments.starts) > 1 else 0
    maps = [f"map {layer}" for layer in range(1, len(config.channels) + 1)]
    inputs = rf"&\text{{input: }} && 1 \times {_tex((config.n_mels, config.frames))}"
    outputs = (
        rf"&\text{{layer {number}: }} && {_tex(shapes[name])}"
        for number, name in enumerate(maps, 1)
    )
    mean, deviation = _input_scale(checkpoint.model.normalise)
    floor = audio.mel.power_to_db(
        trace.mel * 0, front_end, trace.mel.new_tensor(trace.loudest)
    ).max()
    clipped = float((trace.db <= floor).float().mean())
    return {
        "rate": size((rate,)),
        "hop": hop,
        "n_fft": front_end.n_fft,
        "frames": shapes["power"][1],
        "samples_shape": _tex(shapes["samples"]),
        "window_ms": f"{1000 * front_end.n_fft / rate:.0f}",
        "hop_ms": f"{1000 * front_end.hop_seconds:.0f}",
        "frame_ms": f"{1000 * front_end.hop_seconds:.1f}",
        "bin_hz": f"{rate / front_end.n_fft:.1f}",
        "hop_ratio": f"{hop / 512:.1f}",
        "power_shape": _tex(shapes["power"]),
        "bands": shapes["mel"][0],
        "rows": shapes["power"][0],
        "top_khz": f"{rate / 2000:g}",
        "mel_shape": _tex(shapes["mel"]),
        "top_db": f"{front_end.top_db:g}",
        "clipped": percent(clipped) if clipped else "nothing",
        "peak_power": f"{trace.loudest:.0f}" if trace.loudest >= 100 else f"{trace.loudest:.3g}",
        "reference_power": front_end.reference,
        "seconds": f"{checkpoint.segment_seconds:g}",
        "n_frames": n_frames,
        "width": segments.width,
        "step": step,
        "step_seconds": f"{step * front_end.hop_seconds:.1f}",
        "position": trace.number + 1,
        "count": len(segments.starts),
        "layers": len(maps),
        "map_shapes": r" \\ ".join([inputs, *outputs]),
        "pools": ", ".join(size(pool) for pool in config.pools),
        "mean_db": f"{mean:.1f}".replace("-", "−"),
        "deviation_db": f"{deviation:.1f}",
        "column_seconds": f"{explain.trace.step_seconds(front_end, config):.2f}",
        "last_map_shape": _tex(shapes[maps[-1]]),
        "states_shape": _tex(shapes["states"]),
        "hidden": shapes["embedding"][0],
        "classes": len(checkpoint.labels),
        "temperature": f"{checkpoint.temperature:g}",
        "log_bias": _log_bias(checkpoint),
        "weight": f"{100 * segments.weights[trace.number]:.1f}",
    }


def _log_bias(checkpoint: Checkpoint) -> str:
    if not checkpoint.log_bias:
        return "0 here"
    biases = zip(checkpoint.labels, checkpoint.log_bias, strict=True)
    signed = [(label, f"{bias:+.2f}".replace("-", "−")) for label, bias in biases]
    listed = ", ".join(f"{display(label)} {bias}" for label, bias in signed)
    return f"so that rare classes are not overlooked ({listed})"


def _choices(trace: Trace, checkpoint: Checkpoint) -> dict[str, Any]:
    front_end, config, temperature = (
        checkpoint.front_end,
        checkpoint.model.config,
        checkpoint.temperature,
    )
    kind = "one" if len(trace.segments.starts) == 1 else "several"
    length = f"{kind}_repeated" if trace.segments.repeated else kind
    readout = "both" if config.readout == "last" and config.bidirectional else config.readout
    return {
        **dict.fromkeys(("downmix", "peaks", "normalise"), front_end.downmix),
        **dict.fromkeys(("segments", "size"), length),
        "average": kind,
        **dict.fromkeys(("pool", "pool_formula"), config.pooling),
        **dict.fromkeys(("activation", "activation_formula", "activation_code"), config.activation),
        **dict.fromkeys(("readout", "readout_formula"), readout),
        "paper": front_end == audio.front_end.GTZAN_FRONT_END,
        "scale": front_end.mel_scale,
        "area": front_end.norm,
        "reference": "max" if front_end.reference == "max" else "fixed",
        "effect": "none" if temperature == 1 else "sharper" if temperature < 1 else "softer",
    }


def _input_scale(normalise: Any) -> tuple[float, float]:
    """The level in dB that batch normalisation maps to 0, and how many dB more it maps to 1."""
    deviation = (normalise.running_var + normalise.eps).sqrt() / normalise.weight.detach()
    mean = normalise.running_mean - normalise.bias.detach() * deviation
    return float(mean), float(deviation)


# Text alternatives of the figures, with the numbers that a glance would give.


def waveform_alt(trace: Trace, front_end: FrontEnd) -> str:
    seconds, peak = len(trace.samples) / front_end.sample_rate, float(trace.samples.abs().max())
    start = max(0.0, trace.start)
    return f"Waveform of {seconds:.1f} s from {start:.1f} s; its peak is {peak:.2f} of full scale."


def window_alt(trace: Trace, front_end: FrontEnd) -> str:
    power = trace.power[1:, explain.trace.loudest_frame(trace)]
    if not bool(power.max() > 0):
        return "One window of the signal and its spectrum: silence."
    hertz = (int(power.argmax()) + 1) * front_end.sample_rate / front_end.n_fft
    return f"The loudest window of the segment and its spectrum, which peaks at {hertz:.0f} Hz."


def stft_alt(trace: Trace, front_end: FrontEnd) -> str:
    rows, columns = trace.power.shape
    top = front_end.sample_rate / 2000
    return f"Spectrogram of {rows} frequencies up to {top:.0f} kHz by {columns} windows."


def mel_filter_bank_alt(front_end: FrontEnd) -> str:
    top = front_end.sample_rate / 2000
    return (
        f"{front_end.n_mels} overlapping triangles from 0 to {top:.0f} kHz: narrow and close "
        "together at low frequencies, ever wider towards high ones."
    )


def mel_power_alt(trace: Trace) -> str:
    dark = float((trace.mel < 0.01 * (float(trace.mel.max()) or 1.0)).float().mean())
    return f"Power in each mel band: {percent(dark)} of the values are below 1% of the peak."


def log_mel_alt(trace: Trace, front_end: FrontEnd) -> str:
    if float(trace.db.max()) == float(trace.db.min()):
        return "Mel spectrogram of the segment: silence, the same everywhere."
    return predictions.describe_spectrogram(trace.db.numpy(), front_end)


def segment_in_track_alt(trace: Trace, seconds: float, segment_seconds: float) -> str:
    end = min(seconds, trace.start + segment_seconds)
    return (
        f"Mel spectrogram of the whole track of {seconds:.1f} s; a frame marks the segment from "
        f"{trace.start:.1f} to {end:.1f} s."
    )


def feature_maps_alt(trace: Trace, layer: int) -> str:
    """Of a layer's output; layer 0 is the network's normalised input."""
    maps = trace.maps[layer - 1] if layer else trace.normalised
    count, bands, steps = maps.shape
    what = "The network's input after normalisation"
    if layer:
        what = f"{count} feature maps of {bands} × {steps} values after layer {layer}"
    varied = int(maps.std(dim=(1, 2), correction=0).argmax())
    most = f"; map {varied} varies most" if layer else ""
    return f"{what}: values from {float(maps.min()):.1f} to {float(maps.max()):.1f}{most}."


def hidden_states_alt(trace: Trace) -> str:
    steps, hidden = trace.states.shape
    text = f"Heat map of {hidden} hidden units over {steps} steps, values between −1 and 1."
    if trace.attention is None:
        return text
    step, weight = int(trace.attention.argmax()) + 1, float(trace.attention.max())
    return f"{text} Step {step} has the largest weight, {percent(weight)}."


def logits_alt(trace: Trace, labels: tuple[str, ...]) -> str:
    values = trace.logits.tolist()
    order = np.argsort(values)[::-1]
    return "Logits: " + ", ".join(f"{display(labels[i])} {values[i]:+.2f}" for i in order)


def probabilities_alt(trace: Trace, labels: tuple[str, ...], k: int | None = None) -> str:
    """The segment's probabilities, largest first; with k, the k largest."""
    order = np.argsort(-trace.probabilities, kind="stable")[:k]
    return ", ".join(
        f"{display(labels[i])} {percent(float(trace.probabilities[i]))}" for i in order
    )
