"""What all visitors share: computed once, bounded, and out of reach of Streamlit's own clearing."""

import threading

import pytest
import streamlit as st

from pages.shared import cache, models, queue


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    cache.clear()


def test_no_browser_can_empty_the_line_or_the_models() -> None:
    line, networks = queue.process_queue(), models.shared()
    # What a websocket's "clear_cache" message calls.
    st.cache_data.clear()
    st.cache_resource.clear()
    assert queue.process_queue() is line
    assert models.shared() is networks


def test_the_same_is_computed_once_and_the_oldest_goes_first() -> None:
    calls = []

    @cache.shared(2)
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert [double(n) for n in (1, 2, 1, 3, 2, 1)] == [2, 4, 2, 6, 4, 2]
    assert calls == [1, 2, 3, 1]


def test_who_asks_meanwhile_waits_and_after_a_failure_computes_itself() -> None:
    calls, entered, leave = [], threading.Event(), threading.Event()

    @cache.shared()
    def value() -> str:
        calls.append(1)
        entered.set()
        leave.wait(5)
        if len(calls) == 1:
            raise InterruptedError
        return "value"

    answers = []

    def ask() -> None:
        try:
            answers.append(value())
        except InterruptedError:
            answers.append("left")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    leave.set()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == ["left", "value", "value"]
    assert len(calls) == 2
