"""One lesson an augmentation."""

import streamlit as st


def show() -> None:
    """What it imitates, its formula, its source, the code."""
    from pages.text.lessons import LESSONS

    names = {lesson.key: lesson.title for lesson in LESSONS}
    key = st.segmented_control(
        "Lesson",
        list(names),
        format_func=names.__getitem__,
        default="time",
        required=True,
        key="lesson",
        bind="query-params",
        label_visibility="collapsed",
    )
    lesson = next(lesson for lesson in LESSONS if lesson.key == key)
    st.subheader(lesson.title, anchor=False)
    st.markdown(f"**What it imitates.** {lesson.imitates}")
    st.markdown(f"**What it does.** {lesson.idea}")
    st.latex(lesson.formula)
    st.caption(lesson.symbols)
    st.markdown(f"**Where it comes from.** {lesson.source}.")
    st.markdown(f"**Try it.** {lesson.try_it}")
    st.markdown("**The code that does it**, read from the library as it runs here:")
    st.code(lesson.listing, language="python", wrap_lines=True)
