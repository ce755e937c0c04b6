"""Tables of measured results as rows and sentences: ours beside the paper's, whatever figures a table holds.

A table is {"table", "title", "context", "note", "rows"}, a row {"name", "paper", "runs", figure: {"mean", "sd", "each"} or a
number}.
"""

from typing import Any

# Figures by their key, in the order of their columns: words, factor, decimals. Others are shown under their own name, as they are.
FIGURES = {
    "track_accuracy": ("Tracks right (%)", 100, 1),
    "standard_error": ("SE (points)", 100, 1),
    "tracks_won": ("Won", 1, 0),
    "tracks_lost": ("Lost", 1, 0),
    "p_value": ("p", 1, 3),
    "track_macro_f1": ("Macro F1 (%)", 100, 1),
    "segment_accuracy": ("Segments right (%)", 100, 1),
    "segment_macro_f1": ("Segments F1 (%)", 100, 1),
    "calibration_error": ("Calibration error (points)", 100, 1),
    "validation_loss": ("Validation loss (nats)", 1, 3),
    "total_variation": ("Probability that moves (%)", 100, 1),
    "total_variation_max": ("… of the clip that moves most (%)", 100, 1),
    "total_variation_redrawn": ("… when redrawn (%)", 100, 1),
    "difference_db": ("Apart (dB)", 1, 2),
    "difference_db_redrawn": ("… when redrawn (dB)", 1, 2),
    "same_top_class": ("Same likeliest class (%)", 100, 1),
    "track_accuracy_spoilt_alike": ("Tracks right when spoilt alike (%)", 100, 1),
    "share_doubted": ("Doubted (%)", 100, 1),
    "tracks": ("Tracks", 1, 0),
}
_NAMES = ("name", "augmentation")
TITLES = {
    "VII, tested": "Table VII as a test: tracks spoilt on purpose",
    "doubt": "Doubt: how often it says that it knows no such sound",
    "scale": "Speed and scale",
}
NOTHING = "–"

# The paper's experiments and what goes beyond them, in the order in which they are shown.
PAPER = ("V", "VII-trained", "VII", "choices", "mood-grid", "curves")
BEYOND = ("ablation", "ablation-mood", "noise", "codecs", "scale")


def title(table: dict[str, Any]) -> str:
    """The table's own title, or the one it goes by here."""
    name = str(table.get("table", ""))
    return str(table.get("title") or TITLES.get(name) or name)


def value(found: Any) -> tuple[float, float | None] | None:
    """(mean, sd) of a figure written either way; None for what is no figure."""
    if isinstance(found, dict) and isinstance(found.get("mean"), (int, float)):
        return float(found["mean"]), found.get("sd")
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        return float(found), None
    return None


def paper(row: dict[str, Any]) -> dict[str, float]:
    """The paper's figures of a row by key; a bare number is its track accuracy."""
    given = row.get("paper")
    if given is None:
        return {}
    return dict(given) if isinstance(given, dict) else {"track_accuracy": float(given)}


def name(row: dict[str, Any]) -> str:
    return str(next((row[key] for key in _NAMES if key in row), ""))


def rows(table: dict[str, Any]) -> list[dict[str, str]]:
    """One dictionary a row with the same columns in every row: name, our figures each with the paper's beside it, words."""
    figures: list[str] = []
    for row in table["rows"]:
        figures += [key for key, found in row.items() if key not in figures and _shown(key, found)]
    order = list(FIGURES)
    figures.sort(
        key=lambda key: order.index(key) if key in order else len(order)
    )  # stable: others stay as they come
    compared = [key for key in FIGURES if any(key in paper(row) for row in table["rows"])]
    shown = []
    for row in table["rows"]:
        cells = {"": name(row)}
        for key in figures:
            cells[_words(key)] = _cell(key, row.get(key), row.get("unit"))
            if key in compared:
                cells[f"Paper: {_words(key).lower()}"] = _cell(key, paper(row).get(key))
        shown.append(cells)
    return shown


def _shown(key: str, found: Any) -> bool:
    return key not in (*_NAMES, "paper", "unit") and (
        value(found) is not None or isinstance(found, str)
    )


def _words(key: str) -> str:
    return FIGURES[key][0] if key in FIGURES else key.replace("_", " ").capitalize()


def _cell(key: str, found: Any, unit: str | None = None) -> str:
    if isinstance(found, str):
        return found
    number = value(found)
    if number is None:
        return NOTHING
    if key == "p_value" and number[0] < 0.001:
        return "< 0.001"
    _, factor, digits = FIGURES.get(key, ("", 1, None))
    shown = _number(factor * number[0], digits)
    if number[1] is not None:
        shown += f" ± {_number(factor * number[1], digits)}"
    return f"{shown} {unit}" if unit and key == "value" else shown


def _number(of: float, digits: int | None) -> str:
    """Three figures where nothing else is said; thousands apart."""
    if digits is None:
        digits = (
            0
            if abs(of) >= 100 or of == int(of)
            else 1
            if abs(of) >= 10
            else 2
            if abs(of) >= 1
            else 3
        )
    return f"{of:,.{digits}f}"


def runs(table: dict[str, Any]) -> list[dict[str, str]]:
    """Where each row comes from: its run folders, and what each of them gave."""
    found = []
    for row in table["rows"]:
        names = row.get("runs") or []
        each = next(
            (
                (key, row[key]["each"])
                for key in FIGURES
                if isinstance(row.get(key), dict) and row[key].get("each")
            ),
            None,
        )
        for i, run in enumerate(names):
            line = {"": name(row), "Run": str(run)}
            if each is not None and len(each[1]) == len(names):
                line[_words(each[0])] = _cell(each[0], each[1][i])
            found.append(line)
    return found


def beside(
    table: dict[str, Any], key: str = "track_accuracy"
) -> list[tuple[str, float, float, float]]:
    """(name, ours, its spread or 0, paper's) of each row that has both; shares of 1."""
    found = []
    for row in table["rows"]:
        ours, theirs = value(row.get(key)), paper(row).get(key)
        if ours is not None and theirs is not None:
            found.append((name(row), ours[0], ours[1] or 0.0, theirs))
    return found


def told(table: dict[str, Any]) -> str:
    """Ours against the paper's in words: each row, and whose best is which; empty where nothing can be compared."""
    compared = beside(table)
    if not compared:
        return ""
    each = "; ".join(
        f"{row} {100 * ours:.0f} % (paper {100 * theirs:.0f} %)"
        for row, ours, _, theirs in compared
    )
    return f"{each}. {best(table)}".rstrip()


def best(table: dict[str, Any]) -> str:
    """Which of several rows is best here, and which in the paper."""
    compared = beside(table)
    if len(compared) < 2:
        return ""
    ours, papers = (max(compared, key=lambda row: row[column])[0] for column in (1, 3))
    return (
        f"Best in both: {ours}."
        if ours == papers
        else f"Best here: {ours}; in the paper: {papers}."
    )


def others(table: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Further lists of rows that a table holds, each under its name."""
    found = {
        key: held
        for key, held in table.items()
        if key != "rows" and isinstance(held, list) and held
    }
    return {
        key.capitalize(): rows({"rows": held})
        for key, held in found.items()
        if all(isinstance(row, dict) and name(row) for row in held)
    }


def flat(found: dict[str, Any], under: str = "") -> list[dict[str, str]]:
    """Any measurement as rows of name and value; what is nested has its place in its name."""
    lines = []
    for key, held in found.items():
        place = f"{under}{key.replace('_', ' ')}"
        if isinstance(held, dict):
            lines += flat(held, f"{place}: ")
        elif not isinstance(held, list):
            lines.append({"": place, "Value": _number(held, None) if value(held) else str(held)})
        else:
            lines.append(
                {
                    "": place,
                    "Value": ", ".join(_number(x, None) if value(x) else str(x) for x in held),
                }
            )
    return lines


def source(table: dict[str, Any]) -> str:
    """Where a table's figures are from: protocol, grid, threshold."""
    said = [str(table["context"])] if table.get("context") else []
    if "grid" in table:
        said.append(f"Grid: {table['grid']}.")
    if score := table.get("score"):
        said.append(f"Score: {score}")
    threshold = table.get("threshold")
    if isinstance(threshold, dict):
        said.append(
            "Thresholds: " + ", ".join(f"{name} {limit:.3g}" for name, limit in threshold.items())
        )
    elif isinstance(threshold, (int, float)):
        said.append(f"Threshold: {threshold:.3g}")
    return " ".join(sentence if sentence[-1] in ".!?" else f"{sentence}." for sentence in said)


def curve_told(run: dict[str, Any]) -> str:
    """A run's loss curve in a sentence or two."""
    epochs, train = run["epoch"], run["train_loss"]
    said = f"Over {len(epochs)} epochs the training loss falls from {train[0]:.2f} to {train[-1]:.2f} nats."
    validation = _present(run, "val_loss")
    if validation:
        epoch, loss = min(validation, key=lambda pair: pair[1])
        said += (
            f" On tracks it does not learn from, the loss is lowest at epoch {epoch} ({loss:.2f}) and ends at "
            f"{validation[-1][1]:.2f}."
        )
    tracks = _present(run, "val_track")
    if tracks:
        said += f" At the end {100 * tracks[-1][1]:.0f} % of those tracks are named right."
    return said


def _present(run: dict[str, Any], key: str) -> list[tuple[int, float]]:
    """(epoch, value) where a value was measured."""
    return [(e, v) for e, v in zip(run["epoch"], run.get(key) or [], strict=False) if v is not None]
