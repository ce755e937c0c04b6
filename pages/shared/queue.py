"""One computation at a time, first come first served: visitors share cores and memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

# Seconds between two reports of the number of visitors ahead.
_REPORT_EVERY = 0.5


class Queue:
    """A lock that knows its waiting line: it keeps the order and reports the length."""

    def __init__(self) -> None:
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, report: Callable[[int], None] | None = None) -> Iterator[None]:
        """Wait for a turn and hold it for the block; `report` gets the number of visitors ahead.

        An exception in the block or in `report` (Streamlit raises one when a visitor leaves) gives
        the place up.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            while (ahead := self._ahead_of(ticket)) > 0:
                if report is not None:
                    report(ahead)  # outside the lock: it may take its time
                with self._changed:
                    if self._line[0] is not ticket:
                        self._changed.wait(_REPORT_EVERY)
            yield
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _ahead_of(self, ticket: object) -> int:
        with self._changed:
            return self._line.index(ticket)


@st.cache_resource(show_spinner=False)
def process_queue() -> Queue:
    """The queue of the whole process."""
    return Queue()


@contextmanager
def turn(bar: DeltaGenerator | None = None, done: float = 0.0, prefix: str = "") -> Iterator[None]:
    """Hold the process's turn for the block; show how many visitors are ahead.

    bar: shows the message at the fraction `done`, after `prefix`; without one, a caption does.
    """
    place = st.empty() if bar is None else bar

    def report(ahead: int) -> None:
        visitors = "visitor is" if ahead == 1 else "visitors are"
        message = f"{prefix}{ahead} {visitors} ahead of you. Yours starts automatically."
        if bar is None:
            place.caption(message)
        else:
            bar.progress(done, message)

    with process_queue().turn(report):
        if bar is None:
            place.empty()
        yield
