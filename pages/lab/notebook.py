"""The experiment that the console is set to, as a Jupyter notebook that runs on the public API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from string import Template
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn import augment
from crnn.format import clock
from crnn.sources.examples import EXAMPLES
from pages.lab import rack, worksheet
from pages.shared import models, session
from pages.shared.markdown import escape
from pages.text import content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crnn.augment.plan import Plan, Strengths


@dataclass(frozen=True)
class Experiment:
    """What the console shows, and nothing of the track but its name; the plan has its noise.

    example: its name in addresses, empty for a visitor's own; start: of the excerpt, in seconds;
    first: the number of its first segment.
    """

    name: str
    example: str
    start: float
    first: int
    plan: Plan


def remember(track: session.Track, start: float, first: int, plan: Plan) -> None:
    """Keep what the console shows."""
    st.session_state.experiment = Experiment(track.name, track.example, start, first, plan)


def download() -> None:
    """A button; the notebook is made when it is pressed, where there is no session any more."""
    experiment, own = (st.session_state.get(name) for name in ("experiment", "own_networks"))
    st.download_button(
        "Download notebook",
        lambda: page(experiment or _first(), own or {}),
        "augmentation.ipynb",
        "application/x-ipynb+json",
        icon=":material/code:",
        on_click="ignore",
        help="The experiment as it is set now, for Jupyter.",
    )


def page(experiment: Experiment, own: Mapping[str, str]) -> str:
    """The notebook as a file (nbformat 4.5); own: addresses of the visitor's own networks."""
    texts, plan = content.load("notebook"), experiment.plan
    kind, name = "example", experiment.example
    if not name:
        kind, name = "own", repr(experiment.name)
    values = {task: own.get(task, task) for task in models.TASKS} | {
        "title": f"{escape(experiment.name, 60)}, {clock(experiment.start)}",
        "file": Template(texts[kind]).substitute(name=name),
        "start": experiment.start,
        "seconds": plan.pieces[-1].end,
        "first": experiment.first,
        "strengths": _code(plan.strengths),
        "other": "\n".join([*_second_track(plan.strengths), *_own_noise(plan.strengths)]),
    }
    cells = [
        _cell(number, kind, Template(text).substitute(values))
        for number, cell in enumerate(texts["cells"])
        for kind, text in cell.items()
    ]
    for lesson in _lessons(plan.strengths):
        entry = lesson | {"code": content.sources(lesson["code"])}
        cells.append(_cell(len(cells), "text", Template(texts["lesson"]).substitute(entry)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(book, indent=1)


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    cell = {"id": f"cell-{number}", "metadata": {}, "source": source.rstrip("\n")}
    if kind == "text":
        return {"cell_type": "markdown"} | cell
    return {"cell_type": "code", "execution_count": None, "outputs": []} | cell


def _first() -> Experiment:
    classifier = session.classifiers()[0]
    seconds, front_end = classifier.checkpoint.segment_seconds, classifier.front_end
    strengths = rack.preset(next(iter(rack.presets().values())), front_end)
    name, number = worksheet.EXAMPLE, worksheet.SEGMENT
    plan = augment.plan.sample(strengths, seconds, front_end, seconds, number)
    return Experiment(EXAMPLES[name].title, name, number * seconds, number, plan)


def _code(strengths: Strengths) -> str:
    """The call that makes the strengths, without what they have by default."""
    lines = []
    for field in fields(strengths):
        value = getattr(strengths, field.name)
        if field.name == "effects" and value:
            made = "".join(f"        effects.{effect!r},\n" for effect in value)
            made = re.sub(r"Recording\(name='.*?'\)", "other", made)
            lines.append(f"    effects=(\n{made}    ),\n")
        elif not isinstance(strengths.noise, str) and field.name == "noise":
            lines.append("    noise=noise,\n")
        elif value != field.default:
            lines.append(f"    {field.name}={value!r},\n")
    return f"plan.Strengths(\n{''.join(lines)})"


def _second_track(strengths: Strengths) -> list[str]:
    """Code that opens the example that is mixed in, if one is."""
    titles = [e.other.name for e in strengths.effects if isinstance(e, augment.effects.Mix)]
    texts = content.load("notebook")
    return [
        Template(texts["other"]).substitute(title=title, file=f'EXAMPLES["{each.name}"].file')
        for title in titles
        for each in EXAMPLES.values()
        if each.title == title
    ]


def _own_noise(strengths: Strengths) -> list[str]:
    """Code that opens the visitor's noise, if it is on."""
    if isinstance(strengths.noise, str):
        return []
    text = Template(content.load("notebook")["noise"])
    return [text.substitute(name=repr(strengths.noise.name))]


def _lessons(strengths: Strengths) -> list[dict[str, Any]]:
    """The lessons about the augmentations that are on."""
    names = {type(effect).__name__ for effect in strengths.effects}
    masks = bool(strengths.masks)
    names |= {
        name
        for name, on in (
            ("BackgroundNoise", strengths.snr_db is not None),
            ("TimeWarp", strengths.time_warp),
            ("FrequencyMask", masks and strengths.frequency_mask),
            ("TimeMask", masks and strengths.time_mask),
        )
        if on
    }
    lessons = content.load("lessons").values()
    return [lesson for lesson in lessons if any(f".{name}." in lesson["code"] for name in names)]
