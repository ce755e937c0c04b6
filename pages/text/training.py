"""What the Lab's small training shows, in sentences."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from crnn import augment, results
from crnn.format import duration, ellipsis, percent
from crnn.sources import archive
from pages.shared.markdown import escape
from pages.text import augmentation, content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crnn.augment.comparison import Comparison, Evaluation
    from crnn.augment.plan import Strengths
    from crnn.results import Result

_LARGE_GAP, _LEARNED = 0.1, 0.9

# Of a visitor's own music: folders at most; of each track, the last seconds of its first minute.
MAX_CLASSES, EXCERPT_SECONDS, SHORTEST_SECONDS = 6, 30, 5


def about(sizes: Sequence[int] | None) -> str:
    """What is learned; sizes: tracks in each of a visitor's folders, None for the examples."""
    texts = content.load("training")
    if sizes is None:
        return str(texts["about"])
    held_out = augment.comparison.n_validation(min(sizes))
    return Template(texts["own"]["about"]).substitute(classes=len(sizes), held_out=held_out)


def own_rules() -> str:
    """What a visitor's own music must be."""
    return Template(content.load("training")["own"]["rules"]).substitute(
        classes=MAX_CLASSES,
        tracks=augment.comparison.MIN_TRACKS,
        limit=archive.MAX_TRACKS,
        seconds=EXCERPT_SECONDS,
    )


def own_music(classes: Sequence[str], sizes: Sequence[int]) -> str:
    """Each folder with its number of tracks."""
    folders = (f"**{escape(c, 40)}** {n}" for c, n in zip(classes, sizes, strict=True))
    return f"Tracks in your folders: {', '.join(folders)}"


def not_used(count: int) -> str:
    """How many files are left out."""
    return f"{count} file{' is' if count == 1 else 's are'} not used"


def refusal(sizes: Mapping[str, int]) -> str:
    """Why folders with so many tracks can't be learned from; empty where they can."""
    least = augment.comparison.MIN_TRACKS
    if not 2 <= len(sizes) <= MAX_CLASSES:
        folders = f"{len(sizes) or 'no'} folder{'' if len(sizes) == 1 else 's'} with audio"
        return (
            f"There {'is' if len(sizes) == 1 else 'are'} {folders} in what you gave. 2 to "
            f"{MAX_CLASSES} are needed, one for each class: put them into one folder, and give it."
        )
    few = [f"“{ellipsis(name, 40)}” has {size}" for name, size in sizes.items() if size < least]
    if few:
        return (
            f"Each folder needs {least} usable tracks or more: two to learn from, two to validate "
            f"on. {', '.join(few)}. Add tracks, or leave the folder out."
        )
    return ""


def over_limit(share: int) -> str:
    """Why a track was left out."""
    return (
        f"Left out: up to {archive.MAX_TRACKS} tracks are used, here {share} of each folder. Take "
        "others out of the folder to have it used."
    )


def copy(name: str) -> str:
    """Why a copy of another track was left out."""
    return (
        f"The same file as {ellipsis(name, 60)}. A track must not be both in training and in "
        "validation, so one of them is left out."
    )


def too_short(seconds: float) -> str:
    """Why a short track was left out."""
    return (
        f"It is {duration(seconds)} long; {SHORTEST_SECONDS} s or more are needed. Choose a longer "
        "one."
    )


def silent() -> str:
    """Why a silent track was left out."""
    return (
        f"Its excerpt (the last {EXCERPT_SECONDS} s of its first minute) is silent; music is "
        "needed. Choose another one."
    )


def own_finding(held_out: int) -> str:
    """What one training on a visitor's own music can show."""
    return Template(content.load("training")["own"]["finding"]).substitute(
        tracks=held_out, points=f"{100 / held_out:.0f}"
    )


def used(strengths: Strengths) -> list[str]:
    """Which augmentations the training applies, with their strengths."""
    hop = augment.plan.HOP_LENGTH / augment.comparison.FRONT_END.sample_rate
    masks, found = strengths.masks, list[str]()
    for effect in strengths.effects:
        match effect:
            case augment.effects.Equaliser(limit_db=limit) if limit:
                found.append(f"random equaliser up to ±{limit:g} dB")
            case augment.effects.Gain(db=db) if db:
                found.append(f"random gain up to ±{abs(db):g} dB")
    if strengths.snr_db is not None:
        noise = augmentation.noise_name(strengths.noise).lower()
        strongest = f"{strengths.snr_db:g}".replace("-", "−")
        found.append(f"{noise} at a random ratio from {strongest} to 40 dB")
    if strengths.time_warp:
        found.append(f"time warp up to {strengths.time_warp * hop:.2f} s")
    if strengths.frequency_mask and masks:
        found.append(f"{_count(masks, 'frequency mask')} up to {strengths.frequency_mask} bands")
    if strengths.time_mask and masks:
        found.append(f"{_count(masks, 'time mask')} up to {strengths.time_mask * hop:.1f} s")
    return found


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' if number > 1 else ''}"


def setting(strengths: Strengths) -> str:
    """What the network with augmentation gets, and which effects of the rack it doesn't."""
    cheap = augment.effects.Equaliser, augment.effects.Gain
    left_out = [e for e in strengths.effects if not isinstance(e, cheap)]
    after = " The rack's other effects of the sound take too long for every crop." * bool(left_out)
    if not (names := used(strengths)):
        return f"Nothing that this training can use is on.{after}"
    return f"Augmentation, anew for each crop: {', '.join(names)}.{after}"


def waiting(ahead: int) -> str:
    """How many trainings are ahead of this one."""
    trainings = "training is" if ahead == 1 else "trainings are"
    return f"{ahead} {trainings} ahead of yours, one at a time. It begins by itself; stay here."


def progress(comparison: Comparison, stopped: bool) -> str:
    """How far a training is."""
    place = f"Step {comparison.step} of {comparison.steps}"
    if stopped:
        return f"{place}, stopped"
    return "Finished" if comparison.done else place


def gap(evaluation: Evaluation, network: int, tracks: bool = False) -> str:
    """Training and validation accuracy, and what their difference means.

    tracks: validation is on other tracks, not on other moments of the same ones.
    """
    new = "tracks" if tracks else "moments"
    train, valid = evaluation.training[network], evaluation.validation[network]
    points = round(100 * (train - valid))
    figures = f"Training **{percent(train)}**, validation **{percent(valid)}**"
    if evaluation.step == 0:
        return f"{figures}: it has not learned anything yet."
    if train < _LEARNED:
        return f"{figures}: it is still learning."
    if points >= 100 * _LARGE_GAP:
        return (
            f"{figures}: a gap of **{points} points**. New {new} are harder for it than those it "
            "learned from: it **overfits**."
        )
    return f"{figures}: a small gap. It recognises new {new} almost as well as its own."


def curves(evaluation: Evaluation, network: int) -> str:
    """The curves in words, for screen readers."""
    return (
        f"Curves of training and validation, {augment.comparison.NAMES[network].lower()}, up to "
        f"step {evaluation.step}: training accuracy {percent(evaluation.training[network])}, "
        f"validation {percent(evaluation.validation[network])}."
    )


def answer(probs: Sequence[float], titles: Sequence[str], song: int) -> str:
    """The two most probable songs or classes; the correct one is marked."""
    ranked = sorted(range(len(probs)), key=lambda k: -probs[k])
    mark = ":material/check_circle:" if ranked[0] == song else ":material/cancel:"
    top, second = (f"{escape(titles[k], 40)} {percent(probs[k])}" for k in ranked[:2])
    return f"{mark} **{top}**  \nthen {second}"


def finding(measured: Result, chosen: str) -> str:
    """The effect of a set of augmentations over the seeds, beside its spread."""
    rows = {results.row_name(row): row for row in measured["rows"]}
    if chosen not in rows:
        return str(content.load("training")["rack"])
    without, after = rows[augment.comparison.NAMES[0]], rows[chosen]
    pairs = list(
        zip(without["segment_accuracy"]["each"], after["segment_accuracy"]["each"], strict=True)
    )
    better = sum(b > a for a, b in pairs)
    means = [100 * row["segment_accuracy"]["mean"] for row in (without, after)]
    spreads = [100 * row["segment_accuracy"]["sd"] for row in (without, after)]
    change = means[1] - means[0]
    losses = [row["validation_loss"]["mean"] for row in (without, after)]
    figures = (
        f"No: another seed gives other curves. Over {len(pairs)} seeds, validation accuracy is "
        f"**{means[0]:.1f} ± {spreads[0]:.1f}%** without and "
        f"**{means[1]:.1f} ± {spreads[1]:.1f}%** with “{chosen}” (mean ± standard deviation); "
        f"loss {losses[0]:.2f} and {losses[1]:.2f}."
    )
    if abs(change) <= max(spreads):
        return f"{figures} The difference is within the spread, so it shows no effect on accuracy."
    direction = "gains" if change > 0 else "loses"
    count = better if change > 0 else sum(b < a for a, b in pairs)
    caution = f" {content.load('training')['caution']}" if change > 0 else ""
    return (
        f"{figures} Augmentation {direction} {abs(change):.1f} points, in {count} of {len(pairs)} "
        f"seeds.{caution}"
    )
