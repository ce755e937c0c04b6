"""The teacher's side of a room: open it, ask questions, show votes and answers, close it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import segno
import streamlit as st

from pages.lab import quiz, quiz_questions
from pages.room import registry, remember, remembered, rooms
from pages.room.rooms import Phase
from pages.text import content
from pages.text import quiz as text

if TYPE_CHECKING:
    from pages.room.rooms import Room, Standing

_EVERY = 1.0  # seconds between two looks at the votes

# Where a server answers its own computer alone.
_LOCAL = ("localhost", "127.0.0.1", "::1")


def show() -> None:
    """The quiz, or the room that this visitor has opened."""
    room = registry().by_secret(remembered("room"))
    if room is None:
        if st.session_state.pop("room", None):
            st.info(content.load("room")["expired"], icon=":material/door_front:")
        quiz.show(_offer)
        return
    st.session_state.room = room.secret
    standing = room.standing()
    _bar(room, standing)
    if standing.phase is Phase.WAITING:
        _invite(room)
    elif standing.phase is Phase.FINISHED:
        _summary(room, standing)
    else:
        _question(room, standing)
    remember("room", room.secret)


def _offer() -> None:
    words = content.load("room")
    if st.button("Class mode", icon=":material/groups:", help=words["offer"]):
        try:
            st.session_state.room = registry().open().secret
        except rooms.FullError:
            st.toast(words["full_server"], icon=":material/door_front:", duration="long")
        else:
            st.rerun()


def _bar(room: Room, standing: Standing) -> None:
    """What is asked, how many have answered, and the buttons."""
    idle = standing.phase in (Phase.WAITING, Phase.FINISHED)
    with st.container(
        horizontal=True,
        vertical_alignment="bottom" if idle else "center",
        gap="small",
        key="quiz-head" if idle else "room-bar",
    ):
        if idle:
            level, number = quiz.controls()
        elif standing.quiz:
            position, total = len(standing.votes), len(standing.quiz.answers)
            st.subheader(f"Question {position} of {total}", anchor=False, width="content")
            _watch(room.secret, standing.phase, position)
        st.space("stretch")
        with st.popover("Close room", icon=":material/door_front:"):
            st.markdown(content.load("room")["close"])
            st.button("Close it", on_click=_close, args=(room,), type="primary")
        if idle:
            _step("First question", _begin, room, number, level)
        elif standing.phase is Phase.OPEN:
            _step("Show the answer", room.reveal)
        else:
            _step("Next question" if position < total else "Final score", _go_on, room)


def _step(label: str, on_click: Callable[..., None], *args: object) -> None:
    # Without a key, each label is a button of its own: a double click does one step, not two.
    with st.container(key="room-step", width=190):
        st.button(
            label,
            on_click=on_click,
            args=args,
            type="primary",
            icon=":material/arrow_forward:",
            width="stretch",
        )


def _begin(room: Room, number: int, level: str) -> None:
    answers = tuple(question.answer for question in quiz_questions.questions(number, level))
    room.begin(rooms.Quiz(number, level, quiz_questions.LEVELS[level], answers))


def _go_on(room: Room) -> None:
    room.go_on()
    standing = room.standing()
    if standing.phase is Phase.FINISHED and standing.quiz:
        st.session_state.quiz = standing.quiz.number % 9999 + 1  # another one, if there is time


def _close(room: Room) -> None:
    registry().close(room)
    del st.session_state.room


@st.fragment(run_every=_EVERY)
def _watch(secret: str, phase: Phase, asked: int) -> None:
    """How many have joined and answered; the page is drawn again where the room has moved on."""
    room = registry().by_secret(secret)
    standing = room.standing() if room else None
    if standing is None or (standing.phase, len(standing.votes)) != (phase, asked):
        st.rerun()
    else:
        st.markdown(text.turnout(standing), width="content")


def _invite(room: Room) -> None:
    """How to join, large enough for the last row."""
    words, link = content.load("room"), _link(room.code)
    if urlsplit(link).hostname in _LOCAL:
        st.warning(words["local"], icon=":material/wifi_off:")
    code, how = st.columns([1, 1.6], gap="large", vertical_alignment="center")
    with code:
        _qr(link)
    with how, st.container(key="room-invitation"):
        st.markdown(f"Scan the code, or open **{_shown(link)}** and enter")
        st.title(rooms.spaced(room.code), anchor=False)
        st.markdown(words["invite"])
        _watch(room.secret, Phase.WAITING, 0)


def _question(room: Room, standing: Standing) -> None:
    """The question for the whole class; then its answer, and who chose what."""
    assert standing.quiz is not None
    position, solved = len(standing.votes) - 1, standing.phase is Phase.REVEALED
    question = quiz_questions.questions(standing.quiz.number, standing.quiz.level)[position]
    left, right = st.columns([2.6, 1], gap="medium")
    with left:
        quiz.question(question, position, standing.quiz.level, solved)
    with right:
        if solved:
            st.success(text.solution(question.answer), icon=":material/check_circle:")
            votes = standing.votes[-1]
            most = max(votes.total(), 1)
            rows = ((text.title(o), votes[o] / most, f"{votes[o]}") for o in standing.quiz.options)
            _bars(rows, correct=text.title(question.answer))
            st.markdown(f"The class so far: **{text.score(standing)}**")
        else:
            link = _link(room.code)
            with st.container(key="room-choices"):
                st.markdown("**Which augmentation was applied?**")
                st.markdown("  \n".join(text.title(option) for option in standing.quiz.options))
                _qr(link)
                st.caption(f"{_shown(link)} · **{rooms.spaced(room.code)}**")


def _summary(room: Room, standing: Standing) -> None:
    assert standing.quiz is not None
    st.title(f"The class: {text.score(standing)}", anchor=False)
    _watch(room.secret, standing.phase, len(standing.votes))
    answers = enumerate(zip(standing.quiz.answers, standing.votes, strict=True), start=1)
    _bars(
        (
            f"{number}. {text.title(answer)}",
            votes[answer] / max(votes.total(), 1),
            f"{votes[answer]} of {votes.total()}",
        )
        for number, (answer, votes) in answers
    )


def _bars(rows: Iterable[tuple[str, float, str]], correct: str = "") -> None:
    """A bar for each name, fraction and what it stands for; the correct answer's is marked."""
    st.html(
        f'<div class="votes{"" if correct else " summary"}">'
        + "".join(
            f"<div{' class=correct' * (name == correct)}><span>{name}{' ✓' * (name == correct)}"
            f'</span><i style="--part: {fraction:.3f}"></i><b>{label}</b></div>'
            for name, fraction, label in rows
        )
        + "</div>"
    )


def _link(code: str) -> str:
    """The address for students.

    Where the teacher sits at the server and came by "localhost", it has the computer's address in
    the network instead, if the server answers there.
    """
    link = urljoin(st.context.url or "", f"room?code={code}")
    host = urlsplit(link).hostname
    if host in _LOCAL and st.get_option("server.address") in (None, "", "0.0.0.0", "::"):
        return link.replace(str(host), _network_address(), 1)
    return link


def _network_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a network card, sends nothing
        except OSError:  # there is no network
            return _LOCAL[0]
        return str(probe.getsockname()[0])


def _shown(link: str) -> str:
    """A link as it is typed: without scheme and code."""
    return link.partition("://")[2].partition("?")[0]


def _qr(link: str) -> None:
    image = segno.make_qr(link, error="m").svg_data_uri(light="#fff")
    st.html(f'<img class="room-qr" src="{image}" alt="QR code of {link}">')
