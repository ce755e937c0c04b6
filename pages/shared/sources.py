"""Where the current track comes from: examples, files, recordings, titles, Spotify links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as with_changes
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from crnn import audio
from crnn import sources as services
from crnn.errors import CrnnError
from crnn.format import clock, ellipsis
from crnn.sources.examples import EXAMPLES
from pages.shared import cards, models, session
from pages.shared.markdown import escape, hyperlink

LIMIT_MB = 50

# Ways to open a track besides files and examples, with their icons.
_OTHER = {"Record": ":material/mic:", "Search or Spotify link": ":material/search:"}


def choose_source(compact: bool = True, live: Callable[[], None] | None = None) -> None:
    """Widgets that open a track: a file, a recording or a link, or an example.

    Args:
        compact: show the examples in rows, not in tiles.
        live: draws the prediction from the microphone; default: that is not offered.
    """
    # Reserved in pixels: styles may come after the words around it. app.css lets it grow.
    with st.container(height=150, border=False, key="upload-room"):
        file = _upload()
    _analyse_upload(file)
    others = _OTHER if live is None else _OTHER | {"Live": ":material/sensors:"}
    other = st.segmented_control(
        "Other sources",
        list(others),
        key="source",
        format_func=lambda name: f"{others[name]} {name}",
        label_visibility="collapsed",
    )
    if other == "Record":
        _record()
    elif other == "Live" and live is not None:
        live()
    elif other:
        spotify_link()
    st.markdown("**Or try an example**")
    cards.show(compact)


def choose_another(track: session.Track, live: Callable[[], None] | None = None) -> None:
    """The same in a box that is closed again as soon as another track is there."""
    box = st.expander(
        "Open another song", icon=":material/add:", key=f"another-{id(track)}", on_change="rerun"
    )
    if box.open:
        with box:
            choose_source(live=live)
        if session.current() is not track:
            st.rerun()


def open_example_from_url() -> None:
    """Make the example that the address (?example=…) names the current track."""
    asked = st.query_params.get("example")
    if asked is None or asked == st.session_state.get("opened_example"):
        return
    if asked not in EXAMPLES:
        unknown_example(asked)
        return
    try:
        st.session_state.track = session.open_example(EXAMPLES[asked])
        st.session_state.opened_example = asked
    except CrnnError as error:
        st.error(escape(str(error)))


def unknown_example(name: str) -> None:
    """An error: the address asks for an example that does not exist."""
    st.error(f"There is no example called “{escape(name, 60)}”. Available: {', '.join(EXAMPLES)}.")


def _record() -> None:
    label = "Record at least 10 seconds of music"
    recording = st.audio_input(label, sample_rate=44_100, key="recording")
    _analyse_upload(recording, "Your recording")


def _upload(key: str = "upload") -> Any:
    return st.file_uploader(
        f"Upload a song (max. {LIMIT_MB} MB, first 10 minutes)",
        type=list(audio.decode.AUDIO_SUFFIXES),
        max_upload_size=LIMIT_MB,
        key=key,
    )


def _analyse_upload(file: Any, name: str = "") -> None:
    """Analyse a new upload or recording once; show what was wrong with it on every rerun."""
    if file is None:
        return
    name = name or file.name
    if (taken := st.session_state.get("taken")) != file.file_id:
        if taken is not None:
            free(taken)  # no field shows it any more
        st.session_state.failure = None
        st.session_state.pop("track_cache", None)  # the former track's samples: memory for this one
        try:
            st.session_state.track = session.analyse(name, contents(file))
            session.forget_example()
        except CrnnError as error:
            st.session_state.failure = str(error)
        st.session_state.taken = file.file_id
    if st.session_state.failure:
        before = session.current()
        still = f" Showing the previous track, {escape(before.name, 60)}." if before else ""
        st.error(
            f"**{escape(name, 60)}** – {escape(st.session_state.failure)}{still}",
            icon=":material/hearing_disabled:",
        )


def contents(file: Any) -> bytes:
    """An upload's bytes, those that Streamlit holds: scripts get a copy of them, which is freed."""
    uploads, session_id = _uploads()
    records = uploads.get_files(session_id, [file.file_id]) if uploads is not None else []
    data = records[0].data if records else bytes(file.getvalue())
    file.close()
    return data


def free(file_id: str) -> None:
    """Free an upload, which Streamlit would hold until the session ends.

    A field that still names it is empty from the next run on.
    """
    uploads, session_id = _uploads()
    if uploads is not None:
        uploads.remove_file(session_id, file_id)


def _uploads() -> tuple[MemoryUploadedFileManager | None, str]:
    """Streamlit's store of uploads, and this session's key in it."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return None, ""
    return context.uploaded_file_mgr, context.session_id


@dataclass
class _Link:
    """A link or a title that was entered, and what came of it."""

    text: str
    info: services.spotify.TrackInfo | None = None
    failure: str = ""
    candidates: Sequence[services.previews.Preview] = ()


def spotify_link() -> None:
    """A field for a song's title or its link on Spotify, and what came of it."""
    text = st.text_input(
        "Song title and artist, or Spotify link",
        key="spotify",
        placeholder="Yesterday Beatles, or https://open.spotify.com/track/…",
        help="In Spotify: the three dots beside a song, “Share”, “Copy song link”.",
    )
    if not text.strip():
        st.session_state.pop("spotify_link", None)
        st.caption(
            "Titles are searched on Apple Music, links on Spotify. We analyse the song's 30-second "
            "preview from Apple Music or Deezer."
        )
        return
    link = st.session_state.get("spotify_link")
    if link is None or link.text != text:
        link = st.session_state.spotify_link = _follow(text)
    if link.failure:
        st.error(escape(link.failure, 600), icon=":material/link_off:")
        st.button(
            "Try again",
            icon=":material/refresh:",
            on_click=lambda: st.session_state.pop("spotify_link", None),
        )
        if link.info is not None:
            _other_ways(link.info)
        return
    if link.info and link.info.notice:
        st.info(escape(link.info.notice, 600), icon=":material/info:")
    if link.candidates:
        _candidates(link)


def _follow(text: str) -> _Link:
    """Look a new link up and analyse its preview, or list recordings to choose from."""
    link, http = _Link(text), services.http.new_session()
    try:
        if services.spotify.is_title(text):
            with st.spinner("Searching Apple Music…"):
                link.candidates = services.previews.search(text.strip(), http)
            if not link.candidates:
                link.failure = (
                    f"Apple Music has no song called “{ellipsis(text.strip(), 60)}”. Check the "
                    "spelling, or upload the song."
                )
            return link
        with st.spinner("Looking up the track on Spotify…"):
            info = link.info = _look_up(services.spotify.track_id(text, http))
        if info.notice:
            _look_up.clear(info.id)  # a temporary failure is not cached for an hour
        if info.artists:
            with st.spinner(f"Looking for a preview of {escape(info.title, 60)}…"):
                found = services.previews.find_preview(info, http, _enabled("SPOTIFY_AUDIO"))
            _use(info, found)
        else:
            with st.spinner(f"Looking for recordings called {escape(info.title, 60)}…"):
                link.candidates = services.previews.search(info.title, http)
            if not link.candidates:
                link.failure = (
                    "Only the title is known, and Apple Music has no recording of that name. "
                    "Upload the song instead."
                )
    except services.http.FetchError as error:
        link.failure = f"{error} Upload the song instead, or open an example."
    except services.previews.NoPreview as error:
        link.failure = f"No preview available. {error} Upload the song instead."
    except CrnnError as error:
        link.failure = str(error)
    return link


@st.cache_data(ttl=3600, max_entries=256, show_spinner=False)
def _look_up(track: str) -> services.spotify.TrackInfo:
    """Metadata by id, requested at most once an hour by all visitors together."""
    return services.spotify.look_up(track, _credentials(), services.http.new_session())


def _use(info: services.spotify.TrackInfo | None, found: services.previews.FetchedPreview) -> None:
    """Analyse a preview; it becomes the current track."""
    preview = found.preview
    track = session.analyse(f"{preview.artist} – {preview.title}".strip(" –"), found.data)
    origin = session.Origin(info, preview, found.tried)
    st.session_state.track = with_changes(track, origin=origin)
    session.forget_example()


def _candidates(link: _Link) -> None:
    """Recordings of that title; none is analysed until it is chosen."""
    info = link.info
    found = "Found on Apple Music."
    if info is not None:
        found = f"On Spotify it is called {hyperlink(info.title, info.link)}."
    st.markdown(f"{found} Which of these recordings is it?")
    for number, preview in enumerate(link.candidates):
        cover, text, button = st.columns([1, 5, 2], vertical_alignment="center")
        if preview.cover:
            cover.image(preview.cover, width=64)
        length = f" · {clock(preview.seconds)}" if preview.seconds else ""
        text.markdown(f"**{escape(preview.title, 60)}**  \n{escape(preview.artist, 60)}{length}")
        icon = ":material/graphic_eq:"
        if button.button("This one", key=f"choice-{number}", icon=icon, width="stretch"):
            try:
                with st.spinner(f"Fetching the preview of {escape(preview.title, 60)}…"):
                    data = services.previews.download(preview, services.http.new_session())
                _use(info, services.previews.FetchedPreview(preview, data))
            except CrnnError as error:
                text = f"{error} Choose another recording, or upload the song."
                st.error(escape(text), icon=":material/link_off:")
    if info is None:
        st.caption("None of these? Add the artist's name, or upload the song.")
        return
    with st.expander("None of these"):
        _other_ways(info)


def _other_ways(info: services.spotify.TrackInfo) -> None:
    """Spotify's own player, and an upload beside it."""
    player, other = st.columns(2, gap="large")
    with player:
        st.iframe(f"https://open.spotify.com/embed/track/{info.id}", height=152)
        st.caption("Spotify's own player. Its audio cannot be analysed here.")
    with other:
        _analyse_upload(_upload("upload_instead"))


def show_origin(origin: session.Origin) -> None:
    """The cover, whole; who made it, with a link back; whose preview was analysed."""
    info, preview = origin.info, origin.preview
    text = st.container()
    if image := info.cover if info is not None else preview.cover:
        cover, text = st.columns([1, 6], vertical_alignment="center")
        cover.image(image, width=120)
    recording = f"{preview.artist} – {preview.title}"
    recording = hyperlink(recording, preview.page, 120) if preview.page else escape(recording, 120)
    played = f"Played and analysed here: the preview that {preview.service} offers of {recording}."
    if info is not None:
        by = f", by {escape(', '.join(info.artists), 60)}" if info.artists else ""
        played = f"{hyperlink(info.title, info.link)} on Spotify{by}  \n{played}"
    text.markdown(played)
    if origin.tried:
        text.caption(escape(" ".join(origin.tried)))


def _credentials() -> services.spotify.Credentials | None:
    names = ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET")
    return services.spotify.Credentials.find({name: models.setting(name) for name in names})


def _enabled(name: str) -> bool:
    return models.setting(name).strip().lower() in ("true", "1", "yes", "on")
