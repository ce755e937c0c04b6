"""The Lab through Streamlit's own tester, with the bundled networks behind it."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from crnn import augment
from pages.lab.quiz_questions import questions
from pages.shared import cache, player
from pages.text import content
from tests.conftest import melody
from tests.pages.visit import figures, opened, own_track, words


def lab(**query: str) -> AppTest:
    return opened("lab", **query)


@pytest.fixture(scope="module", autouse=True)
def _networks() -> Iterator[None]:
    """Loaded once for all tests here; one random sample a step is enough for a robustness curve."""
    cache.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augment.robustness, "N_SAMPLES", 1)
        yield
    cache.clear()


@pytest.fixture
def page() -> AppTest:
    return lab()


def test_at_first_sight_an_example_is_masked(page: AppTest) -> None:
    assert not page.exception
    assert "Mountain" in [element.value for element in page.subheader]
    pair = figures(page)[0]
    assert [trace["type"] for trace in pair["data"]] == ["heatmap", "heatmap"]
    assert len(pair["layout"]["shapes"]) == 1
    assert "Masked " in words(page)
    assert "T = 50 frames" in words(page)
    assert (
        page.query_params["example"] == ["mountain"] or page.query_params["example"] == "mountain"
    )
    assert all(chart.proto.alt for chart in page.get("plotly_chart"))


def test_a_control_changes_spectrogram_and_numbers(page: AppTest) -> None:
    before = figures(page)[1]["data"][0]["x"]
    page.toggle(key="noise").set_value(True).run()
    page.slider(key="snr").set_value(-20).run()
    assert not page.exception
    assert "20 dB louder than the music" in words(page)
    assert figures(page)[1]["data"][0]["x"] != before
    assert figures(page)[1]["data"][1]["x"] != before


def test_everything_off_is_the_original(page: AppTest) -> None:
    page.toggle(key="time").set_value(False).run()
    assert "both spectrograms are the same" in words(page)
    after, before = (figures(page)[1]["data"][i]["x"] for i in (0, 1))
    assert after == before


def test_randomise_takes_the_next_seed(page: AppTest) -> None:
    first = figures(page)[0]["layout"]["shapes"][0]["x0"]
    next(button for button in page.button if button.label == "Randomise").click().run()
    assert page.number_input(key="seed").value == 1
    assert figures(page)[0]["layout"]["shapes"][0]["x0"] != first


def test_the_whole_track_has_a_random_sample_for_each_segment(page: AppTest) -> None:
    page.segmented_control(key="scope").set_value("Whole track").run()
    assert not page.exception
    assert "(first of 10 segments)" in words(page)
    assert len(figures(page)[0]["layout"]["shapes"]) >= 9


def test_the_difference_and_the_warps_map_are_shown_when_asked_for(page: AppTest) -> None:
    count = len(page.get("plotly_chart"))
    page.toggle(key="diff").set_value(True).run()
    assert len(figures(page)[0]["data"]) == 3
    page.toggle(key="warp").set_value(True).run()
    assert len(page.get("plotly_chart")) == count + 1
    assert " moved to " in words(page)


@pytest.mark.parametrize("sweep", ["Frequency mask", "Time warp", "Noise"])
def test_each_augmentation_has_its_robustness_curve(page: AppTest, sweep: str) -> None:
    page.segmented_control(key="sweep").set_value(sweep).run()
    assert not page.exception
    last = figures(page)[-1]
    assert last["layout"]["title"]["text"].startswith(sweep)
    assert len(last["data"]) == 4  # line and shade for genre and mood


def test_ones_own_track_is_used_and_the_address_leaves_it_out(page: AppTest) -> None:
    own_track(page, melody(8))
    assert not page.exception
    assert "mine.wav" in [element.value for element in page.subheader]
    assert "example" not in page.query_params


def test_half_a_second_is_enough_and_what_was_clamped_is_said(page: AppTest) -> None:
    own_track(page, melody(0.5))
    page.toggle(key="warp").set_value(True).run()
    assert not page.exception
    assert "is cut to that" in words(page)
    assert len(page.get("plotly_chart")) >= 4


def test_a_silent_segment_is_a_sentence_and_the_next_one_works(page: AppTest) -> None:
    own_track(page, np.concatenate([melody(6), np.zeros(66_150, np.float32), melody(3)]))
    assert "Choose another segment" in page.warning[0].value
    page.slider(key="segment").set_value(1).run()
    assert not page.warning
    assert len(page.get("plotly_chart")) >= 4


def test_a_shorter_track_after_a_late_segment_is_no_trouble(page: AppTest) -> None:
    page.slider(key="segment").set_value(8).run()
    own_track(page, melody(7))
    assert not page.exception
    assert page.slider(key="segment").value == 3


def test_a_link_with_the_difference_shows_it_at_once() -> None:
    page = lab(diff="true", example="hunting")
    assert len(figures(page)[0]["data"]) == 3


def test_an_unknown_example_is_named_and_another_is_shown() -> None:
    page = lab(example="[yesterday](https://x.y)")
    assert "called “\\[yesterday\\]" in page.error[0].value
    assert len(page.get("plotly_chart")) >= 4


def test_the_sounds_are_served_equally_loud(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the player gets, not only what was rendered."""
    served: list[np.ndarray] = []

    def keep(_: str, data: bytes, __: str) -> str:
        served.append(soundfile.read(io.BytesIO(data))[0])
        return ""

    monkeypatch.setattr(player, "_address", keep)
    page.slider(key="t").set_value(0.5).run()
    before, after = (10 * np.log10(np.mean(sound**2)) for sound in served)
    assert after == pytest.approx(before, abs=0.2)


class TestQuiz:
    @pytest.fixture
    def quiz(self, page: AppTest) -> AppTest:
        return page.segmented_control(key="view").set_value("Quiz").run()

    def test_correct_and_wrong_answers_are_explained_and_counted(self, quiz: AppTest) -> None:
        correct = 0
        for number, question in enumerate(questions(1)):
            assert f"Question {number + 1} of 8" in quiz.get("progress")[0].proto.text
            assert not figures(quiz)[0]["layout"].get("shapes")
            other = next(k for k in ("time", "noise") if k != question.answer)
            answer = question.answer if number % 2 == 0 else other
            quiz.button(key=f"answer-{answer}").click().run()
            assert not quiz.exception
            box = quiz.success if answer == question.answer else quiz.error
            assert content.load("lessons")[question.answer]["clue"] in box[0].value
            correct += answer == question.answer
            quiz.button(key="next").click().run()
        assert f"{correct} of 8 correct" in words(quiz)
        next(b for b in quiz.button if b.label == "New quiz").click().run()
        assert quiz.number_input(key="quiz").value == 2
        assert "Question 1 of 8" in quiz.get("progress")[0].proto.text

    def test_a_second_press_answers_nothing(self, quiz: AppTest) -> None:
        quiz.button(key="answer-time").click()
        quiz.button(key="answer-time").click().run()
        assert len(quiz.session_state["quiz_state"][1]) == 1

    def test_before_the_answer_nothing_gives_it_away(self, quiz: AppTest) -> None:
        alternative = quiz.get("plotly_chart")[0].proto.alt
        assert not any(word in alternative for word in ("Masked", "noise", "moved to"))


def test_each_lesson_shows_its_code(page: AppTest) -> None:
    page.segmented_control(key="view").set_value("Lessons").run()
    for lesson in content.load("lessons").values():
        page.segmented_control(key="lesson").set_value(lesson["title"]).run()
        assert not page.exception
        for name in lesson["code"].split():
            assert content.source(name)[1].rstrip() in page.code[0].value
        assert lesson["imitates"] in words(page)


@pytest.mark.parametrize(("old", "new"), [("A crowd", "Crowd"), ("A worn record", "Vinyl crackle")])
def test_noise_of_older_addresses_is_still_chosen(old: str, new: str) -> None:
    page = lab(noise="true", kind=old)
    assert page.selectbox(key="kind").value == new
    assert f"{new}, 10 dB quieter than the music." in words(page)
