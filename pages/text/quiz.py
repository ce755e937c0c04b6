"""Sentences of the Lab's quiz and of its rooms that depend on data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crnn.format import percent
from pages.room.rooms import CODE_LENGTH, Phase, spaced
from pages.shared.markdown import escape
from pages.text import content

if TYPE_CHECKING:
    from pages.room.rooms import Standing


def title(option: str) -> str:
    """A possible answer's name."""
    name: str = content.load("lessons")[option]["title"]
    return name


def solution(answer: str, vote: str | None = None) -> str:
    """Which answer is correct, whether a vote was, and why."""
    name = title(answer).lower()
    if vote == answer:
        verdict = f"Correct: {name}."
    else:
        verdict = f"It was {name}{f', not {title(vote).lower()}' if vote else ''}."
    return f"{verdict} {content.load('lessons')[answer]['clue']}"


def refused(typed: str, code: str | None) -> str:
    """Why what was typed opens no room; code: what it stands for, where it has a code's form."""
    if code:
        return (
            f"There is no room {spaced(code)}. Compare the code with the teacher's screen. If it "
            "is the same, the room has been closed."
        )
    return (
        f"“{escape(typed, 20)}” is not a room code. A code has {CODE_LENGTH} letters and digits, "
        "such as K7M 4RW. Copy it from the teacher's screen."
    )


def turnout(standing: Standing) -> str:
    """How many students have joined, and how many of them have answered."""
    if standing.phase in (Phase.OPEN, Phase.REVEALED):
        return f"**{standing.votes[-1].total()} of {standing.students}** answered"
    return f"**{standing.students}** {'student' if standing.students == 1 else 'students'} joined"


def score(standing: Standing) -> str:
    """The class's score so far."""
    right, votes = standing.score
    return f"{percent(right / votes)} of {votes} answers correct" if votes else "No answers yet"
