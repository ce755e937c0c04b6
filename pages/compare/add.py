"""Where compared tracks come from: examples, files, zips, folders, links, the current track."""

from __future__ import annotations

import streamlit as st

from crnn import audio, inference
from crnn.errors import CrnnError
from crnn.sources import archive
from crnn.sources.examples import EXAMPLES
from pages.compare import batch_upload, state
from pages.shared import cache, models, queue, session, sources
from pages.shared.markdown import escape

SOURCES = ("Files", "Folder", "Search or Spotify link")


def add() -> None:
    """Widgets that add tracks to the comparison."""
    _examples()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control("Add your own", SOURCES, key="compare_source")
        _current_track()
    limits = f"{sources.LIMIT_MB} MB each, up to {archive.MAX_TRACKS} tracks"
    if source == "Files":
        _upload("files", f"Audio files or ZIPs, {limits}; the first 10 minutes are analysed", True)
    elif source == "Folder":
        _upload("folder", f"A folder of tracks, {limits}; other files are ignored", "directory")
    elif source == "Search or Spotify link":
        before = session.current()
        sources.spotify_link()
        track = session.current()
        if track is not None and track is not before:
            state.add(_summary(track))
    batch_upload.show_report()


def _examples() -> None:
    """The examples as switches, which are part of the address."""
    _examples_from_address()
    chosen = st.pills(
        "Examples",
        list(EXAMPLES),
        selection_mode="multi",
        key="examples",
        format_func=lambda name: f"**{EXAMPLES[name].title}** · {EXAMPLES[name].artist}",
    )
    st.session_state.compare_address = chosen
    if chosen != st.query_params.get_all("examples"):  # see track_picker: only where it changes
        st.query_params["examples"] = chosen
    state.keep_examples(chosen)
    present = {track.example for track in state.tracks()}
    missing = [name for name in chosen if name not in present]
    if not missing:
        return
    bar = st.progress(0.0, "Loading the models…")
    try:
        for i, name in enumerate(missing):
            bar.progress(i / len(missing), f"{i + 1} of {len(missing)}: {EXAMPLES[name].title}")
            state.add(_example(name, models.key()))
    except CrnnError as error:
        st.error(escape(str(error)))
    finally:
        bar.empty()


def _examples_from_address() -> None:
    """A link chooses the examples; without one they are those compared before."""
    asked = st.query_params.get_all("examples")
    if asked and asked != st.session_state.get("compare_address"):
        state.choose_examples([name for name in dict.fromkeys(asked) if name in EXAMPLES])
        if unknown := [name for name in asked if name not in EXAMPLES]:
            sources.unknown_example(unknown[0])
    elif "examples" not in st.session_state:
        compared = dict.fromkeys(t.example for t in state.all_tracks() if t.example)
        state.choose_examples(list(compared))


def _current_track() -> None:
    """The track of the other pages, one click away; its predictions are not computed again."""
    track = session.current()
    if track is None or (track.example and track.example in state.chosen_examples()):
        return
    if not track.example and state.has(inference.similarity.digest(track.data)):
        return
    label = f"Add current track ({escape(track.name, 40)})"
    style = {"key": "compare-open", "icon": ":material/add:"}
    if track.example:
        chosen = [*state.chosen_examples(), track.example]
        st.button(label, on_click=state.choose_examples, args=(chosen,), **style)
    elif st.button(label, **style):
        state.add(_summary(track))
        st.rerun()


def _upload(kind: str, label: str, several: bool | str) -> None:
    key = batch_upload.uploader_key(kind)
    files = st.file_uploader(
        label,
        type=[*audio.decode.AUDIO_SUFFIXES, ".zip"],
        accept_multiple_files=several,
        max_upload_size=sources.LIMIT_MB,
        key=key,  # type: ignore[call-overload]
    )
    if files:
        batch_upload.analyse(key, files)


def _summary(track: session.Track) -> inference.TrackSummary:
    with queue.turn():
        return inference.similarity.summarise(
            track.name,
            track.data,
            track.seconds,
            track.analysis,
            session.classifiers(),
            queue.decode,
            notices=track.notices,
            networks=track.networks,
            example=track.example,
        )


@cache.shared(session.NETWORK_SETS * len(EXAMPLES))
def _example(name: str, networks: tuple[str, ...]) -> inference.TrackSummary:
    """An example's summary, computed for the first visitor who asks."""
    return _summary(session.example_track(name, networks))
