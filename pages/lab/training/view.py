"""Train it live: two small networks learn while the class watches, one with augmentation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from crnn import augment, results, viz
from pages.lab import rack
from pages.lab.training import music
from pages.shared import cache, queue, session
from pages.shared.controls import choose
from pages.text import content
from pages.text import training as text

if TYPE_CHECKING:
    from crnn.augment.comparison import Comparison
    from crnn.augment.plan import Strengths

_RACK = "As set in Experiment"
_OWN = "Own folders"
_EVERY = 1.0  # seconds between two drawings
_SLICE = 0.7  # seconds of training between two drawings
_HEIGHT = 185  # of the curves, in px

# A figure that is replaced in place: Streamlit mounts plotly's anew whenever they change.
_mount = st.components.v2.component(
    "curves",
    html='<div class="curves"></div>',
    css=".curves { color: var(--st-text-color); font-family: var(--st-font); "
    "margin: 0 8px 0 44px; }",
    js="export default ({ data, parentElement }) => {"
    " parentElement.querySelector('.curves').innerHTML = data }",
)


@dataclass(eq=False)
class _Training:
    """A visitor's training; it is its own ticket in the waiting line.

    Attributes:
        chosen: name of the set of augmentations, with these strengths.
        own: the visitor's music; None for the examples.
        comparison: both networks; None until the training's turn has come.
    """

    chosen: str
    strengths: Strengths
    own: music.TrainingMusic | None = None
    comparison: Comparison | None = None
    stopped: bool = False

    @property
    def running(self) -> bool:
        return not (self.stopped or (self.comparison is not None and self.comparison.done))


@cache.shared()
def line() -> queue.Line:
    """The waiting line of trainings, one at a time for the whole server."""
    return queue.Line()


def show() -> None:
    """Show the controls, both networks' curves and answers, and what full training gave."""
    training: _Training | None = st.session_state.get("training")
    running = training is not None and training.running
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="live-bar")
    with bar:
        source = choose("Music", ["Examples", _OWN], "train_on", disabled=running)
    list_failures = training is None or training.own is None
    own = music.choose_folders(running, list_failures) if source == _OWN else None
    missing = own is None and source == _OWN
    if training is not None and not running and (missing or training.own is not own):
        training = None  # it was about other music
        del st.session_state.training
    with bar:
        options = [*augment.comparison.SETS, _RACK]
        chosen = choose("Augmentation", options, "train_with", widget=st.pills, disabled=running)
        strengths = _strengths(chosen)
        ready = bool(text.used(strengths)) and not missing
        if running:
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(training,))
        else:
            st.button(
                "Train again" if training else "Train both networks",
                icon=":material/play_arrow:",
                type="primary" if ready else "secondary",
                on_click=_start,
                args=(chosen, strengths, own),
                disabled=not ready,
            )
        st.space("stretch")
        choose("Curves of", ["Accuracy", "Loss"], "curve_of")
    if missing and not running:
        return
    if training is None:
        st.markdown(text.about(own.sizes if own else None))
    st.caption(text.setting(training.strengths if running else strengths))
    with st.container(key="live", gap="xsmall"):
        st.fragment(_watch, run_every=_EVERY if running else None)()
    if training is None:
        st.markdown(f":material/front_hand: **Guess first.** {content.load('training')['ask']}")
    elif not running:
        _findings(training)


def _strengths(chosen: str) -> Strengths:
    if chosen in augment.comparison.SETS:
        return augment.comparison.SETS[chosen]
    return rack.current(session.classifiers()[0].front_end)


def _start(chosen: str, strengths: Strengths, own: music.TrainingMusic | None) -> None:
    st.session_state.training = _Training(chosen, strengths, own)


def _stop(training: _Training) -> None:
    training.stopped = True
    line().leave(training)
    if training.comparison is None:  # it never had its turn
        del st.session_state.training


def _watch() -> None:
    """Draw what has been learned so far, then train for a moment; drawn again every second."""
    training: _Training | None = st.session_state.get("training")
    if training is None:
        return
    if training.comparison is None and (not training.running or not _begin(training)):
        return
    comparison = training.comparison
    assert comparison is not None
    st.progress(comparison.step / comparison.steps, text.progress(comparison, training.stopped))
    loss = st.session_state.get("curve_of") == "Loss"
    for network, column in enumerate(st.columns(2, gap="medium")):
        with column:
            st.markdown(f"##### {augment.comparison.NAMES[network]}")
            last = comparison.history[-1]
            alt = text.curves(last, network)
            svg = viz.augmentation.learning(
                comparison.history, network, comparison.steps, loss, alt
            )
            _mount(key=f"curves-{network}", data=svg, height=_HEIGHT)
            with st.container(key=f"gap-{network}"):
                st.markdown(text.gap(last, network, training.own is not None))
    _held_out(comparison, training.own or music.examples())
    if training.running and line().ahead(training) == 0:
        _train(training, comparison)
        if not training.running:
            line().leave(training)
            st.rerun()


def _begin(training: _Training) -> bool:
    """Make the networks once the turn has come; otherwise say how many are ahead."""
    if ahead := line().ahead(training):
        st.info(text.waiting(ahead), icon=":material/hourglass_top:")
        return False
    with st.spinner("Opening the songs…"), queue.turn():
        split = (training.own or music.examples()).split
        training.comparison = augment.comparison.Comparison(split, training.strengths)
    return True


def _train(training: _Training, comparison: Comparison) -> None:
    """Some training steps; between two of them, others have their turn."""

    def still_here(_: int) -> None:
        _ = "training" in st.session_state  # raises once the visitor has left
        line().ahead(training)

    end = time.monotonic() + _SLICE
    while True:
        with queue.process_queue().turn(still_here):
            comparison.advance()
        if comparison.done or time.monotonic() > end:
            break


def _held_out(comparison: Comparison, source: music.TrainingMusic) -> None:
    """Let a visitor choose a validation excerpt and hear it; show both networks' predictions."""
    st.markdown("##### A moment that neither has learned from")
    columns = st.columns([1.5, 1, 1, 1], gap="small")
    with columns[0]:
        number = st.selectbox(
            "Song",
            range(len(source.names)),
            format_func=lambda number: source.names[number],
            key=f"held_out-{id(source)}" if source.is_own else "held_out",
            label_visibility="collapsed",
        )
        crop, start = comparison.held_out(number)
        seconds = augment.comparison.CROP * augment.comparison.FRONT_END.hop_seconds
        start = 0.0 if source.is_own else start  # of a visitor's own, only the crop is kept
        st.audio(source.sounds[number], start_time=start, end_time=start + seconds)
    first, last = comparison.history[0].answers, comparison.history[-1].answers
    heads = ("Before training", *augment.comparison.NAMES)
    answers = (first[0, crop], last[0, crop], last[1, crop])
    for head, probs, column in zip(heads, answers, columns[1:], strict=True):
        column.caption(head)
        label = comparison.split.validation[number].label
        column.markdown(text.answer(probs.tolist(), source.classes, label))


def _findings(training: _Training) -> None:
    """What this training gives over several seeds, and what full training gave."""
    measured, own = results.load("live"), training.own
    if own is not None:
        st.markdown("##### Is one training enough to tell?")
        st.markdown(text.own_finding(len(own.names)))
    elif measured is not None:
        st.markdown("##### Is one training enough to tell?")
        st.markdown(text.finding(measured, training.chosen))
    st.markdown(content.load("training")["full" if own is None else "full_own"])
    with st.expander("What full training gave", icon=":material/table_chart:"):
        for name in ("VII-trained", "ablation"):
            if table := results.load(name):
                st.markdown(f"**{results.title(table)}**")
                st.dataframe(results.table(table), hide_index=True)
                st.caption(table["context"])
