"""The current track with its name, or an example where there is none yet: what every page but Listen begins with."""

from typing import Any

import streamlit as st

from crnn.sources.examples import EXAMPLES
from pages.listen.track import origin
from pages.shared import session
from pages.shared.sources import choose_source

DEFAULT = "mountain"


def track_or_example(whose_limit: str) -> session.Track:
    """Draws ways to another track and its name; where it is too long to keep, whose_limit ("The lab works on") with the limit."""
    with st.expander("Change the track", icon=":material/library_music:"):
        choose_source()
    wanted = st.query_params.get("example")
    if wanted is not None and wanted not in EXAMPLES:
        st.error(
            f"There is no example called “{session.plain(wanted)}”. There are: {', '.join(EXAMPLES)}."
        )
    track = session.current()
    if track is None:
        track = st.session_state.track = session.open_example(EXAMPLES[DEFAULT])
    if track.example:
        st.query_params["example"] = track.example
    st.subheader(session.plain(track.name), anchor=False)
    if track.origin is not None:
        origin(track.origin)
    if track.seconds > session.LAB_SECONDS:
        st.caption(f"{whose_limit} the first {session.LAB_SECONDS // 60} minutes.")
    return track


def pick_task(track: session.Track, key: str, label: str, **options: Any) -> tuple[str, int]:
    """A switch between the track's predictions.

    Args:
        track: The track whose predictions there are.
        key: Of the widget.
        label: For screen readers.
        options: Further arguments of st.segmented_control, such as `bind`.

    Returns:
        The chosen task and its place among the predictions.
    """
    tasks = [prediction.task for prediction in track.analysis.predictions]
    task = st.segmented_control(
        label,
        tasks,
        default=tasks[0],
        required=True,
        format_func=str.capitalize,
        key=key,
        label_visibility="collapsed",
        **options,
    )
    return task, tasks.index(task)
