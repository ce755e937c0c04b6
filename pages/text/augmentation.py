"""What the lab drew, in sentences: for the caption, for screen readers, for the quiz's answer."""

from collections.abc import Sequence

from crnn.audio.front_end import FrontEnd
from crnn.audio.noise import KINDS
from crnn.augment.plan import HOP_LENGTH, Piece, Plan, Version
from crnn.augment.robustness import Curve
from crnn.format import hertz, percent
from crnn.inference.prediction import Prediction


def describe(draws: Plan, front_end: FrontEnd, start: float = 0.0) -> list[str]:
    """One sentence an augmentation that is on; with several pieces, for how many of them and an example of the first."""
    strengths, pieces = draws.strengths, draws.pieces
    said = []
    if strengths.snr_db is not None:
        said.append(_noise(draws))
    if strengths.time_warp:
        said.append(_each([_warp(draws, piece, start) for piece in pieces], "Nothing was moved"))
    if strengths.frequency_mask and strengths.masks:
        said.append(
            _each(
                [_frequency(draws, piece, front_end) for piece in pieces],
                "The frequency mask was drawn 0 bands wide",
            )
        )
    if strengths.time_mask and strengths.masks:
        said.append(
            _each(
                [_time(draws, piece, start) for piece in pieces], "The time mask was drawn 0 s wide"
            )
        )
    return said


def _each(sentences: list[str], nothing: str) -> str:
    real = [sentence for sentence in sentences if sentence]
    if not real:
        return f"{nothing}: a width of 0 can be drawn, too. Another seed draws another."
    if len(sentences) == 1:
        return real[0] + "."
    return f"{real[0]}; and so on, one draw for each of {len(sentences)} segments."


def _noise(draws: Plan) -> str:
    ratio = draws.strengths.snr_db or 0.0
    name = KINDS[draws.strengths.noise].split(":")[0]
    if ratio == 0:
        return f"{name}, as loud as the music."
    return f"{name}, {abs(ratio):g} dB {'quieter' if ratio > 0 else 'louder'} than the music."


def _warp(draws: Plan, piece: Piece, start: float) -> str:
    moved = piece.warp
    return (
        ""
        if moved is None
        else f"What was at {start + moved[0]:.2f} s is now at {start + moved[1]:.2f} s"
    )


def warp(draws: Plan, start: float = 0.0) -> str:
    """The warp's map in words."""
    moved = [sentence for piece in draws.pieces if (sentence := _warp(draws, piece, start))]
    return "Time-warp map. " + (". ".join(moved[:10]) if moved else "Nothing was moved") + "."


def _frequency(draws: Plan, piece: Piece, front_end: FrontEnd) -> str:
    parts = []
    masks = zip(piece.frequency_masks, draws.bands(piece), strict=True)
    for (bottom, top), (low, high) in masks:
        parts.append(
            f"{hertz(bottom)}–{hertz(min(top, front_end.sample_rate / 2))} ({high - low} mel bands)"
        )
    return "Masked " + " and ".join(parts) if parts else ""


def _time(draws: Plan, piece: Piece, start: float) -> str:
    parts = [
        f"{start + a:.2f}–{start + b:.2f} s ({round((b - a) / draws.hop_seconds)} frames)"
        for a, b in piece.time_masks
    ]
    return "Masked " + " and ".join(parts) if parts else ""


def clipped(draws: Plan) -> list[str]:
    """What was asked for and could not be: masks wider than the segment, moments with no room to move."""
    strengths, said = draws.strengths, []
    shortest = min(draws.pieces, key=lambda piece: piece.seconds)
    frames = max(1, round(shortest.seconds / draws.hop_seconds))
    what = "The segment has" if len(draws.pieces) == 1 else "The last, shorter segment has"
    if strengths.masks and strengths.time_mask > frames:
        said.append(
            f"{what} {frames} frames of {HOP_LENGTH} samples; a time mask of up to {strengths.time_mask} is cut to that."
        )
    bands = draws.front_end.n_mels
    if strengths.masks and strengths.frequency_mask > bands:
        said.append(
            f"The network sees {bands} mel bands; a mask of up to {strengths.frequency_mask} is cut to that."
        )
    limit = max(0.0, (frames - 2) / 2)
    if strengths.time_warp > limit:
        said.append(
            f"{what} {frames} frames; a moment can be moved by under half of them, so {strengths.time_warp} is cut to {limit:.0f}."
        )
    return said


def alt_text(before: Version, draws: Plan, start: float = 0.0) -> str:
    """The pair of pictures for those who don't see them."""
    seconds = before.mel.shape[1] * before.front_end.hop_seconds
    changes = " ".join(describe(draws, before.front_end, start)) or "Nothing is changed."
    return f"Two mel spectrograms of the same {seconds:.1f} seconds, the original and the augmented one. {changes}"


def shift(before: Prediction, after: Prediction) -> str:
    """Every class before and after: "genre: rock 45 % → 30 %, …"."""
    now = after.to_dict()
    return f"{before.task}: " + ", ".join(
        f"{label} {percent(p)} → {percent(now[label])}" for label, p in before.ranked()
    )


def robustness(curves: Sequence[Curve]) -> str:
    """The curves' ends and where the first answer falls below half of what it was."""
    said = []
    for curve in curves:
        text = f"{curve.task}: {curve.label} goes from {percent(curve.mean[0])} to {percent(curve.mean[-1])}"
        half = [
            tick for tick, p in zip(curve.ticks, curve.mean, strict=True) if p < curve.mean[0] / 2
        ]
        said.append(
            text + (f", below half of it at {half[0]}." if half else ", never below half of it.")
        )
    return f"{curves[0].unit}. " + " ".join(said)
