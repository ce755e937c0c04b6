"""How it works through Streamlit's own tester, with the bundled networks behind it."""

from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from crnn.labels import display
from pages.how.view import CHAPTERS
from pages.shared import cache
from tests.conftest import melody
from tests.pages.visit import figures, opened, own_track, words


def how(**query: str) -> AppTest:
    return opened("how", **query)


@pytest.fixture(scope="module", autouse=True)
def _networks() -> Iterator[None]:
    """Loaded once for all tests here."""
    cache.clear()
    yield
    cache.clear()


def turn_to(page: AppTest, chapter: str) -> AppTest:
    return page.segmented_control(key="chapter").set_value(chapter).run()


def probabilities(page: AppTest) -> dict[str, float]:
    """Class → percent, of the table in the last chapter."""
    table = page.dataframe[0].value
    return dict(zip(table["Class"], table["Probability (%)"], strict=True))


def test_without_a_track_an_example_goes_through_all_stages() -> None:
    page = how()
    assert "Mountain" in [element.value for element in page.subheader]
    seen: list[str] = []
    for chapter, stages in CHAPTERS.items():
        turn_to(page, chapter)
        assert not page.exception
        assert not page.error
        titles = [element.value for element in page.subheader if " · " in element.value]
        assert len(titles) == len(stages)
        lit = [b for b in page.button if "how-step" in (b.key or "") and b.proto.type == "primary"]
        assert [b.key for b in lit] == [f"how-step-{name}" for name in stages]
        assert not page.get("latex")
        assert not [code for code in page.get("code") if code.language == "python"]
        assert all(chart.proto.alt for chart in page.get("plotly_chart"))
        assert all(
            figure["layout"].get("title", {}).get("text") or figure["layout"]["annotations"]
            for figure in figures(page)
        )
        seen += titles
    assert [title.split(" · ")[0] for title in seen] == [str(number) for number in range(1, 11)]


def test_both_networks_and_the_last_segment_say_what_listen_says() -> None:
    page = how(example="hunting", chapter="Prediction")
    track = page.session_state["track"]
    for prediction in track.analysis.predictions:
        page.segmented_control(key="task").set_value(prediction.task).run()
        slider = page.select_slider(key="at")
        slider.set_value(slider.options[-1]).run()
        assert not page.exception
        for label, p in zip(prediction.labels, prediction.probabilities[-1], strict=True):
            assert probabilities(page)[display(label)] == pytest.approx(100 * p, abs=0.01)


def test_the_moment_and_the_network_come_from_the_address() -> None:
    page = how(example="palace", chapter="Prediction", task="Mood", at="11.9")
    assert page.select_slider(key="at").value == "11.9"
    assert "11.9 s to 17.9 s" in words(page)
    assert set(probabilities(page)) == {"Dark", "Energetic", "Happy", "Relaxing", "Sad"}


def test_another_moment_another_answer_and_another_layer_other_maps() -> None:
    page = how(example="hunting", chapter="Prediction")
    before = probabilities(page)
    slider = page.select_slider(key="at")
    slider.set_value(slider.options[-1]).run()
    assert probabilities(page) != before
    turn_to(page, "Neural network")
    page.button_group(key="details").set_value(["Maths", "Code", "Shapes"]).run()
    assert not page.exception
    assert any("class" in code.value or "def " in code.value for code in page.get("code"))
    titles = []
    for layer in ("Input", "Layer 1", "Layer 2", "Layer 3", "Layer 4"):
        page.segmented_control(key="layer").set_value(layer).run()
        assert not page.exception
        titles.append(figures(page)[0]["layout"]["title"]["text"])
    assert titles[1] == "Layer 1: 24 of 32 maps of 32 × 77"
    assert titles[4] == "Layer 4: 128 maps of 1 × 19, one per line"
    assert r"32 \times 32 \times 77" in "\n".join(latex.value for latex in page.get("latex"))


def test_half_a_second_has_one_moment_and_says_that_it_is_repeated() -> None:
    page = own_track(how(chapter="Spectrogram"), melody(0.5))
    assert not page.exception
    assert "mine.wav" in [element.value for element in page.subheader]
    assert not page.select_slider
    assert "it is repeated to fill the segment" in words(page)
    turn_to(page, "Prediction")
    assert sum(probabilities(page).values()) == pytest.approx(100, abs=0.1)


def test_silence_is_not_among_the_moments() -> None:
    samples = np.concatenate([np.zeros(5 * 22_050, np.float32), melody(8)])
    page = own_track(how(), samples)
    moments = [float(moment) for moment in page.select_slider(key="at").options]
    assert moments[0] == pytest.approx(5, abs=0.1)
    assert moments[-1] == pytest.approx(7, abs=0.1)
    for chapter in CHAPTERS:
        turn_to(page, chapter)
        assert not page.exception
        assert not page.error


def test_a_silent_track_is_a_sentence() -> None:
    page = own_track(how(), np.zeros(66_150, np.float32))
    assert not page.exception
    assert "silent" in page.error[0].value


def test_a_shorter_track_after_a_late_moment_is_no_trouble() -> None:
    page = how(example="mountain", at="27.1")
    slider = page.select_slider(key="at")
    slider.set_value(slider.options[-1]).run()
    own_track(page, melody(7))
    assert not page.exception
    slider = page.select_slider(key="at")
    assert slider.value == slider.options[-1]


def test_the_button_turns_to_the_next_chapter() -> None:
    page = how()
    for chapter in list(CHAPTERS)[1:]:
        next(button for button in page.button if button.label.startswith("Next")).click().run()
        assert page.segmented_control(key="chapter").value == chapter
        assert any("scrollIntoView" in html.proto.body for html in page.get("html"))
    assert not [button for button in page.button if button.label.startswith("Next")]


@pytest.mark.parametrize(
    ("old", "new"), zip(("Sound", "Picture", "Network", "Answer"), CHAPTERS, strict=True)
)
def test_chapters_of_older_addresses_are_still_opened(old: str, new: str) -> None:
    page = how(chapter=old)
    assert not page.exception
    assert page.segmented_control(key="chapter").value == new


def test_a_step_of_the_diagram_opens_its_chapter() -> None:
    page = how()
    page.button(key="how-step-logits").click().run()
    assert page.segmented_control(key="chapter").value == "Prediction"
