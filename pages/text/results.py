"""Measured results in sentences, for captions and screen readers."""

from typing import Any

from crnn import results
from crnn.labels import display

Result = dict[str, Any]

_FEW = 10  # songs; with fewer, no accuracy is mentioned
_RARE = 0.05  # less often, a confusion is not mentioned


# Protocols by what their songs are.
NAMES = {
    "N": "New songs",
    "F": "GTZAN, new artists",
    "P": "GTZAN, random split",
    "M": "Clips by new artists",
}
_NUMBERS = ("no", "One", "Two", "Three", "Four")


def headline(protocols: dict[str, Result]) -> str:
    """How accurate the networks are on songs by artists that they do not know."""
    accuracy = {
        words: results.value_and_spread(protocols[name], "track_accuracy")[0]
        for name, words in (("N", "genre"), ("M", "mood"))
        if name in protocols
    }
    said: dict[str, list[str]] = {}
    for words, value in accuracy.items():
        said.setdefault(_of_few(value), []).append(f"the right {words} ({value:.1%})")
    parts = [f"{few} get {', and as many '.join(words)}" for few, words in said.items()]
    if not parts:
        return ""
    parts[0] = parts[0].replace(" get", " new songs get", 1)
    return f"**{'; '.join([parts[0], *map(str.lower, parts[1:])])}.** "


def _of_few(value: float) -> str:
    """ "Two of three": the nearest fraction of at most five."""
    pairs = [(n, of) for of in (2, 3, 4, 5) for n in range(of + 1) if n < len(_NUMBERS)]
    number, of = min(pairs, key=lambda pair: abs(pair[0] / pair[1] - value))
    return f"{_NUMBERS[number]} of {('two', 'three', 'four', 'five')[of - 2]}"


def card(measured: dict[str, Result], label: str) -> str:
    """Recall and precision of a class on each set of songs, and its most frequent confusion.

    measured: results by the name of their songs.
    """
    lines, confused = [], ("", 0.0)
    for name, result in measured.items():
        found = results.class_accuracy(result, label)
        if found.tracks < _FEW:
            lines.append(f"{name}: too few to tell ({found.tracks})")
            continue
        right = f", {found.precision:.0%} right when named" * (found.predictions >= _FEW)
        lines.append(f"{name} ({found.tracks}): **{found.recall:.0%} recognised**{right}")
        confused = max(confused, found.confused or confused, key=lambda pair: pair[1])
    most = f"Most often mistaken for {display(confused[0])} ({confused[1]:.0%})."
    rare = "Rarely mistaken for another class."
    return "  \n".join([*lines, most if confused[1] >= _RARE else rare])


def differences_from_paper(protocols: dict[str, Result]) -> list[str]:
    """What did not come out as in the paper, from the figures alone."""
    right = {
        name: results.value_and_spread(result, "track_accuracy")[0]
        for name, result in protocols.items()
    }
    paper = {name: results.PROTOCOLS[name][1] or 0.0 for name in ("P", "M")}
    sentences = []
    if "P" in right:
        sentences.append(
            f"Random split, as in the paper: the paper reports {paper['P']:.0%}, this network "
            f"reaches {right['P']:.1%} ({_points(right['P'] - paper['P'])})."
        )
    if "P" in right and "F" in right:
        sentences.append(
            "The same recipe on an artist-disjoint split without damaged or repeated tracks: "
            f"{right['F']:.1%} ({_points(right['F'] - right['P'])} from the random split)."
        )
    if "P" in right and "N" in right:
        sentences.append(
            f"The built-in model on new songs from another collection: {right['N']:.1%} "
            f"({_points(right['N'] - right['P'])} from the random split)."
        )
    if "M" in right:
        sentences.append(
            f"Mood: the paper reports {paper['M']:.0%} on its own songs, this network reaches "
            f"{right['M']:.1%} on others ({_points(right['M'] - paper['M'])}); the two cannot be "
            "compared song by song."
        )
    return sentences


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f} points".replace("-", "−")


def generalisation(protocols: dict[str, Result]) -> str:
    """Accuracy by protocol."""
    return "Genre, track accuracy: " + "; ".join(
        f"{results.question(name, result)} "
        f"{results.value_and_spread(result, 'track_accuracy')[0]:.0%}"
        for name, result in protocols.items()
    )


def new_songs(result: Result) -> str:
    """Which genres generalise to new songs best and least."""
    rows = results.new_song_recalls(result)
    enough = [row for row in rows if row["tracks"] >= _FEW]
    absent = [label for label in result["labels"] if label not in result.get("recall", {})]
    sentences = []
    if enough:
        best, *_, worst = [enough[0], *enough]
        least = f", lowest for {_recall(worst)}" if worst is not best else ""
        sentences.append(f"Accuracy is highest for {_recall(best)}{least}.")
    few = [f"{display(row['label'])} ({row['tracks']})" for row in rows if row["tracks"] < _FEW]
    if few:
        sentences.append(f"Too few songs to tell: {', '.join(few)}.")
    if absent:
        sentences.append(f"No songs: {', '.join(map(display, absent))}.")
    return " ".join(sentences)


def _recall(row: Result) -> str:
    return f"{display(row['label'])} ({row['recall']:.0%} of {row['tracks']} songs)"


def comparison(result: Result) -> str:
    """Our accuracy against the paper's, row by row; empty where nothing can be compared."""
    rows = results.paper_comparison(result)
    each = "; ".join(f"{name} {ours:.0%} (paper {paper:.0%})" for name, ours, _, paper in rows)
    return f"{each}. {best(result)}".rstrip() if rows else ""


def best(result: Result) -> str:
    """Which of several rows is best here, and which in the paper."""
    rows = results.paper_comparison(result)
    if len(rows) < 2:
        return ""
    ours, paper = (max(rows, key=lambda row: row[column])[0] for column in (1, 3))
    return f"Best in both: {ours}." if ours == paper else f"Best here: {ours}; paper: {paper}."


def training_curve(run: Result) -> str:
    """A run's training curves in a sentence or two."""
    keys = ("train_loss", "val_loss", "val_track")
    train, validation, accuracy = (results.curve(run, key) for key in keys)
    text = (
        f"Over {len(run['epoch'])} epochs the training loss falls from {train.iloc[0]:.2f} to "
        f"{train.iloc[-1]:.2f}."
    )
    if len(validation):
        text += (
            f" The validation loss is lowest at epoch {validation.idxmin()} "
            f"({validation.min():.2f}) and ends at {validation.iloc[-1]:.2f}."
        )
    if len(accuracy):
        text += f" The final validation accuracy is {accuracy.iloc[-1]:.0%}."
    return text


def confusion(result: Result) -> str:
    """The recall of each class and the class it is most often confused with."""
    labels, parts = [display(label) for label in result["labels"]], []
    for k, counts in enumerate(results.confusion(result)):
        if not sum(counts):
            continue
        others = [-1 if i == k else count for i, count in enumerate(counts)]
        wrong = max(range(len(labels)), key=others.__getitem__)
        most = f", mostly confused with {labels[wrong]}" if others[wrong] > 0 else ""
        parts.append(f"{labels[k]} {counts[k] / sum(counts):.0%} correct{most}")
    return "; ".join(parts) + "."
