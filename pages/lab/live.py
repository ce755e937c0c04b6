"""Train it live: two small networks learn while the class watches, one with augmentation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st
import torch

from crnn import audio, augment, results, viz
from crnn.sources.examples import EXAMPLES
from pages.lab import rack
from pages.shared import cache, queue, session
from pages.shared.controls import choose
from pages.text import content
from pages.text import live as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.augment.comparison import Comparison
    from crnn.augment.plan import Strengths

_RACK = "As set in Experiment"
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
    """A visitor's training, its own ticket in the line; no comparison before its turn has come."""

    chosen: str
    strengths: Strengths
    comparison: Comparison | None = None
    stopped: bool = False

    @property
    def running(self) -> bool:
        return not (self.stopped or (self.comparison is not None and self.comparison.done))


@cache.shared()
def line() -> queue.Line:
    """Who trains, one at a time for the whole server."""
    return queue.Line()


def show() -> None:
    """What is learned, the controls, both networks' curves and answers, what full training gave."""
    training: _Training | None = st.session_state.get("training")
    running = training is not None and training.running
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="live-bar"):
        options = [*augment.comparison.SETS, _RACK]
        chosen = choose("Augmentation", options, "train_with", widget=st.pills, disabled=running)
        strengths = _strengths(chosen)
        if running:
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(training,))
        else:
            st.button(
                "Train again" if training else "Train both networks",
                icon=":material/play_arrow:",
                type="primary",
                on_click=_start,
                args=(chosen, strengths),
                disabled=not text.used(strengths),
            )
        st.space("stretch")
        choose("Curves of", ["Accuracy", "Loss"], "curve_of")
    if training is None:
        st.markdown(content.load("live")["about"])
    st.caption(text.setting(training.strengths if running else strengths))
    with st.container(key="live", gap="xsmall"):
        st.fragment(_watch, run_every=_EVERY if running else None)()
    if training is None:
        st.markdown(f":material/front_hand: **Guess first.** {content.load('live')['ask']}")
    elif not running:
        _findings(training.chosen)


def _strengths(chosen: str) -> Strengths:
    if chosen in augment.comparison.SETS:
        return augment.comparison.SETS[chosen]
    return rack.current(session.classifiers()[0].front_end)


def _start(chosen: str, strengths: Strengths) -> None:
    st.session_state.training = _Training(chosen, strengths)


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
                st.markdown(text.gap(last, network))
    _held_out(comparison)
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
    with st.spinner("Opening the ten songs…"), queue.turn():
        training.comparison = augment.comparison.Comparison(_mels(), training.strengths)
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


@cache.shared()
def _mels() -> tuple[Tensor, ...]:
    """Log-mel spectrograms of the bundled clips, 160 kB each."""
    front_end = augment.comparison.FRONT_END
    waveforms = (
        queue.decode(
            example.file.read_bytes(),
            sample_rate=front_end.sample_rate,
            downmix=front_end.downmix,
        )
        for example in EXAMPLES.values()
    )
    return tuple(
        audio.mel.log_mel(torch.from_numpy(waveform.samples), front_end) for waveform in waveforms
    )


def _held_out(comparison: Comparison) -> None:
    """A moment from a half that neither network has learned from, and both networks' answers."""
    songs = list(EXAMPLES.values())
    titles = [song.title for song in songs]
    st.markdown("##### A moment that neither has learned from")
    columns = st.columns([1.5, 1, 1, 1], gap="small")
    with columns[0]:
        title = st.selectbox("Song", titles, key="held_out", label_visibility="collapsed")
        song = titles.index(title)
        crop, start = comparison.held_out(song)
        seconds = augment.comparison.CROP * augment.comparison.FRONT_END.hop_seconds
        st.audio(str(songs[song].file), start_time=start, end_time=start + seconds)
    first, last = comparison.history[0].answers, comparison.history[-1].answers
    heads = ("Before training", *augment.comparison.NAMES)
    answers = (first[0, crop], last[0, crop], last[1, crop])
    for head, probs, column in zip(heads, answers, columns[1:], strict=True):
        column.caption(head)
        column.markdown(text.answer(probs.tolist(), titles, song))


def _findings(chosen: str) -> None:
    """What this training gives over several seeds, and what full training gave."""
    measured = results.load("live")
    if measured is not None:
        st.markdown("##### Is one training enough to tell?")
        st.markdown(text.finding(measured, chosen))
    st.markdown(content.load("live")["full"])
    with st.expander("What full training gave", icon=":material/table_chart:"):
        for name in ("VII-trained", "ablation"):
            if table := results.load(name):
                st.markdown(f"**{results.title(table)}**")
                st.dataframe(results.table(table), hide_index=True)
                st.caption(table["context"])
