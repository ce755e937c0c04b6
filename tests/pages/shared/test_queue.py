"""The line keeps its order, tells how long it is, and nobody who leaves blocks it."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from pages.shared.queue import Line, Queue


def test_one_at_a_time_in_order_of_arrival() -> None:
    queue, inside, order = Queue(), [0], []

    def visit(number: int) -> None:
        with queue.turn():
            inside[0] += 1
            assert inside[0] == 1
            order.append(number)
            time.sleep(0.01)
            inside[0] -= 1

    with queue.turn():
        threads = []
        for number in range(6):
            threads.append(threading.Thread(target=visit, args=(number,)))
            threads[-1].start()
            time.sleep(0.01)  # so that arrival is in this order
    for thread in threads:
        thread.join(5)
    assert order == [0, 1, 2, 3, 4, 5]


def test_who_waits_gets_the_number_ahead() -> None:
    queue, ahead = Queue(), []
    first_in, first_out = threading.Event(), threading.Event()

    def hold() -> None:
        with queue.turn():
            first_in.set()
            first_out.wait(5)

    def wait() -> None:
        with queue.turn(lambda before: (ahead.append(before), first_out.set())):
            pass

    threads = [threading.Thread(target=hold), threading.Thread(target=wait)]
    threads[0].start()
    first_in.wait(5)
    threads[1].start()
    for thread in threads:
        thread.join(5)
    assert ahead[0] == 1


def test_a_turn_that_fails_is_given_up() -> None:
    queue = Queue()
    with pytest.raises(RuntimeError):
        with queue.turn():
            raise RuntimeError
    with queue.turn(lambda before: pytest.fail(f"{before} still in line")):
        pass


def test_who_leaves_while_waiting_frees_the_place() -> None:
    queue = Queue()

    def leave(before: int) -> None:
        raise InterruptedError

    with queue.turn():
        thread_errors = []

        def wait() -> None:
            try:
                with queue.turn(leave):
                    pass
            except InterruptedError as error:
                thread_errors.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(5)
        assert len(thread_errors) == 1
    with queue.turn(lambda before: pytest.fail("the place was kept")):
        pass


def started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_others_pass_while_one_decodes_and_it_goes_on_before_who_came_later() -> None:
    queue, order = Queue(), []
    aside, decoded, second_in, second_out = (threading.Event() for _ in range(4))

    def first() -> None:
        with queue.turn():
            with queue.aside():
                aside.set()
                decoded.wait(5)
            order.append("first")

    def second() -> None:
        with queue.turn():
            second_in.set()
            second_out.wait(5)
            order.append("second")

    def third() -> None:
        with queue.turn():
            order.append("third")

    threads = [started(first)]
    assert aside.wait(5)
    threads.append(started(second))
    assert second_in.wait(5)
    decoded.set()
    threads.append(started(third))
    time.sleep(0.05)
    assert order == []
    second_out.set()
    for thread in threads:
        thread.join(5)
    assert order == ["second", "first", "third"]


def test_one_is_aside_at_a_time_and_who_gives_up_there_leaves_no_trace() -> None:
    queue = Queue()
    left, entered, third_in = (threading.Event() for _ in range(3))

    def leave() -> None:
        with suppress(InterruptedError), queue.turn(), queue.aside():
            entered.set()
            left.wait(5)
            raise InterruptedError

    def third() -> None:
        with queue.turn():
            third_in.set()

    thread = started(leave)
    assert entered.wait(5)
    with queue.turn(), queue.aside():
        other = started(third)
        assert not third_in.wait(0.05)
    other.join(5)
    left.set()
    thread.join(5)
    assert third_in.is_set()
    with queue.turn(lambda before: pytest.fail(f"{before} still in line")), queue.aside():
        started(third).join(5)


def test_a_line_keeps_the_order_and_forgets_who_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    line = Line()
    assert [line.ahead(name) for name in "abcab"] == [0, 1, 2, 0, 1]
    line.leave("a")
    assert [line.ahead(name) for name in "bc"] == [0, 1]
    now = 9.0
    assert line.ahead("c") == 1
    now = 18.0  # b has not asked since 0
    assert [line.ahead(name) for name in "cb"] == [0, 1]
