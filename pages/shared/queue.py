"""One at a time, first come first served: several visitors share two slow cores and little memory."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# How often someone who waits is told how many are still before them, in seconds.
_TELL_EVERY = 0.5


class Queue:
    """A queue for the whole process.

    A plain lock would do the same work, but could neither say how long the line is nor keep its order.
    """

    def __init__(self) -> None:
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, waiting: Callable[[int], None] | None = None) -> Iterator[None]:
        """Wait for one's turn, hold it for the block. waiting is called now and then with how many are before.

        Whatever ends the block or the wait (waiting may raise, when a visitor leaves) gives the place up.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            while (before := self._before(ticket)) > 0:
                if waiting is not None:
                    waiting(before)  # outside the lock: it may take its time
                with self._changed:
                    if self._line[0] is not ticket:
                        self._changed.wait(_TELL_EVERY)
            yield
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _before(self, ticket: object) -> int:
        with self._changed:
            return self._line.index(ticket)
