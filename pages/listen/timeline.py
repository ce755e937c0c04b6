"""The spectrogram and, under it, what leads when; a click hears that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn import format
from pages.shared import session

if TYPE_CHECKING:
    from crnn.inference.prediction import Prediction


@st.fragment
def show(track: session.Track) -> None:
    """Spectrogram above, genre or mood as areas below, on one time axis."""
    from crnn.format import duration
    from crnn.inference import timeline as along
    from crnn.viz import timeline as along_figures
    from pages.text import predictions

    analysis = track.analysis
    tasks = [prediction.task for prediction in analysis.predictions]
    with st.container(horizontal=True, vertical_alignment="center"):
        task = st.segmented_control(
            "What to follow",
            tasks,
            default=tasks[0],
            required=True,
            format_func=str.capitalize,
            key="along",
            label_visibility="collapsed",
        )
        finer = st.toggle(
            "Finer steps",
            key="finer",
            help="A reading every quarter of a second instead of every second.",
        )
        _by_keyboard(track)
    index = tasks.index(task)
    prediction = _finer(track, index) if finer else analysis.predictions[index]
    found = along.from_prediction(prediction, track.seconds)
    parts = along.sections(found)
    key = f"along-{task}"
    chosen = (st.session_state.get(key) or {}).get("selection", {}).get("points", [])
    moment = float(chosen[0]["x"]) if chosen else None
    asked = st.session_state.get("moment")
    if asked is not None and asked[0] is track:
        moment = asked[1]
    mel = analysis.mel.numpy()
    st.plotly_chart(
        along_figures.over_time(mel, analysis.front_end, found, parts, moment),
        key=key,
        on_select=_clicked,
        selection_mode="points",
        alt=f"{predictions.describe_spectrogram(mel, analysis.front_end)} Below, {task}: {along.describe(parts)}",
    )
    if moment is None:
        st.markdown(along.describe(parts))
    else:
        ranked = sorted(found.at(moment).items(), key=lambda item: -item[1])[:3]
        said = ", ".join(f"{label} {format.percent(p)}" for label, p in ranked)
        st.markdown(f"**At {duration(moment)}:** {said}")
        st.audio(track.data, format=track.mime, start_time=moment, autoplay=True)
    st.caption(
        "Above, what the networks see: low notes at the bottom, high ones on top; the brighter, the louder, 0 dB at the loudest. "
        "Below, what they make of it: the thicker a colour, the likelier. Dotted lines: another class takes the lead. "
        "Click into the colours to hear that moment, or choose it above."
    )


def _by_keyboard(track: session.Track) -> None:
    """A moment can be chosen without a mouse, too."""
    if track.seconds < 2:
        return
    with st.popover("Hear a moment", icon=":material/schedule:"):
        second = st.slider(
            "Second of the track", 0, int(track.seconds), key=f"second-of-{int(track.seconds)}"
        )
        if st.button("Hear it", icon=":material/play_arrow:"):
            st.session_state.moment = (track, float(second))


def _clicked() -> None:
    """What was clicked last counts."""
    st.session_state.pop("moment", None)


def _finer(track: session.Track, index: int) -> Prediction:
    """The same network, read four times as often; kept as long as the track is looked at."""
    kept = st.session_state.get("finer_reading")
    if kept is None or kept[0] is not track or kept[1] != index:
        classifier = session.classifiers()[index]
        with session.turns().turn(), st.spinner("Reading in finer steps …"):
            mel = session.log_mel(track, classifier)
            kept = st.session_state.finer_reading = (
                track,
                index,
                classifier.predict(mel, hop_seconds=0.25),
            )
    return kept[2]  # type: ignore[no-any-return]
