"""Where a track comes from: the widgets that Listen and the Lab share. Whatever they bring becomes the current track."""

from typing import Any

import streamlit as st

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.errors import CrnnError
from crnn.sources.examples import EXAMPLES
from pages.shared import session
from pages.shared.spotify_source import choose_link

LIMIT_MB = 50
SOURCES = ["Examples", "Upload", "Record", "Spotify link"]


def choose_source() -> None:
    """Widgets that bring a track in; whatever they bring becomes the current track."""
    source = st.segmented_control(
        "Where the track comes from",
        SOURCES,
        default=SOURCES[0],
        required=True,
        key="source",
        label_visibility="collapsed",
    )
    if source == "Examples":
        choose_example()
    elif source == "Upload":
        upload("upload")
    elif source == "Record":
        given = st.audio_input(
            "Record a few seconds of music near the microphone; 10 or more say most",
            sample_rate=None,
            key="recording",
        )
        take(given, "recording")
    else:
        choose_link()


def upload(key: str) -> None:
    """A field for a file."""
    given = st.file_uploader(
        f"A song of up to {LIMIT_MB} MB, of which the first 10 minutes are heard: WAV, FLAC, OGG, Opus, MP3, M4A, AAC, WebM or "
        "MP4",
        type=list(AUDIO_SUFFIXES),
        max_upload_size=LIMIT_MB,
        key=key,
    )
    take(given, "upload")


def choose_example() -> None:
    """One button a clip, and the clip named in the address."""
    with st.container(horizontal=True):
        for example in EXAMPLES.values():
            if st.button(
                f"**{example.title}** · {example.artist}",
                key=f"example-{example.name}",
                icon=":material/play_circle:",
                help=f"30 seconds, {example.licence}",
            ):
                st.query_params["example"] = example.name
    wanted = st.query_params.get("example")
    if wanted is None or wanted == st.session_state.get("opened_example"):
        return
    if wanted not in EXAMPLES:
        names = ", ".join(EXAMPLES)
        st.error(
            f"The address asks for an example called “{session.plain(wanted)}”. There are: {names}. Choose one above."
        )
        return
    try:
        st.session_state.track = session.open_example(EXAMPLES[wanted])
        st.session_state.opened_example = wanted
    except CrnnError as error:
        st.error(str(error))


def take(given: Any, kind: str) -> None:
    """Analyse a new upload or recording once; say what was wrong with it each time the page is drawn."""
    if given is None:
        return
    session.forget_example()
    name = "Your recording" if kind == "recording" else given.name
    if st.session_state.get("taken") != given.file_id:
        st.session_state.failure = None
        try:
            st.session_state.track = session.analyse(name, given.getvalue())
        except CrnnError as error:
            st.session_state.failure = str(error)
        st.session_state.taken = given.file_id
    if st.session_state.failure:
        before = session.current()
        still = f" Below is still {session.plain(before.name)}." if before else ""
        st.error(
            f"**{session.plain(name)}** – {st.session_state.failure}{still}",
            icon=":material/hearing_disabled:",
        )
