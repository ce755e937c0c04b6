"""Rooms: no vote is lost or counted twice, no student sees another's, and all ends."""

import random
import threading
from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.room import rooms
from pages.room.rooms import Phase, Quiz, Room, Rooms, View

QUIZ = Quiz(1, "easy", ("a", "b", "c"), ("b", "a", "c"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def asking(quiz: Quiz = QUIZ) -> Room:
    room = Rooms().open()
    room.begin(quiz)
    return room


def test_votes_from_many_threads_are_all_counted_and_each_student_once() -> None:
    room = asking()
    seats = [room.join() for _ in range(40)]
    last = {}

    def answer(seat: str) -> None:
        for option in random.choices(QUIZ.options, k=50):
            assert room.vote(seat, 1, option)
            last[seat] = option

    threads = [threading.Thread(target=answer, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert room.standing().votes == (Counter(last.values()),)
    assert {seat: room.view(seat).vote for seat in seats} == last


STEPS = st.lists(
    st.sampled_from(["join", "reveal", "go on", "begin"])
    | st.tuples(st.integers(0, 5), st.integers(0, 8), st.sampled_from("abcd")),
    max_size=60,
)


@given(STEPS)
def test_whatever_is_done_in_whatever_order_counts_agree_with_a_plain_record(steps: list) -> None:
    room, seats = Rooms().open(), list[str]()
    record: list[dict[str, str]] = []  # the quiz's votes, by a far simpler rule
    asked, is_open, total = 0, False, len(QUIZ.answers)
    for step in steps:
        if step == "join":
            seats.append(room.join())
        elif step == "reveal":
            room.reveal()
            is_open = False
        elif step in ("go on", "begin"):
            finished = room.standing().phase is Phase.FINISHED
            (room.go_on if step == "go on" else lambda: room.begin(QUIZ))()
            first = step == "begin" and (not asked or finished)
            if first or (step == "go on" and record and not is_open and len(record) < total):
                record = [*([] if first else record), {}]
                asked, is_open = asked + 1, True
        else:
            who, question, option = step
            seat = seats[who] if who < len(seats) else "nobody's"
            allowed = is_open and question == asked and option in QUIZ.options and seat in seats
            assert room.vote(seat, question, option) == allowed
            if allowed:
                record[-1][seat] = option
        standing = room.standing()
        assert [dict(votes) for votes in standing.votes] == [
            dict(Counter(votes.values())) for votes in record
        ]
        shown = list(zip(record[: len(record) - is_open], QUIZ.answers, strict=False))
        right = sum(vote == answer for votes, answer in shown for vote in votes.values())
        assert standing.score == (right, sum(len(votes) for votes, _ in shown))
        for seat in seats:
            view = room.view(seat)
            assert view.vote == (record[-1].get(seat) if record else None)
            assert (view.answer is None) == (not record or is_open)
            assert view.correct == sum(votes.get(seat) == answer for votes, answer in shown)


def test_what_others_do_changes_nothing_that_a_student_sees() -> None:
    alone, among = asking(), asking()
    mine, same, others = alone.join(), among.join(), [among.join() for _ in range(30)]

    def look() -> tuple[View, View]:
        for other in others:
            among.vote(other, among.view(other).question, random.choice(QUIZ.options))
        return alone.view(mine), among.view(same)

    for question in (1, 2, 3):
        for room, seat in ((alone, mine), (among, same)):
            room.vote(seat, question, "a")
        assert len(set(look())) == 1
        for step in (Room.reveal, Room.go_on):
            for room in (alone, among):
                step(room)
            assert len(set(look())) == 1


def test_a_seat_of_another_room_opens_nothing() -> None:
    here, there = asking(), asking()
    seat = there.join()
    assert not here.has(seat)
    assert not here.vote(seat, 1, "a")
    assert not here.vote(here.secret, 1, "a")


def test_a_room_ends_when_it_is_closed_or_unused_for_an_hour() -> None:
    clock = Clock()
    here = Rooms(clock)
    room, other = here.open(), here.open()
    seat = room.join()
    vote = partial(room.vote, seat, 1, "a")
    for use in (room.join, partial(room.begin, QUIZ), vote, room.reveal, room.go_on):
        clock.now += rooms.IDLE_SECONDS - 1
        assert here.by_code(room.code) is room
        assert here.by_secret(room.secret) is room
        use()
    assert here.by_code(other.code) is None
    clock.now += rooms.IDLE_SECONDS
    assert here.by_code(room.code) is here.by_secret(room.secret) is None
    again = here.open()
    here.close(again)
    here.close(again)
    assert here.by_code(again.code) is here.by_secret(again.secret) is None


def test_rooms_and_students_are_bounded_and_those_that_are_in_stay() -> None:
    here = Rooms()
    opened = [here.open() for _ in range(rooms.MAX_ROOMS)]
    with pytest.raises(rooms.FullError):
        here.open()
    seats = [opened[0].join() for _ in range(rooms.MAX_STUDENTS)]
    with pytest.raises(rooms.FullError):
        opened[0].join()
    opened[0].begin(QUIZ)
    assert all(opened[0].vote(seat, 1, "a") for seat in seats)
    here.close(opened[1])
    assert here.open()


def test_codes_differ_cannot_be_guessed_and_lead_neither_to_secrets_nor_to_seats() -> None:
    here = Rooms()
    opened = [here.open() for _ in range(rooms.MAX_ROOMS)]
    assert len({room.code for room in opened}) == len(opened)
    # Even with every room open, six million guesses for one hit.
    assert len(rooms.ALPHABET) ** rooms.CODE_LENGTH / rooms.MAX_ROOMS > 6e6
    assert not set(rooms.ALPHABET) & set("AEIOU015S2Z8B6GL")
    assert here.by_secret(opened[0].code) is None
    assert here.by_code(opened[0].secret) is None
    assert here.by_secret("") is here.by_code("") is None
    secret = [*(room.secret for room in opened), *(opened[0].join() for _ in range(20))]
    assert len(set(secret)) == len(secret)
    assert min(map(len, secret)) >= 22  # 128 bits


@pytest.mark.parametrize("typed", ["K7M4RW", "k7m4rw", " k7m 4rw ", "K7M-4RW", "k 7 m 4 r w"])
def test_a_code_may_be_typed_in_several_ways(typed: str) -> None:
    assert rooms.parse(typed) == "K7M4RW"
    assert rooms.parse(rooms.spaced("K7M4RW")) == "K7M4RW"


@pytest.mark.parametrize("typed", ["", "K7M", "K7M4RWX", "K7M4R0", "K7M4RÄ", "K7M4R½", "ß" * 6])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert rooms.parse(typed) is None


@given(st.text(max_size=30))
def test_every_text_is_a_code_or_none(typed: str) -> None:
    code = rooms.parse(typed)
    assert code is None or rooms.parse(rooms.spaced(code)) == code
