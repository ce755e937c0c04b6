"""One lesson for each augmentation: what it imitates, its formula, its source, its code."""

import streamlit as st

from pages.shared.controls import choose
from pages.text import content


def show() -> None:
    """The lesson that the visitor chooses."""
    lessons = {lesson["title"]: lesson for lesson in content.load("lessons").values()}
    lesson = lessons[choose("Lesson", list(lessons), "lesson")]
    st.subheader(lesson["title"], anchor=False)
    st.markdown(f"**What it imitates.** {lesson['imitates']}")
    st.markdown(f"**What it does.** {lesson['idea']}")
    st.latex(lesson["formula"])
    st.caption(lesson["symbols"])
    st.markdown(f"**Where it comes from.** {lesson['reference']}.")
    st.markdown(f"**Try it.** {lesson['try_it']}")
    st.markdown("**Code**")
    code = "\n\n".join(content.source(name)[1] for name in lesson["code"].split())
    st.code(code, language="python", wrap_lines=True)
