"""The quiz: which augmentation is it? Same code and level, same questions, for a whole class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from crnn import audio, augment
from crnn.sources.examples import EXAMPLES
from pages.lab import quiz_questions
from pages.lab.console import play
from pages.lab.quiz_questions import LEVELS, QUESTIONS
from pages.shared import queue, session
from pages.shared.controls import choose
from pages.text import augmentation as text
from pages.text import content
from pages.text import quiz as quiz_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.lab.quiz_questions import Question


@dataclass
class _Round:
    """A visitor's quiz: its code and level, the answers so far, which had a hint, what is shown."""

    code: int
    level: str
    answers: list[str] = field(default_factory=list)
    hints: set[int] = field(default_factory=set)
    solved: bool = False  # the last answer's solution is shown


def show(offer: Callable[[], None]) -> None:
    """One question after the other, then the score; offer: draws what stands beside the code."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="quiz-head"):
        level, code = controls()
        offer()
    game = st.session_state.get("quiz_state")
    if game is None or (game.code, game.level) != (code, level):
        answers = _from_address(level) if game is None else []
        if not answers:
            st.query_params.pop("answers", None)
        game = st.session_state.quiz_state = _Round(code, level, answers)
    questions = quiz_questions.questions(game.code, level)
    if len(game.answers) == QUESTIONS and not game.solved:
        _score(game, questions)
        return
    position = len(game.answers) - game.solved
    correct = _correct(game, questions)
    with st.container(key="quiz-progress"):
        st.progress(
            len(game.answers) / QUESTIONS,
            text=f"Question {position + 1} of {QUESTIONS} · {correct} correct so far",
        )
    question(questions[position], position, level, game.solved)
    if game.solved:
        _solution(questions[position], game.answers[-1])
        st.button(
            "Your score" if position + 1 == QUESTIONS else "Next question",
            key="next",
            on_click=_go_on,
            args=(game,),
            icon=":material/arrow_forward:",
            type="primary",
        )
    else:
        _choices(game, questions[position], position)


def controls() -> tuple[str, int]:
    """The level and the code of the questions."""
    level = choose("Level", list(LEVELS), "level", label_visibility="visible")
    code = st.number_input(
        "Quiz code",
        1,
        9999,
        1,
        key="quiz",
        bind="query-params",
        help="Everyone with the same code and level gets the same questions.",
        width=160,
    )
    return level, int(code)


def _from_address(level: str) -> list[str]:
    """The answers of a finished quiz in a link to its score; none where it has none."""
    digits, possible = st.query_params.get("answers", ""), LEVELS[level]
    numbers = [int(digit) for digit in digits if digit in "012345"]
    complete = len(digits) == len(numbers) == QUESTIONS and max(numbers) < len(possible)
    return [possible[number] for number in numbers] if complete else []


def _correct(game: _Round, questions: tuple[Question, ...]) -> int:
    return sum(a == q.answer for a, q in zip(game.answers, questions, strict=False))


def question(question: Question, position: int, level: str, solved: bool) -> None:
    """Both sounds, and their spectrograms unless only the ear is asked; solved: what was done."""
    front_end = audio.front_end.GTZAN_FRONT_END  # the same spectrograms whatever models are in use
    track = session.open_example(EXAMPLES[question.example])
    rate, start = front_end.sample_rate, question.start
    samples = session.samples(track, front_end)[round(start * rate) : round((start + 3.0) * rate)]
    plan = question.plan(3.0, front_end)
    with queue.turn():
        before = augment.plan.analyse(samples, (), None, front_end)
        after = augment.plan.analyse(samples, (), plan, front_end)
    seen = solved or level != quiz_questions.BY_EAR
    what = "mel spectrograms and sounds" if seen else "sounds"
    play(
        f"quiz-player-{position}",
        track.name,
        samples,
        plan,
        start,
        before,
        after,
        difference=solved,
        seen=seen,
        alt=None if solved else f"Compare two {what} of {track.name}: original and augmented.",
    )
    if solved:
        st.markdown(" ".join(text.describe(plan, start)))


def _choices(game: _Round, question: Question, position: int) -> None:
    """A button for each answer; the one that is pressed answers. A hint where it is asked for."""

    def answer(key: str) -> None:
        if len(game.answers) == position:  # a second press, before the page is redrawn: nothing
            game.answers.append(key)
            game.solved = True

    st.markdown("**Which augmentation was applied?** Press B to switch between the sounds.")
    with st.container(horizontal=True, gap="small"):
        for key in LEVELS[game.level]:
            st.button(quiz_text.title(key), key=f"answer-{key}", on_click=answer, args=(key,))
        st.space("stretch")
        st.button(
            "Hint",
            key="hint",
            icon=":material/lightbulb:",
            type="tertiary",
            on_click=game.hints.add,
            args=(position,),
        )
    if position in game.hints:
        st.info(content.load("lessons")[question.answer]["hint"], icon=":material/lightbulb:")


def _solution(question: Question, answer: str) -> None:
    """Whether the answer is correct, and why."""
    box, icon = (st.success, "check_circle") if answer == question.answer else (st.error, "cancel")
    box(quiz_text.solution(question.answer, answer), icon=f":material/{icon}:")


def _go_on(game: _Round) -> None:
    game.solved = False
    if len(game.answers) == QUESTIONS:
        possible = LEVELS[game.level]
        st.query_params["answers"] = "".join(str(possible.index(a)) for a in game.answers)


def _score(game: _Round, questions: tuple[Question, ...]) -> None:
    """The score, each answer again, and another round."""
    correct, hints = _correct(game, questions), len(game.hints)
    st.subheader(f"{correct} of {QUESTIONS} correct", anchor=False)
    helped = f" {hints} {'hint' if hints == 1 else 'hints'} used." if hints else ""
    st.markdown(f"{_advice(game.level, correct)}{helped} Share copies a link to this score.")
    with st.container(horizontal=True):
        st.button("Retry", on_click=_restart, args=(game.code,), icon=":material/replay:")
        st.button(
            "New quiz",
            on_click=_restart,
            args=(game.code % 9999 + 1,),
            icon=":material/arrow_forward:",
            type="primary",
        )
    st.markdown("**Review**")
    right = [answer == q.answer for answer, q in zip(game.answers, questions, strict=True)]
    number = st.segmented_control(
        "Question to review",
        range(QUESTIONS),
        default=right.index(False) if False in right else 0,
        required=True,
        format_func=lambda n: f"{n + 1} {'✓' if right[n] else '✗'}",
        key=f"review-{game.code}-{game.level}",
        label_visibility="collapsed",
    )
    _solution(questions[number], game.answers[number])
    question(questions[number], number, game.level, solved=True)


def _advice(level: str, correct: int) -> str:
    levels = list(LEVELS)
    if correct < QUESTIONS - 1:
        return "Listen to your mistakes again below; the lessons explain the clues."
    if level == levels[-1]:
        return "You know them all."
    return f"Well done. Try the level “{levels[levels.index(level) + 1]}” next."


def _restart(code: int) -> None:
    st.session_state.quiz = code
    st.session_state.pop("quiz_state", None)
    st.query_params.pop("answers", None)
