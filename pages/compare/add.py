"""Where the compared tracks come from: examples, files, zips, folders, a Spotify link, the track that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.errors import CrnnError
from crnn.sources import archive
from crnn.sources.examples import EXAMPLES
from pages.compare import batch_upload, state
from pages.shared import models, session
from pages.shared.sources import LIMIT_MB
from pages.shared.spotify_source import choose_link

if TYPE_CHECKING:
    from crnn.inference.similarity import TrackSummary

SOURCES = ["Files", "Folder", "Spotify link"]


def add() -> None:
    """Widgets that bring tracks in; what they bring is added to those that are there."""
    _examples()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control("Add your own", SOURCES, key="compare_source")
        _open_track()
    if source == "Files":
        _upload(
            "files",
            f"Songs, or zips of songs, of up to {LIMIT_MB} MB each; {archive.MAX_TRACKS} songs in all, of which the first 10 minutes "
            "are heard",
            True,
        )
    elif source == "Folder":
        _upload(
            "folder",
            f"A folder with up to {archive.MAX_TRACKS} songs of up to {LIMIT_MB} MB each, at any depth; other files in it stay with you",
            "directory",
        )
    elif source == "Spotify link":
        before = session.current()
        choose_link()
        track = session.current()
        if track is not None and track is not before:
            state.add(_summed_up(track))
    batch_upload.tell()


def _examples() -> None:
    """The examples as switches, which the address names."""
    _from_address()
    chosen = st.pills(
        "Examples",
        list(EXAMPLES),
        selection_mode="multi",
        key="examples",
        format_func=lambda name: f"**{EXAMPLES[name].title}** · {EXAMPLES[name].artist}",
    )
    st.session_state.compare_address = st.query_params["examples"] = chosen
    state.keep_examples(chosen)
    there = {track.example for track in state.tracks()}
    missing = [name for name in chosen if name not in there]
    if not missing:
        return
    bar = st.progress(0.0, text="Loading the networks …")
    try:
        for number, name in enumerate(missing):
            bar.progress(
                number / len(missing), f"{number + 1} of {len(missing)}: {EXAMPLES[name].title}"
            )
            state.add(_example(name, models.key()))
    except CrnnError as error:
        st.error(str(error))
    finally:
        bar.empty()


def _from_address() -> None:
    """A link chooses the examples; without one they are those of the comparison, also when its visitor was elsewhere meanwhile."""
    asked = st.query_params.get_all("examples")
    if asked and asked != st.session_state.get("compare_address"):
        unknown = [name for name in asked if name not in EXAMPLES]
        state.choose_examples([name for name in dict.fromkeys(asked) if name in EXAMPLES])
        if unknown:
            st.error(
                f"The address asks for an example called “{session.plain(unknown[0])}”. There are: {', '.join(EXAMPLES)}."
            )
    elif "examples" not in st.session_state:
        state.choose_examples(
            list(dict.fromkeys(t.example for t in state.everything() if t.example))
        )


def _open_track() -> None:
    """The track of the other pages, one click away; what the networks said of it is not asked again."""
    track = session.current()
    if track is None or (track.example and track.example in state.chosen_examples()):
        return
    from crnn.inference.similarity import digest

    if not track.example and state.has(digest(track.data)):
        return
    label, about = (
        f"{session.plain(track.name, 40)}, which is open",
        "Add the track that the other pages show",
    )
    if track.example:
        wanted = [*state.chosen_examples(), track.example]
        st.button(
            label,
            key="compare-open",
            icon=":material/add:",
            help=about,
            on_click=state.choose_examples,
            args=(wanted,),
        )
    elif st.button(label, key="compare-open", icon=":material/add:", help=about):
        state.add(_summed_up(track))
        st.rerun()


def _upload(kind: str, label: str, several: bool | str) -> None:
    key = batch_upload.uploader_key(kind)
    given = st.file_uploader(
        label,
        type=[*AUDIO_SUFFIXES, ".zip"],
        accept_multiple_files=several,
        max_upload_size=LIMIT_MB,
        key=key,  # type: ignore[call-overload]
    )
    if given:
        batch_upload.take(key, given)


def _summed_up(track: session.Track) -> TrackSummary:
    from crnn.inference import similarity

    with session.my_turn():
        return similarity.summarise(
            track.name,
            track.data,
            track.seconds,
            track.analysis,
            session.classifiers(),
            notices=track.notices,
            networks=track.networks,
            example=track.example,
        )


# As many sets of networks as shared.example_track.
@st.cache_resource(show_spinner=False, max_entries=4 * len(EXAMPLES))
def _example(name: str, heard_by: tuple[str, ...]) -> TrackSummary:
    """An example's summary, computed for the first visitor who asks."""
    return _summed_up(session.example_track(name, heard_by))
