"""A lesson of 45 minutes, and one for each augmentation with its formula, source and code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn.sources.examples import EXAMPLES
from pages.lab import notebook, rack, worksheet
from pages.shared.controls import choose
from pages.text import content

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAN = "45-minute plan"


def show() -> None:
    """The plan, or the lesson that the visitor chooses."""
    lessons = {lesson["title"]: lesson for lesson in content.load("lessons").values()}
    chosen = choose("Lesson", [_PLAN, *lessons], "lesson", widget=st.pills)
    if chosen == _PLAN:
        _plan()
    else:
        _lesson(lessons[chosen])


def _plan() -> None:
    plan = content.load("plan")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plan["title"], anchor=False, width="content")
        st.space("stretch")
        with st.container(horizontal=True, width="content", gap="small"):
            worksheet.download()
            notebook.download()
    st.markdown(plan["about"])
    for number, step in enumerate(plan["steps"]):
        with st.container(border=True, key=f"step-{number}"):
            when, what = st.columns([1, 7], gap="small")
            when.markdown(f"**{step['minutes']}**  \nminutes")
            with what:
                st.markdown(f"##### {step['title']}")
                st.markdown(step["do"])
                st.markdown(f":material/front_hand: **Guess first.** {step['ask']}")
                with st.container(horizontal=True, gap="small"):
                    for title, experiment in step.get("tries", {}).items():
                        _try(title, experiment["set"], experiment["example"])
                    if view := step.get("view"):
                        st.button(
                            f"Open “{view['title']}”",
                            icon=f":material/{view['icon']}:",
                            on_click=_open,
                            args=(view["title"],),
                        )


def _open(view: str) -> None:
    st.session_state.view = view


def _lesson(lesson: Mapping[str, Any]) -> None:
    st.subheader(lesson["title"], anchor=False)
    st.markdown(f"**What it imitates.** {lesson['imitates']}")
    st.markdown(f"**What it does.** {lesson['idea']}")
    st.latex(lesson["formula"])
    st.caption(lesson["symbols"])
    st.markdown(f"**Where it comes from.** {lesson['reference']}.")
    st.markdown(f"**Try it.** {lesson['try_it']}")
    with st.container(horizontal=True, gap="small"):
        for title, settings in lesson.get("sets", {"Try it": lesson.get("set")}).items():
            _try(title, settings)
    st.markdown("**Code**")
    st.code(content.sources(lesson["code"]), language="python", wrap_lines=True)


def _try(title: str, settings: Mapping[str, Any], example: str | None = None) -> None:
    """A button that opens the console with some settings."""

    def go() -> None:
        rack.apply({"diff": False} | dict(settings))
        st.session_state.view = "Experiment"
        if example is not None:
            st.query_params["example"] = example

    label = f"{title} · {EXAMPLES[example].title}" if example else title
    st.button(label, icon=":material/play_arrow:", on_click=go)
