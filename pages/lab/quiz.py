"""The quiz: which augmentation is it? Same code, same questions, for a whole class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn import audio, augment
from crnn.sources.examples import EXAMPLES
from pages.lab import quiz_questions
from pages.lab.console import play
from pages.shared import queue, session
from pages.text import augmentation as text
from pages.text import content

if TYPE_CHECKING:
    from pages.lab.quiz_questions import Question


def show() -> None:
    """One question after the other, then the score."""
    seed = int(
        st.number_input(
            "Quiz code",
            1,
            9999,
            1,
            key="quiz",
            bind="query-params",
            help="Everyone with the same code gets the same questions.",
            width=200,
        )
    )
    state = st.session_state.get("quiz_state")
    if state is None or state[0] != seed:
        state = st.session_state.quiz_state = (seed, [])
        st.session_state.quiz_solved = False
    answers: list[str] = state[1]
    questions = quiz_questions.questions(seed)
    solved = bool(st.session_state.quiz_solved)
    correct = sum(a == question.answer for a, question in zip(answers, questions, strict=False))
    position = len(answers) - solved
    if position == len(questions):
        _score(correct, len(questions), seed)
        return
    st.progress(
        len(answers) / len(questions),
        text=f"Question {position + 1} of {len(questions)} · {correct} correct so far",
    )
    _question(questions[position], position, solved)
    if solved:
        _solution(questions[position], answers[-1], position + 1 == len(questions))
    else:
        _choices(answers, position)


def _question(question: Question, position: int, solved: bool) -> None:
    """Spectrograms and sounds, original and augmented; the solution is outlined and described."""
    front_end = audio.front_end.GTZAN_FRONT_END  # the same spectrograms whatever models are in use
    track = session.open_example(EXAMPLES[question.example])
    rate, start = front_end.sample_rate, question.start
    samples = session.samples(track, front_end)[round(start * rate) : round((start + 3.0) * rate)]
    plan = question.plan(3.0, front_end)
    with queue.turn():
        before = augment.plan.analyse(samples, (), None, front_end)
        after = augment.plan.analyse(samples, (), plan, front_end)
    play(
        f"quiz-player-{position}",
        track.name,
        samples,
        plan,
        start,
        before,
        after,
        alt=None
        if solved
        else f"Two mel spectrograms of three seconds of {track.name}: the original and an "
        "augmented version. Compare the sounds.",
    )
    if solved:
        st.markdown(" ".join(text.describe(plan, start)))


def _choices(answers: list[str], position: int) -> None:
    """Four buttons; the one that is pressed answers."""

    def answer(key: str) -> None:
        if len(answers) == position:  # a second press, before the page is redrawn, does nothing
            answers.append(key)
            st.session_state.quiz_solved = True

    st.markdown("**Which augmentation was applied?**")
    names = quiz_questions.ANSWERS
    for column, key in zip(st.columns(len(names)), names, strict=True):
        title = content.load("lessons")[key]["title"]
        column.button(title, key=f"answer-{key}", on_click=answer, args=(key,), width="stretch")


def _solution(question: Question, answer: str, last: bool) -> None:
    """Whether the answer is correct, why, and a button to go on."""
    lesson, other = (content.load("lessons")[key] for key in (question.answer, answer))
    title, clue = lesson["title"].lower(), lesson["clue"]
    if answer == question.answer:
        st.success(f"Correct: {title}. {clue}", icon=":material/check_circle:")
    else:
        st.error(f"It was {title}, not {other['title'].lower()}. {clue}", icon=":material/cancel:")
    st.button(
        "Your score" if last else "Next question",
        key="next",
        on_click=lambda: st.session_state.update(quiz_solved=False),
        icon=":material/arrow_forward:",
        type="primary",
    )


def _score(correct: int, total: int, seed: int) -> None:
    """The score and another round."""
    st.subheader(f"{correct} of {total} correct", anchor=False)
    st.markdown(
        "Perfect score! Now try telling them apart by ear alone."
        if correct == total
        else "The lessons explain what to look for; the experiment lets you try it on any track."
    )

    def restart(number: int) -> None:
        st.session_state.quiz = number
        st.session_state.pop("quiz_state", None)

    with st.container(horizontal=True):
        st.button("Retry", on_click=restart, args=(seed,), icon=":material/replay:")
        st.button(
            "New quiz",
            on_click=restart,
            args=(seed % 9999 + 1,),
            icon=":material/arrow_forward:",
            type="primary",
        )
