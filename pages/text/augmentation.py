"""What the Lab's augmentations did, in sentences: for captions, screen readers and the quiz."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crnn import augment
from crnn.format import hertz, percent
from crnn.labels import display
from pages.text import content

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crnn.audio.noise import NoiseLoop
    from crnn.augment.effects import Effect
    from crnn.augment.plan import Piece, Plan, Shift, Version
    from crnn.augment.robustness import Curve


def describe(plan: Plan, start: float = 0.0) -> list[str]:
    """One sentence for each augmentation that is on; of several segments, the first is the example.

    Args:
        start: where the augmented excerpt begins in its track, in seconds.
    """
    strengths, pieces = plan.strengths, plan.pieces
    sentences = [_effect(effect) for effect in strengths.effects]
    if strengths.snr_db is not None:
        sentences.insert(strengths.noise_after, _noise(strengths.noise, strengths.snr_db))
    if strengths.time_warp:
        sentences.append(_example([_warp(piece, start) for piece in pieces], "shift"))
    if strengths.frequency_mask and strengths.masks:
        sentences.append(
            _example([_frequency_masks(plan, piece) for piece in pieces], "frequency mask")
        )
    if strengths.time_mask and strengths.masks:
        sentences.append(
            _example([_time_masks(plan, piece, start) for piece in pieces], "time mask")
        )
    return sentences


def _example(sentences: list[str], name: str) -> str:
    """The first sentence that says something."""
    text = next(filter(None, sentences), "")
    if not text:
        return f"The random size of the {name} was 0; press Randomise."
    return f"{text}." if len(sentences) == 1 else f"{text} (first of {len(sentences)} segments)."


def _effect(effect: Effect) -> str:
    match effect:
        case augment.effects.PitchShift(semitones=pitch):
            return f"Pitch {abs(pitch):g} semitones {'higher' if pitch > 0 else 'lower'}."
        case augment.effects.TimeStretch(rate=rate):
            return f"Tempo × {rate:g}."
        case augment.effects.Equaliser(limit_db=limit):
            return f"Random equaliser of up to ±{limit:g} dB."
        case augment.effects.Reverberation(seconds=seconds):
            return f"Reverberation of {seconds:g} s."
        case augment.effects.BandPass(low_hz=low, high_hz=high):
            return f"Band-pass: {hertz(low)}–{hertz(high)}."
        case augment.effects.Gain(db=db):
            return f"Gain {db:+g} dB."
        case augment.effects.Clipping(depth_db=depth):
            return f"Clipped {depth:g} dB below the peak."
        case augment.effects.Codec(codec=codec, kbit_s=rate):
            return f"{'MP3' if codec == 'mp3' else 'Opus'} at {rate} kbit/s."
        case augment.effects.Mixup(other=other, weight=weight):
            return f"Mixup with {percent(weight)} of {other.name}."
        case augment.effects.CutMix(other=other, weight=weight):
            return f"CutMix: {percent(weight)} of the spectrogram is from {other.name}."
        case augment.effects.MixStyle(other=other, weight=weight):
            return f"MixStyle: each frequency's level is {percent(weight)} that of {other.name}."
    raise TypeError(f"no sentence for {effect}")


def label(plan: Plan, name: str) -> tuple[float, str] | None:
    """The first track's part of the label that training would use, and the label in words.

    None where no second track is mixed in. name: the first track's, escaped.
    """
    for effect in plan.strengths.effects:
        if isinstance(effect, augment.effects.Mix):
            first, second = 1 - effect.label, effect.label
            tracks = f"{name} {percent(first)}, {effect.other.name} {percent(second)}"
            return first, f"Training label: {tracks}"
    return None


def noise_name(kind: str | NoiseLoop) -> str:
    """A noise at the beginning of a sentence."""
    if not isinstance(kind, str):
        return "Noise from your file"
    return str(content.load("lab")["noise"][kind]["title"])


def _noise(kind: str | NoiseLoop, snr_db: float) -> str:
    title = noise_name(kind)
    if snr_db == 0:
        return f"{title}, as loud as the music."
    return f"{title}, {abs(snr_db):g} dB {'quieter' if snr_db > 0 else 'louder'} than the music."


def _warp(piece: Piece, start: float) -> str:
    if piece.warp is None:
        return ""
    before, after = piece.warp
    return f"{start + before:.2f} s moved to {start + after:.2f} s"


def _frequency_masks(plan: Plan, piece: Piece) -> str:
    return _masked(
        f"{hertz(low)}–{hertz(min(high, plan.front_end.sample_rate / 2))} "
        f"({last - first} mel bands)"
        for (low, high), (first, last) in zip(piece.frequency_masks, plan.bands(piece), strict=True)
    )


def _time_masks(plan: Plan, piece: Piece, start: float) -> str:
    frames = 1 / plan.hop_seconds
    return _masked(
        f"{start + first:.2f}–{start + last:.2f} s ({round((last - first) * frames)} frames)"
        for first, last in piece.time_masks
    )


def _masked(ranges: Iterable[str]) -> str:
    text = " and ".join(ranges)
    return f"Masked {text}" if text else ""


def clipped(plan: Plan) -> list[str]:
    """Settings that the excerpt has no room for: masks wider than it, shifts of over half of it."""
    strengths, sentences = plan.strengths, []
    shortest = min(plan.pieces, key=lambda piece: piece.seconds)
    frames = max(1, round(shortest.seconds / plan.hop_seconds))
    what = "The segment has" if len(plan.pieces) == 1 else "The last, shorter segment has"
    if strengths.masks and strengths.time_mask > frames:
        sentences.append(
            f"{what} {frames} frames of {augment.plan.HOP_LENGTH} samples, so the maximum mask "
            f"length of {strengths.time_mask} is cut to that."
        )
    bands = plan.front_end.n_mels
    if strengths.masks and strengths.frequency_mask > bands:
        sentences.append(
            f"The model has {bands} mel bands, so the maximum mask width of "
            f"{strengths.frequency_mask} is cut to that."
        )
    limit = max(0.0, (frames - 2) / 2)
    if strengths.time_warp > limit:
        sentences.append(
            f"{what} {frames} frames, and a shift must be under half of them, so "
            f"{strengths.time_warp} is cut to {limit:.0f}."
        )
    return sentences


def alt_text(before: Version, plan: Plan, start: float = 0.0) -> str:
    """The two spectrograms in words."""
    seconds = before.mel.shape[1] * before.front_end.hop_seconds
    changes = " ".join(describe(plan, start)) or "Nothing is changed."
    return f"Mel spectrograms of {seconds:.1f} s, the original and an augmented version. {changes}"


def warp_map(plan: Plan, start: float = 0.0) -> str:
    """The map of the time warp in words; the first ten segments."""
    moves = [text for piece in plan.pieces if (text := _warp(piece, start))]
    return f"Time-warp map. {'. '.join(moves[:10]) or 'Nothing was moved'}."


def outcome(before: Version, after: Version) -> str:
    """What became of the top classes, in one sentence a task."""
    sentences = []
    for old, new in zip(before.predictions, after.predictions, strict=True):
        (label, was), (top, now) = old.ranked()[0], new.ranked()[0]
        same = percent(was), percent(new.to_dict()[label])
        if top != label:
            sentences.append(
                f"**{display(old.task)}** changes from **{display(label)}** ({same[0]}) to "
                f"**{display(top)}** ({percent(now)})."
            )
        else:
            change = f"{same[0]} → {same[1]}" if same[0] != same[1] else f"{same[0]} as before"
            sentences.append(f"**{display(old.task)}** stays **{display(label)}** ({change}).")
    return "  \n".join(sentences)


def shifts(changes: Sequence[Shift]) -> str:
    """The chart of changes in words: "Metal (genre) 81% → 2%, …"."""
    return "Largest changes: " + ", ".join(
        f"{display(s.label)} ({s.task}) {percent(s.before)} → {percent(s.after)}" for s in changes
    )


def robustness(curves: Sequence[Curve]) -> str:
    """The ends of each curve, and where it falls below half of its beginning."""
    sentences = []
    for curve in curves:
        first, last = curve.mean[0], curve.mean[-1]
        below = (tick for tick, p in zip(curve.ticks, curve.mean, strict=True) if p < first / 2)
        half = next(below, None)
        sentences.append(
            f"{display(curve.task)}: {display(curve.label)} goes from {percent(first)} to "
            f"{percent(last)}, "
            + (f"below half of it at {half}." if half else "never below half of it.")
        )
    return f"{curves[0].unit}. {' '.join(sentences)}"
