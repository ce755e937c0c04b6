"""One computation at a time, first come first served: visitors share cores and memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn import audio
from pages.shared import cache

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# Seconds between two reports of the number of visitors ahead.
_REPORT_EVERY = 0.5

# Seconds after which a place in a Line is lost if nobody asks for it.
_LEASE = 10.0

Report = Callable[[int], None]


class Queue:
    """A lock that knows its waiting line: it keeps the order and reports the length."""

    def __init__(self) -> None:
        self._line: list[object] = []  # all, in order of arrival
        self._holder: object | None = None
        self._aside: object | None = None
        self._changed = threading.Condition()
        self._own = threading.local()

    @contextmanager
    def turn(self, report: Report | None = None) -> Iterator[None]:
        """Wait for a turn and hold it for the block; `report` gets the number of visitors ahead.

        An exception in the block or in `report` (Streamlit raises one when a visitor leaves) gives
        the place up.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            self._wait(ticket, report)
            self._own.turn = (ticket, report)
            yield
        finally:
            self._own.turn = None
            with self._changed:
                self._line.remove(ticket)
                self._holder = None if self._holder is ticket else self._holder
                self._aside = None if self._aside is ticket else self._aside
                self._changed.notify_all()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the others pass during the block, then go on before all who came later.

        One visitor at a time: where another one is aside, and outside a turn, nothing changes. An
        exception in the block gives the turn up.
        """
        ticket, report = getattr(self._own, "turn", None) or (None, None)
        with self._changed:
            if stepped := ticket is not None and self._aside is None:
                self._holder, self._aside = None, ticket
                self._changed.notify_all()
        yield
        if stepped:
            with self._changed:
                self._aside = None
            self._wait(ticket, report)

    def _wait(self, ticket: object, report: Report | None) -> None:
        while (ahead := self._claim(ticket)) > 0:
            if report is not None:
                report(ahead)  # outside the lock: it may take its time
            with self._changed:
                if self._claim(ticket):
                    self._changed.wait(_REPORT_EVERY)

    def _claim(self, ticket: object) -> int:
        """The number of visitors ahead; where there are none, the turn is the ticket's."""
        with self._changed:
            before = self._line[: self._line.index(ticket)]
            ahead = {other for other in (*before, self._holder) if other is not None}
            ahead -= {ticket, self._aside}
            if not ahead:
                self._holder = ticket
            return len(ahead)


class Line:
    """Who may go on, one at a time, first come first served, over many runs of a script.

    Whoever no longer asks has left and loses the place.
    """

    def __init__(self) -> None:
        self._asked: dict[object, float] = {}  # when last, in order of arrival
        self._lock = threading.Lock()

    def ahead(self, ticket: object) -> int:
        """The number of visitors ahead of a ticket, which is at the end where it is new."""
        with self._lock:
            now = time.monotonic()
            for gone in [t for t, asked in self._asked.items() if asked < now - _LEASE]:
                del self._asked[gone]
            self._asked[ticket] = now
            return list(self._asked).index(ticket)

    def leave(self, ticket: object) -> None:
        """Give a place up."""
        with self._lock:
            self._asked.pop(ticket, None)


@cache.shared()
def process_queue() -> Queue:
    """The queue of the whole process; no cache of Streamlit's, which any visitor can clear."""
    return Queue()


@contextmanager
def turn(bar: DeltaGenerator | None = None, done: float = 0.0, prefix: str = "") -> Iterator[None]:
    """Hold the process's turn for the block; show how many visitors are ahead.

    bar: shows the message at the fraction `done`, after `prefix`; without one, a caption does.
    """
    place = st.empty() if bar is None else bar

    def report(ahead: int) -> None:
        visitors = "visitor is" if ahead == 1 else "visitors are"
        message = f"{prefix}{ahead} {visitors} ahead of you. Your turn comes automatically."
        if bar is None:
            place.caption(message)
        else:
            bar.progress(done, message)

    with process_queue().turn(report):
        if bar is None:
            place.empty()
        yield


def decode(source: bytes, **settings: Any) -> audio.decode.Waveform:
    """`crnn.decode` in a worker, while the next visitor has their turn.

    Whoever leaves meanwhile is cancelled: reading the session's state raises then, as every call
    of Streamlit's does.
    """
    with process_queue().aside():
        return audio.worker.decode(source, check=lambda: "track" in st.session_state, **settings)
