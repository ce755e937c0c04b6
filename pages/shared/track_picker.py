"""The current track on other pages than Listen: its name, a way to change it, its predictions."""

from typing import Any

import streamlit as st

from crnn.labels import display
from crnn.sources.examples import EXAMPLES
from pages.shared import session, sources
from pages.shared.markdown import escape

DEFAULT = "mountain"


def track_or_example(limited: str) -> session.Track:
    """Draw the current track's name and ways to change it; an example where there is none yet.

    limited: start of the sentence on tracks that are too long, such as "The lab uses".
    """
    with st.expander("Change track", icon=":material/library_music:"):
        sources.choose_source()
    sources.open_example_from_url()
    track = session.current()
    if track is None:
        track = st.session_state.track = session.open_example(EXAMPLES[DEFAULT])
    # Only where it changes: each time, the browser takes the address of this run for its own, and a
    # control that was used in the meantime would be lost from it.
    if track.example and st.query_params.get("example") != track.example:
        st.query_params["example"] = track.example
    st.subheader(escape(track.name, 60), anchor=False)
    if track.origin is not None:
        sources.show_origin(track.origin)
    if track.seconds > session.LAB_SECONDS:
        st.caption(f"{limited} the first {session.LAB_SECONDS // 60} minutes.")
    return track


def pick_task(track: session.Track, key: str, label: str, **options: Any) -> tuple[str, int]:
    """A switch between the track's predictions. Returns the chosen task and its index.

    Args:
        label: For screen readers.
        options: Further arguments of st.segmented_control, such as `bind`.
    """
    tasks = [prediction.task for prediction in track.analysis.predictions]
    task = st.segmented_control(
        label,
        tasks,
        default=tasks[0],
        required=True,
        format_func=display,
        key=key,
        label_visibility="collapsed",
        **options,
    )
    return task, tasks.index(task)
