"""The line keeps its order, tells how long it is, and nobody who leaves blocks it."""

import threading
import time

import pytest

from pages.shared.queue import Queue


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
