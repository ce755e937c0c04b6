"""Train live through Streamlit's own tester; every run of the page is one slice of training."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from pages.lab import live
from pages.shared import cache
from tests.pages.visit import given, opened, words


@pytest.fixture(autouse=True)
def _one_step_a_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live, "_SLICE", 0.0)
    yield
    cache.clear()


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return page.run()


def step(page: AppTest) -> int:
    number: int = page.session_state["training"].comparison.step
    return number


def test_a_class_trains_stops_and_lets_the_next_one_train() -> None:
    page = opened("lab", view="Train live")
    assert "first half of each song" in words(page)
    assert "Guess first" in words(page)
    assert "Over 5 seeds" not in words(page)  # the answer comes afterwards
    press(page, "Train both networks")
    assert not page.exception
    first = step(page)
    assert step(page.run()) == first + 1
    assert first == 1
    assert "Step 1 of 600" in page.get("progress")[0].proto.text
    plain, augmented = given(page, "curves")
    assert plain.count("<polyline") == 2
    assert ", without augmentation" in plain
    assert ", with augmentation" in augmented
    other = press(opened("lab", view="Train live"), "Train both networks")
    assert "1 training is ahead" in words(other)
    assert other.session_state["training"].comparison is None
    press(page, "Stop")
    stopped = step(page)
    assert step(page.run()) == stopped
    assert "Over 5 seeds" in words(page)
    assert "stopped" in page.get("progress")[0].proto.text
    assert step(other.run()) == 1
    other.session_state["training"].comparison.steps = 2
    other.run()
    assert other.session_state["training"].comparison.done
    assert "Finished" in other.get("progress")[0].proto.text
    assert live.line().ahead(object()) == 0
    assert "Train again" in [button.label for button in other.button]


def test_the_rack_of_the_experiment_is_used_where_it_works_on_spectrograms() -> None:
    query = {"view": "Train live", "train_with": "As set in Experiment", "time": "false"}
    page = opened("lab", **query, freq="true", f="30", codec="true")
    assert "1 frequency mask up to 30 bands. The rack's other effects" in words(page)
    page = opened("lab", **query, noise="true", snr="-900")
    assert "white noise at a random ratio from −20 to 40 dB" in words(page)
    page = opened("lab", **query, codec="true")
    assert "Nothing that this training can use" in words(page)
    assert next(b for b in page.button if b.label == "Train both networks").disabled
