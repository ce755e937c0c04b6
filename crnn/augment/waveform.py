"""Apply a plan to the waveform: effects and noise, STFT masks, phase-vocoder warp.

Never by inverting a mel spectrogram, whose phase is gone. Masks act on an STFT of the sound with
its own phase; a warp is two phase-vocoder stretches, so pitch stays.
"""

import torch
from torch import Tensor

from crnn.audio.front_end import FrontEnd
from crnn.augment.effects.gain import Gain
from crnn.augment.effects.stretch import HOP, N_FFT, istft, stft, stretched
from crnn.augment.plan import Piece, Plan, augment_samples

# Pieces fade into each other over so many seconds; without it every seam would click.
_FADE_SECONDS = 0.02

_MAX_GAIN = 4.0  # 12 dB


def render(samples: Tensor, plan: Plan, front_end: FrontEnd) -> Tensor:
    """The augmented sound, matched to the original's mean power with at most 12 dB of gain; a gain
    among its effects is kept.

    Shape: [T] at the front end's rate -> [T]; peaks may exceed ±1, see `prevent_clipping`.
    """
    rate = front_end.sample_rate
    noisy = augment_samples(samples, plan, rate)
    out = torch.zeros_like(noisy)
    fade = max(1, round(_FADE_SECONDS * rate))
    ramp = torch.linspace(0, 1, fade)
    for piece in plan.pieces:
        first = round(piece.start * rate)
        last = len(noisy)
        if piece is not plan.pieces[-1]:
            last = min(last, round(piece.end * rate))
        if last <= first:
            continue
        tail = min(len(noisy), last + fade) - last
        sound = _augment(noisy[first : last + tail], last - first, piece, plan, rate)
        if first and len(sound) >= fade:
            out[first : first + fade] = out[first : first + fade] * (1 - ramp) + sound[:fade] * ramp
            sound, first = sound[fade:], first + fade
        out[first : first + len(sound)] = sound
    gain = sum(e.db for e in plan.strengths.effects if isinstance(e, Gain))
    return _match_loudness(out, samples, 10 ** (gain / 20))


def _augment(sound: Tensor, length: int, piece: Piece, plan: Plan, rate: int) -> Tensor:
    """One piece [length + tail] with its warp and masks; the next piece fades over the tail."""
    if piece.warp is not None:
        point, goal = (round((moment - piece.start) * rate) for moment in piece.warp)
        point, goal = (min(max(1, n), length - 1) for n in (point, goal))
        sound = _warp(sound, length, point, goal, round(_FADE_SECONDS * rate))
    if not piece.frequency_masks and not piece.time_masks:
        return sound
    spectrum = stft(sound)
    magnitude = spectrum.abs()
    # The mean of decibels is the geometric mean, quieter than most of what sounds.
    level = 0.0
    if plan.strengths.fill == "mean":
        level = float(magnitude.clamp(min=1e-5).log().mean().exp())
    masked = torch.zeros(spectrum.shape, dtype=torch.bool)
    hertz = torch.arange(spectrum.shape[0]) * rate / N_FFT
    for low, high in piece.frequency_masks:
        masked[(hertz >= low) & (hertz < high)] = True
    seconds = torch.arange(spectrum.shape[1]) * HOP / rate + piece.start
    for start, end in piece.time_masks:
        masked[:, (seconds >= start) & (seconds < end)] = True
    filled = spectrum / magnitude.clamp(min=1e-9) * level
    return istft(torch.where(masked, filled, spectrum), len(sound))


def _warp(sound: Tensor, length: int, point: int, goal: int, fade: int) -> Tensor:
    """Stretch both sides of a moment so that it moves from `point` to `goal`.

    The sides overlap by a fade around the moment, since two vocoders' phases have nothing to do
    with each other and a hard cut between them would click; and the second side goes on into the
    tail that the next piece fades over.
    """
    tail, rate = len(sound) - length, (length - point) / (length - goal)
    used = min(tail, round(tail * rate))
    gained = min(tail, round(used / rate))
    overlap = min(fade, length - goal, goal)
    first = stretched(sound[: point + round(overlap * point / goal)], goal + overlap)
    second = stretched(sound[point : length + used], length - goal + gained)
    ramp = torch.linspace(0, 1, overlap)
    joint = first[goal:] * (1 - ramp) + second[:overlap] * ramp
    return torch.cat([first[:goal], joint, second[overlap:], sound[length + gained :]])


def _match_loudness(sound: Tensor, original: Tensor, gain: float) -> Tensor:
    """`gain` times as loud as the original; raised by 12 dB at most: a hiss stays soft."""
    power = (sound / gain).square().mean()
    if not power > 0:
        return sound
    return sound * (original.square().mean() / power).sqrt().clamp(max=_MAX_GAIN)


def prevent_clipping(*sounds: Tensor) -> tuple[Tensor, ...]:
    """All turned down alike until the highest peak is within ±1: what was equally loud stays so."""
    peak = max(1.0, *(float(sound.abs().max()) for sound in sounds))
    return tuple(sound / peak for sound in sounds)
