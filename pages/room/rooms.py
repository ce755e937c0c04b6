"""Rooms in which a class answers the quiz together: in memory only, without names.

A teacher has a room by its secret, students by its code. Each student has a seat that nobody else
knows; what a seat is shown (`View`) holds no one else's answers.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

# Without vowels, so that no code is a word, and without what looks alike: 64 million codes.
ALPHABET = "CDFHJKMNPQRTVWXY3479"
CODE_LENGTH = 6

MAX_ROOMS = 10
MAX_STUDENTS = 60

# Seconds after the last join, vote or step of the teacher's.
IDLE_SECONDS = 3600.0


class FullError(Exception):
    """The server keeps no more rooms, or the room no more students."""


class Phase(Enum):
    """What a room does: students join, a question is open, its answer is shown, the final score."""

    WAITING, OPEN, REVEALED, FINISHED = range(4)


@dataclass(frozen=True)
class Quiz:
    """The number and level that the questions come from, the possible answers, the correct ones."""

    number: int
    level: str
    options: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """What one student may see.

    Attributes:
        question: counts all questions that the room has asked, from 1.
        position: of the question in its quiz, from 1.
        total: questions in the quiz.
        vote: the student's own.
        answer: the correct one, once it is shown.
        correct: how many of the student's own votes were, of questions whose answer was shown.
    """

    phase: Phase
    question: int = 0
    position: int = 0
    total: int = 0
    options: tuple[str, ...] = ()
    vote: str | None = None
    answer: str | None = None
    correct: int = 0


@dataclass(frozen=True)
class Standing:
    """What the teacher sees: for each question asked in this quiz, the votes by option."""

    phase: Phase
    students: int
    quiz: Quiz | None
    votes: tuple[Counter[str], ...]

    @property
    def revealed(self) -> int:
        """The number of questions whose answer was shown."""
        return len(self.votes) - (self.phase is Phase.OPEN)

    @property
    def score(self) -> tuple[int, int]:
        """Correct votes and all votes, of questions whose answer was shown."""
        shown = self.votes[: self.revealed]
        answers = self.quiz.answers if self.quiz else ()
        right = sum(votes[answer] for votes, answer in zip(shown, answers, strict=False))
        return right, sum(votes.total() for votes in shown)


class Room:
    """One room; its methods may be called from any thread."""

    def __init__(self, code: str, clock: Callable[[], float]) -> None:
        self.code, self.secret = code, secrets.token_urlsafe(16)
        self._clock, self._lock = clock, threading.Lock()
        self._seats: set[str] = set()
        self._quiz: Quiz | None = None
        self._votes: list[dict[str, str]] = []  # of each question asked: seat → option
        self._phase = Phase.WAITING
        self._asked = 0
        self.used = clock()

    def join(self) -> str:
        """A new seat. Raises FullError."""
        with self._lock:
            if len(self._seats) >= MAX_STUDENTS:
                raise FullError
            seat = secrets.token_urlsafe(16)
            self._seats.add(seat)
            self.used = self._clock()
            return seat

    def has(self, seat: str) -> bool:
        """Whether a seat is one of this room's."""
        return seat in self._seats

    def vote(self, seat: str, question: int, option: str) -> bool:
        """Whether the vote counts: an open question's does, and replaces the seat's earlier one."""
        with self._lock:
            counts = (
                self._phase is Phase.OPEN
                and self._quiz is not None
                and question == self._asked
                and option in self._quiz.options
                and seat in self._seats
            )
            if counts:
                self._votes[-1][seat] = option
                self.used = self._clock()
            return counts

    def begin(self, quiz: Quiz) -> None:
        """Ask a quiz's first question, unless another quiz is under way."""
        with self._lock:
            if self._phase in (Phase.WAITING, Phase.FINISHED):
                self._quiz, self._votes = quiz, []
                self._ask()

    def reveal(self) -> None:
        """Take no more votes, and show the answer."""
        with self._lock:
            if self._phase is Phase.OPEN:
                self._phase = Phase.REVEALED
                self.used = self._clock()

    def go_on(self) -> None:
        """After an answer: ask the next question; after the last one, show the final score."""
        with self._lock:
            if self._phase is Phase.REVEALED and self._quiz is not None:
                if len(self._votes) < len(self._quiz.answers):
                    self._ask()
                else:
                    self._phase = Phase.FINISHED
                    self.used = self._clock()

    def _ask(self) -> None:
        self._votes.append({})
        self._asked += 1
        self._phase, self.used = Phase.OPEN, self._clock()

    def view(self, seat: str) -> View:
        """What a student sees now."""
        with self._lock:
            if self._quiz is None:
                return View(self._phase)
            shown = self._phase is not Phase.OPEN
            answers = self._quiz.answers[: len(self._votes) - (not shown)]
            return View(
                self._phase,
                self._asked,
                len(self._votes),
                len(self._quiz.answers),
                self._quiz.options,
                self._votes[-1].get(seat),
                answers[-1] if shown else None,
                sum(v.get(seat) == a for v, a in zip(self._votes, answers, strict=False)),
            )

    def standing(self) -> Standing:
        """What the teacher sees now."""
        with self._lock:
            votes = tuple(Counter(each.values()) for each in self._votes)
            return Standing(self._phase, len(self._seats), self._quiz, votes)


class Rooms:
    """All open rooms of a process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._rooms: dict[str, Room] = {}

    def open(self) -> Room:
        """A new room. Raises FullError."""
        with self._lock:
            if len(self._current()) >= MAX_ROOMS:
                raise FullError
            code = ""
            while not code or code in self._rooms:
                code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
            room = self._rooms[code] = Room(code, self._clock)
            return room

    def by_code(self, code: str) -> Room | None:
        """A student's way to a room."""
        with self._lock:
            return self._current().get(code)

    def by_secret(self, secret: str) -> Room | None:
        """The teacher's way to a room."""
        with self._lock:
            rooms = self._current().values()
            return next((room for room in rooms if room.secret == secret), None)

    def close(self, room: Room) -> None:
        """Forget a room, its students and their votes."""
        with self._lock:
            self._rooms.pop(room.code, None)

    def _current(self) -> dict[str, Room]:
        oldest = self._clock() - IDLE_SECONDS
        self._rooms = {code: room for code, room in self._rooms.items() if room.used > oldest}
        return self._rooms


def parse(typed: str) -> str | None:
    """A code as it may be typed, in either case and with spaces or hyphens; None where it is none.

    Whether there is such a room is not asked.
    """
    code = "".join(letter for letter in typed.upper() if letter not in " -")
    return code if len(code) == CODE_LENGTH and set(code) <= set(ALPHABET) else None


def spaced(code: str) -> str:
    """A code as it is read out: "K7M 4RW"."""
    return f"{code[:3]} {code[3:]}"
