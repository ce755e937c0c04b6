"""Sentences about measured results."""

from typing import Any

from crnn import results

# Genres with fewer new songs are only counted.
MIN_SONGS = 10


def differences_from_paper(protocols: dict[str, results.Result]) -> list[str]:
    """What differs from the paper's accuracies, one sentence a protocol."""
    accuracy = {
        name: results.value_and_spread(result, "track_accuracy")[0]
        for name, result in protocols.items()
    }
    sentences = []
    if "P" in accuracy:
        paper = results.PROTOCOLS["P"][1] or 0.0
        sentences.append(
            f"Random split, as in the paper (P): the paper reports {paper:.0%}, our network "
            f"reaches {accuracy['P']:.1%} ({_points(accuracy['P'] - paper)})."
        )
    if "P" in accuracy and "F" in accuracy:
        sentences.append(
            "The same recipe with no artist in both training and test, and faulty or repeated "
            f"tracks left out (F): {accuracy['F']:.1%} "
            f"({_points(accuracy['F'] - accuracy['P'])} vs. P)."
        )
    if "P" in accuracy and "N" in accuracy:
        sentences.append(
            f"The bundled network on another collection (N): {accuracy['N']:.1%} "
            f"({_points(accuracy['N'] - accuracy['P'])} vs. P)."
        )
    if "M" in accuracy:
        paper = results.PROTOCOLS["M"][1] or 0.0
        sentences.append(
            f"Mood (M): the paper reports {paper:.0%} on songs of its own, our network reaches "
            f"{accuracy['M']:.1%} on others ({_points(accuracy['M'] - paper)}); the two are not "
            "directly comparable."
        )
    return sentences


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f} points".replace("-", "−")


def describe_generalisation(result: results.Result) -> str:
    """Which genres generalise best and worst to new songs."""
    rows = results.new_song_recalls(result)
    enough = [row for row in rows if row["tracks"] >= MIN_SONGS]
    few = [f"{row['label']} ({row['tracks']})" for row in rows if row["tracks"] < MIN_SONGS]
    absent = [label for label in result["labels"] if label not in result.get("recall", {})]
    sentences = []
    if enough:
        best, worst = (
            f"{row['label']} ({row['recall']:.0%} of {row['tracks']})"
            for row in (enough[0], enough[-1])
        )
        sentences.append(
            f"On new songs, accuracy is highest for {best}"
            + (f" and lowest for {worst}." if len(enough) > 1 else ".")
        )
    if few:
        sentences.append(f"Too few songs: {', '.join(few)}.")
    if absent:
        sentences.append(f"None: {', '.join(absent)}.")
    return " ".join(sentences)


def comparison(table: results.Result) -> str:
    """Ours beside the paper's, row by row, and which is best; "" where nothing can be compared."""
    rows = results.paper_comparison(table)
    if not rows:
        return ""
    each = "; ".join(f"{name} {ours:.0%} (paper {paper:.0%})" for name, ours, _, paper in rows)
    return f"{each}. {best_rows(table)}".rstrip()


def best_rows(table: results.Result) -> str:
    """Which of several rows is best here, and which in the paper."""
    rows = results.paper_comparison(table)
    if len(rows) < 2:
        return ""
    ours, papers = (max(rows, key=lambda row: row[column])[0] for column in (1, 3))
    return (
        f"Best in both: {ours}."
        if ours == papers
        else f"Best here: {ours}; in the paper: {papers}."
    )


def curve_summary(run: dict[str, Any]) -> str:
    """A run's training curves in a sentence or two."""
    train, validation, accuracy = (
        results.curve(run, key) for key in ("train_loss", "val_loss", "val_track")
    )
    text = (
        f"Over {len(run['epoch'])} epochs the training loss falls from {train.iloc[0]:.2f} to "
        f"{train.iloc[-1]:.2f} nats."
    )
    if len(validation):
        text += (
            f" The validation loss is lowest at epoch {validation.idxmin()} ({validation.min():.2f}) "
            f"and ends at {validation.iloc[-1]:.2f}."
        )
    if len(accuracy):
        text += f" Final validation accuracy: {accuracy.iloc[-1]:.0%}."
    return text
