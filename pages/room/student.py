"""What a student sees on a phone: the room's question, the answers, whether it was correct."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import streamlit as st

from pages.room import registry, remember, remembered, rooms
from pages.room.rooms import Phase
from pages.text import content
from pages.text import quiz as text

if TYPE_CHECKING:
    from pages.room.rooms import Room, View

# Seconds from a page's run to the wait for news, of that wait, between two looks; and until when
# all have been told the news: at the same moment, 40 pages would hold each other up.
_EVERY, _WAIT, _LOOK, _SPREAD = 4.0, 20.0, 0.25, 1.5


def show() -> None:
    """The room that the address names, or a field for its code."""
    with st.container(key="student"):
        typed = st.query_params.get("code", "")
        code = rooms.parse(typed) or ""
        room = registry().by_code(code)
        if room is None:
            _ask_for_code(typed, code)
        elif seat := _seat(room):
            view = room.view(seat)
            st.caption(f"Room {rooms.spaced(code)}")
            _draw(room, seat, view)
            _watch(code, seat, view, [])
            remember(f"seat-{code}", seat)


def _ask_for_code(typed: str, code: str) -> None:
    st.title("Join a class quiz", anchor=False)
    if remembered(f"seat-{code}"):
        st.info(content.load("room")["closed"], icon=":material/door_front:")
    elif typed:
        st.warning(text.refused(typed, code), icon=":material/error:")
    with st.form("join", border=False):
        st.text_input(
            "Room code",
            key="typed",
            max_chars=20,
            placeholder="K7M 4RW",
            autocomplete="off",
            help="It is on the teacher's screen. Capitals and spaces don't matter.",
        )
        st.form_submit_button("Join", on_click=_join, type="primary", width="stretch")


def _join() -> None:
    if st.session_state.typed.strip():
        st.query_params["code"] = st.session_state.typed.strip()


def _seat(room: Room) -> str | None:
    """The visitor's seat, taken where there is none yet; None where the room is full."""
    name = f"seat-{room.code}"
    seat = remembered(name)
    if not room.has(seat):
        try:
            seat = room.join()
        except rooms.FullError:
            st.warning(content.load("room")["full"], icon=":material/group_off:")
            return None
    st.session_state[name] = seat
    return seat


def _draw(room: Room, seat: str, view: View) -> None:
    if view.phase is Phase.WAITING:
        st.title("You're in", anchor=False)
        st.markdown(content.load("room")["waiting"])
    elif view.phase is Phase.FINISHED:
        st.title(f"{view.correct} of {view.total} correct", anchor=False)
        st.markdown(content.load("room")["finished"])
    else:
        st.title(f"Question {view.position} of {view.total}", anchor=False)
        if view.answer is None:
            _choices(room, seat, view)
        else:
            box, icon = (
                (st.success, "check_circle")
                if view.vote == view.answer
                else (st.error if view.vote else st.info, "cancel" if view.vote else "info")
            )
            box(text.solution(view.answer, view.vote), icon=f":material/{icon}:")
            st.markdown(f"Your score: **{view.correct} of {view.position}**")


def _choices(room: Room, seat: str, view: View) -> None:
    """A large button for each answer."""

    def vote(option: str) -> None:
        if not room.vote(seat, view.question, option):
            st.toast(content.load("room")["late"], icon=":material/timer_off:")

    st.markdown("**Which augmentation was applied?**")
    for option in view.options:
        chosen = option == view.vote
        st.button(
            text.title(option),
            key=f"vote-{view.question}-{option}",
            on_click=vote,
            args=(option,),
            type="primary" if chosen else "secondary",
            icon=":material/check:" if chosen else None,
            width="stretch",
        )
    st.caption(content.load("room")["answered" if view.vote else "listen"])


@st.fragment(run_every=_EVERY)
def _watch(code: str, seat: str, seen: View, runs: list[None]) -> None:
    """Draw the page again once the room has something new for this student, or after a while.

    One long run waits, where many short ones would look: with 40 students, those took a core. A
    click begins a new run at once. What a busy server or network lost is drawn after a while.

    runs: the first one is the page's own, which has to end.
    """
    waits, end = bool(runs), time.monotonic() + _WAIT
    runs.append(None)
    while (room := registry().by_code(code)) and room.view(seat) == seen:
        if not waits:
            return
        if time.monotonic() >= end:
            break
        time.sleep(_LOOK)
        _ = "styled" in st.session_state  # raises once the student has left
    if waits:
        time.sleep(random.uniform(0.0, _SPREAD))
    st.rerun()
