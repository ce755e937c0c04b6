"""Augmentations made audible: the drawn seconds and Hz on the sound itself.

Never by inverting a mel spectrogram, whose phase is gone. Masks act on an STFT of the sound with its own phase; a warp is two
phase-vocoder stretches (Flanagan & Golden 1966, torchaudio's), so pitch stays; noise is mixed in.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd, band_frequencies, hz_to_mel, mel_to_hz
from crnn.audio.torchaudio_shim import torchaudio
from crnn.augment.plan import Piece, Plan, add_noise

_N_FFT, _HOP = 2048, 512

# Pieces join over so many seconds, fading from one into the next; without it every seam would click.
_FADE_SECONDS = 0.02

_MOST_GAIN = 4.0  # 12 dB


def render(samples: Tensor, draws: Plan, front_end: FrontEnd) -> Tensor:
    """The augmented sound, as loud as the original on average where 12 dB more are enough for that.

    Shape: [T] -> [T]; peaks may pass ±1, see `level`.
    """
    noisy = add_noise(samples, draws, front_end.sample_rate)
    out = torch.zeros_like(noisy)
    fade = max(1, round(_FADE_SECONDS * front_end.sample_rate))
    ramp = torch.linspace(0, 1, fade)
    for piece in draws.pieces:
        first = round(piece.start * front_end.sample_rate)
        last = min(len(noisy), round((piece.start + piece.seconds) * front_end.sample_rate))
        if piece is draws.pieces[-1]:
            last = len(noisy)
        if last <= first:
            continue
        tail = min(len(noisy), last + fade) - last
        sound = _piece(noisy[first : last + tail], last - first, piece, draws, front_end)
        if first and len(sound) >= fade:
            out[first : first + fade] = out[first : first + fade] * (1 - ramp) + sound[:fade] * ramp
            sound, first = sound[fade:], first + fade
        out[first : first + len(sound)] = sound
    return _as_loud_as(samples, out)


def _piece(sound: Tensor, length: int, piece: Piece, draws: Plan, front_end: FrontEnd) -> Tensor:
    """One piece [length + tail] with its warp and masks; the tail, which the next piece fades over, only follows along."""
    rate = front_end.sample_rate
    if (moved := draws.moved(piece)) is not None:
        point, goal = (round((moment - piece.start) * rate) for moment in moved)
        point, goal = (min(max(1, n), length - 1) for n in (point, goal))
        sound = _bent(sound, length, point, goal, round(_FADE_SECONDS * rate))
    bands, spans = draws.bands(piece), draws.span_seconds(piece)
    if not bands and not spans:
        return sound
    window = torch.hann_window(_N_FFT)
    spectrum = torch.stft(
        sound, _N_FFT, _HOP, window=window, return_complex=True, pad_mode="constant"
    )
    magnitude = spectrum.abs()
    # The mean of decibels is the geometric mean: what "mean" masks to is quieter than most of what sounds.
    prevent_clipping = (
        float(magnitude.clamp(min=1e-5).log().mean().exp())
        if draws.strengths.fill == "mean"
        else 0.0
    )
    masked = torch.zeros(spectrum.shape, dtype=torch.bool)
    hertz = torch.arange(spectrum.shape[0]) * rate / _N_FFT
    for low, high in bands:
        bottom, top = band_edges(low, high, front_end)
        masked |= ((hertz >= bottom) & (hertz < top)).unsqueeze(1)
    seconds = torch.arange(spectrum.shape[1]) * _HOP / rate + piece.start
    for start, end in spans:
        masked |= ((seconds >= start) & (seconds < end)).unsqueeze(0)
    quiet = spectrum / magnitude.clamp(min=1e-9) * prevent_clipping
    return torch.istft(
        torch.where(masked, quiet, spectrum), _N_FFT, _HOP, window=window, length=len(sound)
    )


def split_by_mask(samples: Tensor, mask: Tensor, front_end: FrontEnd) -> tuple[Tensor, Tensor]:
    """A sound taken apart by a mask on its mel picture: what the mask keeps, and everything else; their sum is the sound.

    Shape: samples [T] at the front end's rate, mask [M, F] from 0 to 1, frame f centred on sample f · hop_length -> [T], [T].
    Each STFT bin is kept by as much as the triangular filters over it are, so edges are soft in frequency and over a hop in time.
    """
    window = torch.hann_window(_N_FFT)
    spectrum = torch.stft(
        samples, _N_FFT, _HOP, window=window, return_complex=True, pad_mode="constant"
    )
    hertz = np.arange(spectrum.shape[0]) * front_end.sample_rate / _N_FFT
    # Between two centres the filters' two triangles, not scaled by `norm`, sum to 1: linear interpolation.
    gain = _interpolated(mask.float(), band_frequencies(front_end), hertz)
    frames = np.arange(mask.shape[1]) * front_end.hop_length
    gain = _interpolated(gain.T, frames, np.arange(spectrum.shape[1]) * _HOP).T
    kept = torch.istft(spectrum * gain, _N_FFT, _HOP, window=window, length=len(samples))
    return kept, samples - kept


def _interpolated(
    values: Tensor, places: "np.ndarray[Any, Any]", at: "np.ndarray[Any, Any]"
) -> Tensor:
    """Linear between ascending places [N], constant beyond them. Shape: values [N, X] -> [Q, X] at [Q]."""
    where = torch.from_numpy(np.interp(at, places, np.arange(len(places)))).float()
    below = where.long()
    share = (where - below).unsqueeze(1)
    return values[below] * (1 - share) + values[(below + 1).clamp(max=len(places) - 1)] * share


def band_edges(first: int, last: int, front_end: FrontEnd) -> tuple[float, float]:
    """Hz where the bands first … last − 1 begin and end: half way, in mel, to their neighbours' centres."""
    top = hz_to_mel(front_end.sample_rate / 2, front_end.mel_scale)
    edges = mel_to_hz(
        np.array([first + 0.5, last + 0.5]) * top / (front_end.n_mels + 1), front_end.mel_scale
    )
    return (0.0 if first == 0 else float(edges[0])), (
        float("inf") if last >= front_end.n_mels else float(edges[1])
    )


def _bent(sound: Tensor, length: int, point: int, goal: int, fade: int) -> Tensor:
    """Both sides of a moment stretched so that it moves from `point` to `goal`; what lies beyond `length` follows along.

    The sides overlap by a fade around the moment, since two vocoders' phases have nothing to do with each other and a hard cut
    between them would click; and the second side goes on into the tail that the next piece fades over.
    """
    tail, rate = len(sound) - length, (length - point) / (length - goal)
    heard = min(tail, round(tail * rate))
    gained = min(tail, round(heard / rate))
    overlap = min(fade, length - goal, goal)
    first = _stretched(sound[: point + round(overlap * point / goal)], goal + overlap)
    second = _stretched(sound[point : length + heard], length - goal + gained)
    ramp = torch.linspace(0, 1, overlap)
    joint = first[goal:] * (1 - ramp) + second[:overlap] * ramp
    return torch.cat([first[:goal], joint, second[overlap:], sound[length + gained :]])


def _stretched(sound: Tensor, length: int) -> Tensor:
    """[T] -> [length], pitch kept."""
    if len(sound) == length:
        return sound
    if len(sound) < _HOP or length < _HOP:
        # Too short for a phase vocoder to find a pitch in; at most 23 ms, heard as a click either way.
        return torch.nn.functional.interpolate(sound[None, None], size=length, mode="linear")[0, 0]
    window = torch.hann_window(_N_FFT)
    # The vocoder gives whole hops and stops early: it is given silence to stop in.
    padded = torch.nn.functional.pad(sound, (0, 4 * _HOP))
    spectrum = torch.stft(
        padded, _N_FFT, _HOP, window=window, return_complex=True, pad_mode="constant"
    )
    advance = torch.linspace(0, torch.pi * _HOP, spectrum.shape[0]).unsqueeze(1)
    slower = torchaudio.functional.phase_vocoder(spectrum, len(sound) / length, advance)
    return torch.istft(slower, _N_FFT, _HOP, window=window, length=length)


def _as_loud_as(original: Tensor, sound: Tensor) -> Tensor:
    """At most 12 dB louder than it was: where a mask leaves only a sliver or a hiss, that stays as soft as it is."""
    power = sound.square().mean()
    return (
        sound * (original.square().mean() / power).sqrt().clamp(max=_MOST_GAIN)
        if power > 0
        else sound
    )


def prevent_clipping(*sounds: Tensor) -> tuple[Tensor, ...]:
    """All turned down alike, until the highest peak is within ±1: what was equally loud stays so."""
    peak = max(1.0, *(float(sound.abs().max()) for sound in sounds))
    return tuple(sound / peak for sound in sounds)
