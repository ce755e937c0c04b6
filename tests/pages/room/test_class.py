"""A teacher and students through Streamlit's own tester; each session is a browser of its own."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from pages.room import registry, rooms, teacher
from pages.room.rooms import Phase, Room
from pages.shared import cache
from tests.pages.visit import opened, players, words


@pytest.fixture(autouse=True)
def _no_rooms_from_before() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception
    return page


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def open_room(**query: str) -> tuple[AppTest, Room]:
    page = press(opened("lab", view="Quiz", **query), "Class mode")
    room = registry().by_secret(page.session_state["room"])
    assert room is not None
    assert rooms.spaced(room.code) in words(page)
    return page, room


def join(room: Room) -> AppTest:
    page = opened("room", code=room.code)
    assert not page.exception
    return page


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def votes(page: AppTest) -> dict[str, int]:
    rows = re.findall(r"<span>(.*?)(?: ✓)?</span>.*?<b>(\d+)", html(page))
    return {name: int(count) for name, count in rows}


def test_a_class_answers_a_quiz_to_its_end() -> None:
    page, room = open_room()
    assert "0** students joined" in words(page)
    first, second = join(room), join(room)
    assert "The first question appears here" in words(first)
    assert "2** students joined" in words(page.run())
    press(page, "First question")
    assert "0 of 2** answered" in words(page)
    answers = registry().by_code(room.code).standing().quiz.answers
    correct = 0
    for number, answer in enumerate(answers, start=1):
        for student in (first.run(), second.run()):
            assert f"Question {number} of {len(answers)}" in words(student)
            assert len(labels(student)) == 4
            assert not players(student)  # they listen to the teacher's
        press(first, "Background noise")
        press(second, "Time warping")
        press(second, "Time masking")  # until the answer is shown, it may be changed
        assert "Your answer is in." in words(second)
        assert "2 of 2** answered" in words(page.run())
        assert "✓" not in html(page)
        press(page, "Show the answer")
        assert votes(page)["Background noise"] == votes(page)["Time masking"] == 1
        assert sum(votes(page).values()) == 2
        correct += answer == "noise"
        first.run()
        box = first.success if answer == "noise" else first.error
        assert len(box) == 1
        assert f"**{correct} of {number}**" in words(first)
        assert not labels(first)
        press(page, "Next question" if number < len(answers) else "Final score")
    assert f"{correct} of 8 correct" in words(first.run())
    assert "of 16 answers correct" in words(page)
    assert page.number_input(key="quiz").value == 2
    press(page, "First question")  # of another quiz, in the same room
    assert "Question 1 of 8" in words(first.run())
    assert not first.success


def test_a_late_joiner_answers_from_the_open_question_on_and_a_late_vote_is_refused() -> None:
    page, room = open_room()
    early = join(room)
    press(page, "First question")
    press(page, "Show the answer")
    late = join(room)
    assert "It was" in late.info[0].value
    press(page, "Next question")
    for student in (early.run(), late.run()):
        assert "Question 2 of 8" in words(student)
    press(page, "Show the answer")
    press(late, "Time masking")  # their page still showed the question
    assert "Too late" in late.toast[0].value
    assert sum(votes(page.run()).values()) == 0
    press(page, "Next question")
    early.run()  # shows question 3
    press(page, "Show the answer")
    press(page, "Next question")
    press(early, "Time masking")  # of question 3, while 4 is open
    assert "0 of 2** answered" in words(page.run())
    assert "Question 4 of 8" in words(early)


def test_a_reload_keeps_both_the_seat_and_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    page, room = open_room()
    student = join(room)
    press(page, "First question")
    press(student.run(), "Time warping")
    kept = dict(re.findall(r"document\.cookie = '([^=]+)=([^;]+)", html(page) + html(student)))
    assert kept["room"] == room.secret
    context = type("Context", (), {"cookies": kept, "url": "http://192.168.1.20:8501/lab"})
    monkeypatch.setattr("streamlit.context", context())
    again = join(room)
    chosen = [button for button in again.button if button.proto.type == "primary"]
    assert [button.label for button in chosen] == ["Time warping"]
    desk = opened("lab", view="Quiz")
    assert "1 of 1** answered" in words(desk)
    assert room.secret not in "".join(desk.query_params)
    press(desk, "Show the answer")
    assert room.standing().phase is Phase.REVEALED
    assert votes(page.run()) == votes(desk)  # both pages show the same room


def test_a_student_page_holds_no_secret_and_no_answer_before_it_is_shown() -> None:
    page, room = open_room()
    press(page, "First question")
    student = join(room)
    everything = str(student.main)
    assert room.secret not in everything
    clues = ["It was", "Correct", "✓"]
    assert not [clue for clue in clues if clue in everything]


def test_a_closed_room_is_gone_for_all() -> None:
    page, room = open_room()
    student = join(room)
    press(page, "Close it")
    assert "Class mode" in labels(page)
    assert "votes are deleted" in student.run().info[0].value
    assert "There is no room" in opened("room", code=room.code).warning[0].value


def test_a_room_that_expired_is_explained_to_its_teacher() -> None:
    page, room = open_room()
    room.used -= rooms.IDLE_SECONDS
    assert "closed because nobody" in page.run().info[0].value
    assert not page.run().info


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("cdf hjk", "There is no room CDF HJK. Compare the code"),
        ("K7M4R0", "“K7M4R0” is not a room code. A code has 6 letters"),
        ("**bold**", "“\\*\\*bold\\*\\*” is not a room code"),
        ("x" * 400, "is not a room code"),
    ],
)
def test_a_wrong_code_gets_one_sentence_and_another_try(typed: str, says: str) -> None:
    page, room = open_room()
    student = opened("room", code=typed)
    assert says in student.warning[0].value
    student.text_input(key="typed").set_value(f" {rooms.spaced(room.code).lower()} ")
    press(student, "Join")
    assert "You're in" in words(student)
    assert "1** student joined" in words(page.run())


def test_a_full_room_and_a_full_server_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MAX_STUDENTS", 1)
    monkeypatch.setattr(rooms, "MAX_ROOMS", 1)
    _, room = open_room()
    join(room)
    assert "This room is full" in join(room).warning[0].value
    other = press(opened("lab", view="Quiz"), "Class mode")
    assert "all are open" in other.toast[0].value


@pytest.mark.parametrize(
    ("page", "server", "host"),
    [
        ("http://192.168.1.20:8501/lab", None, "192.168.1.20"),
        ("https://example.org/spectrum/lab", None, "example.org"),
        ("http://localhost:8501/lab", None, "10.0.0.7"),
        ("http://127.0.0.1:8501/lab", "0.0.0.0", "10.0.0.7"),
        ("http://localhost:8501/lab", "127.0.0.1", "localhost"),
    ],
)
def test_the_link_leads_to_where_phones_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, page: str, server: str | None, host: str
) -> None:
    monkeypatch.setattr("streamlit.context", type("Context", (), {"url": page, "cookies": {}})())
    monkeypatch.setattr("streamlit.get_option", {"server.address": server}.get)
    monkeypatch.setattr(teacher, "_network_address", lambda: "10.0.0.7")
    link = urlsplit(teacher._link("K7M4RW"))
    assert link.hostname == host
    assert link.port == urlsplit(page).port
    assert link.path == urlsplit(page).path.removesuffix("lab") + "room"
    assert parse_qs(link.query) == {"code": ["K7M4RW"]}
