"""Class mode of the Lab's quiz: a teacher's room, which students join by phone."""

from __future__ import annotations

import streamlit as st

from pages.room.rooms import Rooms
from pages.shared import cache


@cache.shared()
def registry() -> Rooms:
    """The rooms of this process."""
    return Rooms()


def remember(name: str, value: str) -> None:
    """Keep a value in the browser until it is closed: for `remembered` after a reload.

    In a cookie: an address is seen on the projector, and the button Share copies it.
    """
    st.html(
        f"<script>document.cookie = '{name}={value}; Path=/; SameSite=Strict'</script>",
        unsafe_allow_javascript=True,
    )


def remembered(name: str) -> str:
    """A value of this session's, or one that the browser kept; empty where there is none."""
    return st.session_state.get(name) or st.context.cookies.get(name, "")
