"""The lesson's worksheet with its answer key, as a page to print."""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment
from crnn.format import percent
from crnn.labels import display
from crnn.sources.examples import EXAMPLES
from pages.lab import rack
from pages.shared import models, session
from pages.text import content

if TYPE_CHECKING:
    from crnn.augment.plan import Version

_TEMPLATE = Template(Path(__file__).with_name("worksheet.html").read_text("utf-8"))
EXAMPLE, SEGMENT = "hunting", 1  # from 0


def download() -> None:
    """A button; the worksheet is made when it is pressed."""
    st.download_button(
        "Worksheet with answer key",
        page,
        "augmentation-worksheet.html",
        "text/html",
        icon=":material/print:",
        on_click="ignore",
        help="Open it in a browser and print it: the worksheet first, the answer key behind it.",
    )


def page() -> str:
    """The worksheet as HTML; the answers are those of the models in use."""
    sheet, classifiers = content.load("plan")["worksheet"], session.classifiers()
    front_end, seconds = classifiers[0].front_end, classifiers[0].checkpoint.segment_seconds
    samples = session.samples(session.open_example(EXAMPLES[EXAMPLE]))
    count = round(seconds * front_end.sample_rate)
    excerpt = samples[SEGMENT * count : (SEGMENT + 1) * count]
    rows, answers = [], [_row("", "Original", augment.plan.analyse(excerpt, classifiers))]
    for number, question in enumerate(sheet["questions"], start=1):
        strengths = rack.preset(question["set"], front_end)
        plan = augment.plan.sample(strengths, seconds, front_end, seconds, SEGMENT)
        text = escape(question["text"])
        blank = "<td class=blank></td>"
        rows.append(f"<tr><td>{number}</td><td>{text}</td>{blank}{blank}</tr>")
        version = augment.plan.analyse(excerpt, classifiers, plan)
        answers.append(_row(str(number), question["text"], version))
    return _TEMPLATE.substitute(
        title=sheet["title"],
        instructions=escape(sheet["instructions"]),
        rows="\n".join(rows),
        answers="\n".join(answers),
        first=len(rows) + 1,
        questions="".join(
            f"<li>{escape(each['question'])}<div class=lines></div></li>" for each in sheet["open"]
        ),
        solutions="".join(f"<li>{escape(each['answer'])}</li>" for each in sheet["open"]),
        models=(
            "Predictions of the built-in models."
            if models.all_bundled()
            else "Predictions of the models in use, which are not the built-in ones."
        ),
    )


def _row(number: str, text: str, version: Version) -> str:
    cells = [f"<td>{number}</td><td>{escape(text)}</td>"]
    for prediction in version.predictions:
        label, probability = prediction.ranked()[0]
        cells.append(f"<td>{escape(display(label))}, {percent(probability)}</td>")
    return f"<tr>{''.join(cells)}</tr>"
