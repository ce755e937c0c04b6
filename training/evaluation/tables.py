"""The form of a table in assets/results, which crnn.results reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.evaluation.metrics import mean_sd

Figures = Mapping[str, Sequence[float]]


def table(
    name: str, title: str, context: str, rows: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """A table; `note` is what somebody writes into the file later on."""
    about = {"table": name, "title": title, "context": context, "note": ""}
    return about | more | {"rows": rows}


def row(
    name: str, figures: Figures, runs: Sequence[str] = (), paper: dict[str, float] | None = None
) -> dict[str, Any]:
    """A row: mean and sd of each figure, and the values themselves where runs are named."""
    about: dict[str, Any] = {"name": name, "paper": paper, "runs": list(runs)}
    each = {key: {"each": list(values)} if runs else {} for key, values in figures.items()}
    return about | {key: mean_sd(values) | each[key] for key, values in figures.items()}


def collect(measurements: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """One dictionary of figures a measurement → the values of each figure."""
    return {key: [float(figures[key]) for figures in measurements] for key in measurements[0]}
