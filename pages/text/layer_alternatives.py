"""The pictures of crnn.viz.trace in sentences, for those who don't see them, with the numbers that a glance would give."""

import numpy as np

from crnn import format
from crnn.audio.front_end import FrontEnd
from crnn.explain.trace import Trace, loudest_frame
from pages.text import predictions


def wave(stages: Trace, front_end: FrontEnd) -> str:
    peak = float(stages.samples.abs().max())
    return (
        f"Waveform of {len(stages.samples) / front_end.sample_rate:.1f} seconds from {max(0.0, stages.start):.1f} s on; its "
        f"loudest sample reaches {peak:.2f} of full scale."
    )


def window(stages: Trace, front_end: FrontEnd) -> str:
    power = stages.power[1:, loudest_frame(stages)]
    if not bool(power.max() > 0):
        return "A window of the sound and its spectrum: silence."
    hertz = (int(power.argmax()) + 1) * front_end.sample_rate / front_end.n_fft
    return f"The segment's loudest window, faded in and out, and its spectrum, which is strongest at {hertz:.0f} Hz."


def spectrum(stages: Trace, front_end: FrontEnd) -> str:
    rows, columns = stages.power.shape
    top = front_end.sample_rate / 2000
    return f"Spectrogram of {rows} frequencies up to {top:.0f} kHz by {columns} windows, bright where loud."


def bank(front_end: FrontEnd) -> str:
    return (
        f"{front_end.n_mels} overlapping triangles from 0 to {front_end.sample_rate / 2000:.0f} kHz: narrow and close together at "
        "low frequencies, ever wider towards high ones."
    )


def mel_power(stages: Trace) -> str:
    loudest = float(stages.mel.max()) or 1.0
    dark = float((stages.mel < 0.01 * loudest).float().mean())
    return f"Power in each mel band before decibels: {format.percent(dark)} of the picture have under 1 % of the loudest."


def mel_decibels(stages: Trace, front_end: FrontEnd) -> str:
    if float(stages.db.max()) == float(stages.db.min()):
        return "Mel spectrogram of the segment: silence, the same everywhere."
    return predictions.describe_spectrogram(stages.db.numpy(), front_end)


def place(stages: Trace, seconds: float, segment_seconds: float) -> str:
    end = min(seconds, stages.start + segment_seconds)
    return f"Mel spectrogram of the whole track of {seconds:.1f} s; the segment from {stages.start:.1f} to {end:.1f} s is framed."


def maps(stages: Trace, layer: int) -> str:
    pictures = stages.maps[layer - 1] if layer else stages.normalised
    count, bands, steps = pictures.shape
    what = (
        f"{count} feature maps of {bands} × {steps} cells after layer {layer}"
        if layer
        else "The network's input, normalised"
    )
    strongest = int(pictures.std(dim=(1, 2), correction=0).argmax())
    most = f"; map {strongest} varies most" if layer else ""
    return f"{what}: values from {float(pictures.min()):.1f} to {float(pictures.max()):.1f}{most}."


def states(stages: Trace) -> str:
    steps, hidden = stages.states.shape
    said = f"Heat map of {hidden} memory cells over {steps} steps, values between −1 and 1."
    if stages.attention is not None:
        said += f" Step {int(stages.attention.argmax()) + 1} counts most, {format.percent(float(stages.attention.max()))}."
    return said


def logits(stages: Trace, labels: tuple[str, ...]) -> str:
    values = stages.logits.tolist()
    return "Logits: " + ", ".join(f"{labels[i]} {values[i]:+.2f}" for i in np.argsort(values)[::-1])


def probabilities(stages: Trace, labels: tuple[str, ...], k: int | None = None) -> str:
    """The segment's shares, likeliest first; of the k likeliest."""
    order = np.argsort(-stages.probabilities, kind="stable")[:k]
    return ", ".join(f"{labels[i]} {format.percent(float(stages.probabilities[i]))}" for i in order)
