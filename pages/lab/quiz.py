"""The quiz: which augmentation is it? Same seed, same questions, for a whole class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn.sources.examples import EXAMPLES
from pages.shared import session

if TYPE_CHECKING:
    from pages.lab.quiz_questions import Question


def show() -> None:
    """One question after the other, the score, the end."""
    from pages.lab import quiz_questions

    seed = int(
        st.number_input(
            "Quiz number",
            1,
            9999,
            1,
            key="quiz",
            bind="query-params",
            help="The same number asks everyone the same.",
            width=200,
        )
    )
    state = st.session_state.get("quiz_state")
    if state is None or state[0] != seed:
        state = st.session_state.quiz_state = (seed, [])
        st.session_state.quiz_told = False
    answers: list[str] = state[1]
    questions = quiz_questions.questions(seed)
    told = bool(st.session_state.quiz_told)
    right = sum(
        given == question.answer for given, question in zip(answers, questions, strict=False)
    )
    position = len(answers) - told
    if position == len(questions):
        _end(right, len(questions), seed)
        return
    st.progress(
        len(answers) / len(questions),
        text=f"Question {position + 1} of {len(questions)} · {right} right so far",
    )
    _ask(questions[position], position, told)
    if told:
        _tell(questions[position], answers[-1], position + 1 == len(questions))
    else:
        _choices(answers, position)


def _ask(question: Question, position: int, told: bool) -> None:
    """Original and augmented picture and sound; what was done is outlined once it is told."""
    from crnn.audio.front_end import GTZAN_FRONT_END
    from crnn.augment import plan
    from crnn.augment.waveform import prevent_clipping, render
    from crnn.inference.export import to_wav
    from crnn.viz import augmentation as lab_figures
    from pages.text import augmentation as lab_words

    front_end = GTZAN_FRONT_END  # the same pictures whatever network is in use
    track = session.open_example(EXAMPLES[question.example])
    rate = front_end.sample_rate
    samples = session.samples(track, front_end)[
        round(question.start * rate) : round((question.start + 3.0) * rate)
    ]
    draws = question.draws(3.0, front_end)
    with session.my_turn():
        before, after = (plan.analyse(samples, (), drawn, front_end) for drawn in (None, draws))
    hidden = f"Two mel spectrograms of three seconds of {track.name}: the original and an augmented one. Compare the sounds below."
    st.plotly_chart(
        lab_figures.pair(before, after, draws, question.start, outlined=told),
        key=f"question-{position}",
        alt=lab_words.alt_text(before, draws, question.start) if told else hidden,
    )
    files = (
        to_wav(sound.numpy(), rate)
        for sound in prevent_clipping(samples, render(samples, draws, front_end))
    )
    for column, title, file in zip(st.columns(2), ("Original", "Augmented"), files, strict=True):
        column.caption(f"{title} · {track.name}")
        column.audio(file, format="audio/wav", alt=f"{title} sound")
    if told:
        st.markdown(" ".join(lab_words.describe(draws, front_end, question.start)))


def _choices(answers: list[str], position: int) -> None:
    """Four buttons; the one that is pressed answers."""
    from pages.lab import quiz_questions
    from pages.text.lessons import BY_KEY

    def answer(key: str) -> None:
        if (
            len(answers) == position
        ):  # a second press of a button that is on its way out answers nothing
            answers.append(key)
            st.session_state.quiz_told = True

    st.markdown("**What was done to the lower picture?**")
    for column, key in zip(
        st.columns(len(quiz_questions.ANSWERS)), quiz_questions.ANSWERS, strict=True
    ):
        column.button(
            BY_KEY[key].title, key=f"answer-{key}", on_click=answer, args=(key,), width="stretch"
        )


def _tell(question: Question, given: str, last: bool) -> None:
    """Right or wrong, why, and on."""
    from pages.text.lessons import BY_KEY

    answer = BY_KEY[question.answer].title
    if given == question.answer:
        st.success(f"Right: {answer.lower()}. {question.reason}", icon=":material/check_circle:")
    else:
        st.error(
            f"Not {BY_KEY[given].title.lower()}: {answer.lower()}. {question.reason}",
            icon=":material/cancel:",
        )

    def go_on() -> None:
        st.session_state.quiz_told = False

    st.button(
        "Your score" if last else "Next question",
        key="next",
        on_click=go_on,
        icon=":material/arrow_forward:",
        type="primary",
    )


def _end(right: int, total: int, seed: int) -> None:
    """The score and another round."""
    st.subheader(f"{right} of {total} right", anchor=False)
    if right == total:
        st.markdown("Every one. Try telling them apart by ear alone.")
    else:
        st.markdown(
            "The lessons say what to look for; the experiment lets you try it on any track."
        )

    def restart(number: int) -> None:
        st.session_state.quiz = number
        st.session_state.pop("quiz_state", None)

    with st.container(horizontal=True):
        st.button("The same again", on_click=restart, args=(seed,), icon=":material/replay:")
        st.button(
            "Another quiz",
            on_click=restart,
            args=(seed % 9999 + 1,),
            icon=":material/arrow_forward:",
            type="primary",
        )
