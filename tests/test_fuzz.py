"""A short round of every fuzz target; `python -m tests.fuzz --minutes 60` is the long one."""

import pytest

from tests.fuzz import run
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_random_inputs_raise_nothing_but_our_own_errors(name: str) -> None:
    report = run(TARGETS[name], seconds=3)
    assert report.failures == {}
