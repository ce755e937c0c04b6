"""The Lab through Streamlit's own tester, with the bundled networks behind it."""

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
import streamlit as st
from streamlit.testing.v1 import AppTest

from crnn import augment
from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.augment.plan import display_front_end
from crnn.augment.policies import POLICIES
from pages.lab import rack, worksheet
from pages.lab.quiz_questions import BY_EAR, EASIEST, HARDEST, LEVELS, questions
from pages.shared import cache, player
from pages.text import content
from tests.conftest import melody
from tests.pages.visit import figures, opened, own_track, players, words
from training.engine.recipes import RECIPES


def lab(**query: Any) -> AppTest:
    return opened("lab", **query)


def open_own(page: AppTest, samples: np.ndarray) -> AppTest:
    """Upload samples where the Lab offers another song."""
    page.session_state[f"track-{id(page.session_state['track'])}"] = True
    page.run()
    return own_track(page, samples)


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
    """As an address of before opens it: Mountain with a time mask."""
    return lab(example="mountain")


def spectrograms(page: AppTest) -> list[dict[str, Any]]:
    """The player's lanes of spectrograms."""
    (player_data,) = players(page)
    lanes: list[dict[str, Any]] = player_data["spectrograms"]
    return lanes


def images(page: AppTest) -> list[str]:
    """Addresses of the original's and the augmented sound's spectrogram; they tell the content."""
    return [image["url"] for image in spectrograms(page)[0]["images"]]


def on(page: AppTest) -> set[str]:
    return {toggle.key for toggle in page.toggle if toggle.value}


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def test_a_second_track_is_mixed_in_and_with_it_the_label() -> None:
    query = {"example": "palace", "time": "false", "mix": "true", "mix_percent": "40"}
    plain = lab(example="palace", time="false")
    seen = [images(plain)[0]]
    for kind, first in (("Mixup", "60%"), ("CutMix", "60%"), ("MixStyle", "100%")):
        page = lab(**query, mix_kind=kind, mix_with="Mountain")
        assert not page.exception
        assert f"label: Palace {first}, Mountain" in page.get("progress")[0].proto.text
        assert images(page)[0] == seen[0]
        seen.append(images(page)[1])
    assert len({*seen}) == 4
    assert "40% that of Mountain" in words(page)


def test_a_first_visit_opens_where_something_happens() -> None:
    page = lab()
    assert not page.exception
    assert on(page) == {"noise"}
    assert "White noise, 10 dB quieter than the music." in words(page)
    assert "**Genre** changes from **Jazz**" in words(page)
    (chart,) = figures(page)
    shifts = [note["text"] for note in chart["layout"]["annotations"]]
    assert 1 <= len(shifts) <= 5
    assert not {"+0", "−0", "0"} & set(shifts)
    assert {"example", "noise", "time"} <= set(page.query_params)  # the link opens the same
    assert all(chart.proto.alt for chart in page.get("plotly_chart"))


def test_a_link_of_before_opens_what_it_opened(page: AppTest) -> None:
    assert not page.exception
    assert on(page) == {"time"}
    assert page.number_input(key="segment").value == 1
    assert "Masked " in words(page)
    assert "T = 50 frames" in words(page)
    assert not lab(example="mountain", noise="true", snr="4", t="0.5").exception
    old = lab(example="mountain", noise="true", snr="4", t="0.5", freq="true", f="20", diff="true")
    assert on(old) == {"time", "noise", "freq", "diff"}
    assert "White noise, 4 dB quieter" in words(old)
    assert len(spectrograms(old)) == 2


def test_a_control_changes_sound_spectrogram_and_numbers(page: AppTest) -> None:
    before, said = images(page), words(page)
    page.toggle(key="noise").set_value(True).run()
    page.slider(key="snr").set_value(-20).run()
    assert not page.exception
    assert "20 dB louder than the music" in words(page)
    assert words(page) != said
    assert images(page)[0] == before[0]
    assert images(page)[1] != before[1]


def test_everything_off_changes_nothing(page: AppTest) -> None:
    press(page, "reset")
    assert on(page) == set()
    assert "Everything is off." in words(page)
    assert "as before)" in words(page)
    assert figures(page) == []


def test_randomise_takes_the_next_seed(page: AppTest) -> None:
    first = words(page)
    press(page, "randomise")
    assert page.number_input(key="seed").value == 1
    assert words(page) != first


def test_a_preset_sets_the_rack_is_marked_and_can_be_shared(page: AppTest) -> None:
    for name, settings in content.load("lab")["presets"].items():
        press(page, f"preset-{name}")
        assert not page.exception
        assert on(page) == {key for key, value in settings.items() if value is True}
        marked = [b.label for b in page.button if b.proto.type == "primary"]
        assert marked == [name]
        again = lab(**{key: page.query_params[key] for key in page.query_params})
        assert on(again) == on(page)
        assert words(again) == words(page)


def test_presets_are_what_they_are_called() -> None:
    """SpecAugment's policy and the bundled genre network's recipe, in the rack's units."""
    presets, front_end = content.load("lab")["presets"], display_front_end(GTZAN_FRONT_END)
    policy, preset = POLICIES["LD"].strengths(front_end, 3.0), presets["SpecAugment LD"]
    hop = 512 / 22_050
    assert preset["f"] == policy.frequency_mask
    assert preset["masks"] == policy.masks
    assert preset["t"] / hop == pytest.approx(policy.time_mask, abs=1)
    assert preset["w"] / hop == pytest.approx(policy.time_warp, abs=1)
    recipe, preset = RECIPES["genre"], presets["As trained"]
    assert (preset["t"], preset["f"], preset["masks"]) == (
        recipe.time_mask,
        recipe.frequency_mask,
        recipe.masks,
    )
    assert preset["eq_db"] == recipe.equaliser_db
    effects = content.load("lab")["effects"]
    assert effects["gain"]["training"] == f"up to ±{recipe.gain_db:g} dB"
    assert {name for name, effect in effects.items() if "training" in effect} == {
        "gain",
        "equaliser",
        "band",
        "noise",
        "time_mask",
        "frequency_mask",
    }
    assert recipe.band_limit == 0.5  # "in half of its segments"
    assert not recipe.noise_db
    assert not recipe.time_warp


def test_effects_change_places_and_one_is_heard_alone() -> None:
    page = lab(time="false", reverb="true", clip="true", codec="true")
    said = "Reverberation of 1.5 s. Clipped 12 dB below the peak. MP3 at 16 kbit/s."
    assert said in words(page)
    press(page, "arrow_upward-clipping")
    said = "Clipped 12 dB below the peak. Reverberation of 1.5 s. MP3 at 16 kbit/s."
    assert said in words(page)
    assert said in words(lab(**{key: page.query_params[key] for key in page.query_params}))
    press(page, "solo-codec")
    assert said not in words(page)
    assert "MP3 at 16 kbit/s." in words(page)
    press(page, "solo-codec")
    assert said in words(page)


def test_every_effect_works_at_both_ends_of_its_range(page: AppTest) -> None:
    for name, effect in content.load("lab")["effects"].items():
        press(page, "reset")
        page.toggle(key=effect["switch"]).set_value(True).run()
        for end in (0, 1):
            if name == "codec":
                page.select_slider(key="kbit").set_value(effect["range"][0][-end])
            else:
                value = effect["range"][end]
                value = (value, value) if name == "band" else value
                page.slider(key=effect["slider"]).set_value(value)
            page.run()
            assert not page.exception, name
            assert not page.error, name


def test_the_whole_track_has_a_random_sample_for_each_segment(page: AppTest) -> None:
    page.segmented_control(key="scope").set_value("Whole track").run()
    assert not page.exception
    assert "(first of 5 segments)" in words(page)
    assert players(page)[0]["seconds"] > 25


def test_the_difference_and_the_warps_map_are_shown_when_asked_for(page: AppTest) -> None:
    count = len(page.get("plotly_chart"))
    page.toggle(key="diff").set_value(True).run()
    assert [len(lane["images"]) for lane in spectrograms(page)] == [2, 1]
    page.toggle(key="warp").set_value(True).run()
    assert len(page.get("plotly_chart")) == count + 1
    assert " moved to " in words(page)


def test_a_robustness_curve_is_computed_when_asked_for(page: AppTest) -> None:
    count = len(figures(page))
    page.toggle(key="curve").set_value(True).run()
    for sweep in augment.robustness.NAMES.values():
        page.segmented_control(key="sweep").set_value(sweep).run()
        assert not page.exception
        last = figures(page)[-1]
        assert len(figures(page)) == count + 1
        assert last["layout"]["title"]["text"].startswith(sweep)
        assert len(last["data"]) == 4  # line and shade for genre and mood


def test_ones_own_track_is_used_and_the_address_leaves_it_out(page: AppTest) -> None:
    open_own(page, melody(8))
    assert not page.exception
    assert players(page)[0]["name"] == "mine.wav"
    assert "example" not in page.query_params


def test_half_a_second_is_enough_and_what_was_clamped_is_said(page: AppTest) -> None:
    open_own(page, melody(0.5))
    page.toggle(key="warp").set_value(True).run()
    assert not page.exception
    assert "is cut to that" in words(page)
    assert players(page)[0]["seconds"] == pytest.approx(0.5, abs=0.01)


def test_a_silent_segment_is_a_sentence_and_the_next_one_works(page: AppTest) -> None:
    open_own(page, np.concatenate([melody(6), np.zeros(132_300, np.float32), melody(6)]))
    page.number_input(key="segment").set_value(2).run()
    assert "Choose another segment" in page.warning[0].value
    page.number_input(key="segment").set_value(1).run()
    assert not page.warning
    assert len(players(page)) == 1


def test_a_shorter_track_after_a_late_segment_is_no_trouble(page: AppTest) -> None:
    page.number_input(key="segment").set_value(5).run()
    open_own(page, melody(7))
    assert not page.exception
    assert page.number_input(key="segment").value == 1


def test_an_unknown_example_is_named_and_another_is_shown() -> None:
    page = lab(example="[yesterday](https://x.y)")
    assert "called “\\[yesterday\\]" in page.error[0].value
    assert len(players(page)) == 1


def test_projector_mode_hides_what_is_around(page: AppTest) -> None:
    page.toggle(key="projector").set_value(True).run()
    assert not page.exception
    assert "stHeader" in "".join(element.proto.body for element in page.get("html"))


def test_the_sounds_are_served_equally_loud(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the player gets, not only what was rendered."""
    served: list[np.ndarray] = []

    def keep(_: str, data: bytes, mime: str) -> str:
        if mime == "audio/wav":
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

    def answered(self, quiz: AppTest, level: str) -> int:
        """Answer all questions, every second one wrongly; the number of correct answers."""
        correct = 0
        for number, question in enumerate(questions(1, level)):
            assert f"Question {number + 1} of 8" in quiz.get("progress")[0].proto.text
            other = next(k for k in LEVELS[level] if k != question.answer)
            answer = question.answer if number % 2 == 0 else other
            quiz.button(key=f"answer-{answer}").click().run()
            assert not quiz.exception
            box = quiz.success if answer == question.answer else quiz.error
            assert content.load("lessons")[question.answer]["clue"] in box[0].value
            correct += answer == question.answer
            quiz.button(key="next").click().run()
        return correct

    def test_answers_are_explained_counted_shared_and_reviewed(self, quiz: AppTest) -> None:
        correct = self.answered(quiz, EASIEST)
        assert f"{correct} of 8 correct" in words(quiz)
        link = {key: quiz.query_params[key] for key in quiz.query_params}
        shared = lab(**link | {"view": "Quiz"})
        assert f"{correct} of 8 correct" in words(shared)
        assert shared.error  # the review begins with the first mistake
        review = next(s for s in shared.segmented_control if s.key.startswith("review"))
        review.set_value(0).run()
        assert shared.success
        assert len(players(shared)[0]["spectrograms"]) == 2
        next(b for b in quiz.button if b.label == "New quiz").click().run()
        assert quiz.number_input(key="quiz").value == 2
        assert "answers" not in quiz.query_params
        assert "Question 1 of 8" in quiz.get("progress")[0].proto.text

    def test_without_masks_there_are_six_answers(self, quiz: AppTest) -> None:
        quiz.segmented_control(key="level").set_value(HARDEST).run()
        assert f"{self.answered(quiz, HARDEST)} of 8 correct" in words(quiz)

    def test_by_ear_nothing_is_seen_until_the_answer(self, quiz: AppTest) -> None:
        quiz.segmented_control(key="level").set_value(BY_EAR).run()
        (shown,) = players(quiz)
        assert shown["spectrograms"] == []
        original, augmented = shown["sounds"]
        assert original["peaks"] == augmented["peaks"]
        quiz.button(key="answer-time").click().run()
        assert len(players(quiz)[0]["spectrograms"]) == 2

    def test_a_hint_helps_and_is_counted(self, quiz: AppTest) -> None:
        press(quiz, "hint")
        hint = content.load("lessons")[questions(1)[0].answer]["hint"]
        assert hint in [box.value for box in quiz.info]
        self.answered(quiz, EASIEST)
        assert "1 hint used." in words(quiz)

    @pytest.mark.parametrize("answers", ["0123", "01239999", "0123012x", "४" * 8, ""])
    def test_a_link_without_a_whole_score_begins_the_quiz(self, answers: str) -> None:
        page = lab(view="Quiz", answers=answers)
        assert not page.exception
        assert "Question 1 of 8" in page.get("progress")[0].proto.text

    def test_a_second_press_answers_nothing(self, quiz: AppTest) -> None:
        quiz.button(key="answer-time").click()
        quiz.button(key="answer-time").click().run()
        assert len(quiz.session_state["quiz_state"].answers) == 1

    def test_before_the_answer_nothing_gives_it_away(self, quiz: AppTest) -> None:
        alternative = players(quiz)[0]["alt"]
        assert not any(word in alternative for word in ("Masked", "noise", "moved to"))


class TestLessons:
    @pytest.fixture
    def lessons(self, page: AppTest) -> AppTest:
        return page.segmented_control(key="view").set_value("Lessons").run()

    def test_each_lesson_shows_its_code(self, lessons: AppTest) -> None:
        for lesson in content.load("lessons").values():
            lessons.button_group(key="lesson").set_value(lesson["title"]).run()
            assert not lessons.exception
            for name in lesson["code"].split():
                assert content.source(name)[1].rstrip() in lessons.code[0].value
            assert lesson["imitates"] in words(lessons)

    def test_the_plan_fills_45_minutes(self, lessons: AppTest) -> None:
        steps = content.load("plan")["steps"]
        ends = [[int(end) for end in step["minutes"].split("–")] for step in steps]
        assert [start for start, _ in ends] == [0, *(end for _, end in ends[:-1])]
        assert ends[-1][1] == 45
        assert all(step["title"] in words(lessons) for step in steps)

    def test_try_it_sets_the_console(self, lessons: AppTest) -> None:
        tries = {}
        for step in content.load("plan")["steps"]:
            tries |= step.get("tries", {})
        for title, experiment in tries.items():
            lessons.segmented_control(key="view").set_value("Lessons").run()
            next(b for b in lessons.button if b.label.startswith(title)).click().run()
            assert not lessons.exception
            switches = {name for name, value in experiment["set"].items() if value is True}
            assert on(lessons) == switches
            assert lessons.session_state["track"].example == experiment["example"]

    @pytest.mark.parametrize("view", ["Train live", "Quiz"])
    def test_the_plan_opens_the_other_views(self, lessons: AppTest, view: str) -> None:
        next(b for b in lessons.button if b.label == f"Open “{view}”").click().run()
        assert lessons.session_state["view"] == view
        assert not lessons.exception

    def test_settings_of_lessons_and_presets_exist(self) -> None:
        effects = content.load("lab")["effects"].values()
        known = {name for effect in effects for name in (effect["switch"], effect["slider"])}
        known |= {"kind", "codec_name", "mix_kind", "mix_with", "masks", "diff"}
        settings = list(content.load("lab")["presets"].values())
        for lesson in content.load("lessons").values():
            settings += lesson.get("sets", {"": lesson.get("set")}).values()
        plan = content.load("plan")
        for step in plan["steps"]:
            settings += [experiment["set"] for experiment in step.get("tries", {}).values()]
        settings += [question["set"] for question in plan["worksheet"]["questions"]]
        assert all(set(each) <= known for each in settings)

    def test_policies_are_specaugments(self) -> None:
        front_end = display_front_end(GTZAN_FRONT_END)
        for name, settings in content.load("lessons")["policies"]["sets"].items():
            ours, theirs = (
                rack.preset(settings, front_end),
                POLICIES[name].strengths(front_end, 3.0),
            )
            for field in ("time_mask", "time_warp", "frequency_mask"):
                assert getattr(ours, field) == pytest.approx(getattr(theirs, field), abs=1)
            assert ours.masks == theirs.masks

    def test_the_worksheets_answers_are_what_the_console_says(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = lab(example="hunting", segment="2", time="false", noise="true", snr="5")
        said = re.search(r"to \*\*(\S+)\*\* \((\d+%)\)\.", words(page))
        assert said is not None
        question = content.load("plan")["worksheet"]["questions"][1]
        monkeypatch.setattr(st, "session_state", {})
        sheet = worksheet.page()
        assert f"<td>{question['text']}</td><td>{said[1]}, {said[2]}</td>" in sheet
        assert sheet.count("<section>") == 2
        assert "$" not in sheet
