"""The Spotify link as a source: look the track up, find thirty seconds of it elsewhere, or let the visitor choose or upload."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from crnn.errors import CrnnError
from pages.shared import models
from pages.shared import session as shared

if TYPE_CHECKING:
    from crnn.sources.previews import FetchedPreview, Preview
    from crnn.sources.spotify import Credentials, TrackInfo


def choose_link() -> None:
    """A field for the link, and what came of it."""
    pasted = st.text_input(
        "Link of a track on Spotify",
        key="spotify",
        placeholder="https://open.spotify.com/track/…",
        help="In Spotify: the three dots beside a song, “Share”, “Copy song link”.",
    )
    if not pasted.strip():
        st.session_state.pop("spotify_state", None)
        st.caption(
            "Spotify tells what the track is; the thirty seconds that are analysed come from Deezer or Apple, who offer previews "
            "of the same recordings."
        )
        return
    state = st.session_state.get("spotify_state")
    if state is None or state["pasted"] != pasted:
        state = st.session_state.spotify_state = _follow(pasted)
    if state["failure"]:
        st.error(shared.plain(state["failure"], limit=600), icon=":material/link_off:")
        st.button(
            "Try again",
            icon=":material/refresh:",
            on_click=lambda: st.session_state.pop("spotify_state", None),
        )
        if state["info"] is not None:
            _dead_end(state["info"])
        return
    if state["info"].notice:
        st.info(shared.plain(state["info"].notice, limit=600), icon=":material/info:")
    if state["choices"]:
        _choices(state)


def _follow(pasted: str) -> dict[str, Any]:
    """Everything that a new link sets off; what it came to."""
    from crnn.sources import http, previews
    from crnn.sources.spotify import track_id

    state: dict[str, Any] = {"pasted": pasted, "info": None, "failure": "", "choices": []}
    session = http.new_session()
    try:
        with st.spinner("Asking Spotify what this is …"):
            info = state["info"] = _looked_up(track_id(pasted, session))
        if info.notice:
            _looked_up.clear(info.id)  # what failed for the moment is not kept for an hour
        if info.artists:
            with st.spinner(f"Looking for a preview of {shared.plain(info.title)} …"):
                found = previews.find_preview(info, session, _switched_on("SPOTIFY_AUDIO"))
            _hear(info, found)
        else:
            with st.spinner(f"Looking for recordings called {shared.plain(info.title)} …"):
                state["choices"] = previews.search_by_title(info, session)
            if not state["choices"]:
                state["failure"] = (
                    "Only its title is known, and Apple has no recording of that name. Upload the song instead."
                )
    except previews.NoPreview as error:
        state["failure"] = f"There is nothing to hear: {error} Upload the song instead."
    except CrnnError as error:
        state["failure"] = str(error)
    return state


@st.cache_data(ttl=3600, max_entries=256, show_spinner=False)
def _looked_up(track: str) -> TrackInfo:
    """What Spotify says of an id, asked at most once an hour by all visitors together."""
    from crnn.sources import http
    from crnn.sources.spotify import look_up

    return look_up(track, _credentials(), http.new_session())


def _hear(info: TrackInfo, found: FetchedPreview) -> None:
    """Analyse a preview; it becomes the current track, with where it came from."""
    preview = found.preview
    track = shared.analyse(f"{preview.artist} – {preview.title}".strip(" –"), found.data)
    st.session_state.track = replace(track, origin=shared.Origin(info, preview, found.tried))
    shared.forget_example()


def _choices(state: dict[str, Any]) -> None:
    """Recordings of that title: nothing is analysed until one is chosen."""
    info: TrackInfo = state["info"]
    st.markdown(
        f"Spotify calls it [{shared.plain(info.title)}]({info.link}). Which of these recordings is it?"
    )
    for number, preview in enumerate(state["choices"]):
        picture, text, button = st.columns([1, 5, 2], vertical_alignment="center")
        if preview.cover:
            picture.image(preview.cover, width=64)
        length = (
            f" · {int(preview.seconds // 60)}:{int(preview.seconds % 60):02d}"
            if preview.seconds
            else ""
        )
        text.markdown(
            f"**{shared.plain(preview.title)}**  \n{shared.plain(preview.artist)}{length}"
        )
        if button.button(
            "This one", key=f"choice-{number}", icon=":material/graphic_eq:", width="stretch"
        ):
            _take_choice(info, preview)
    with st.expander("None of these"):
        _dead_end(info)


def _take_choice(info: TrackInfo, preview: Preview) -> None:
    from crnn.sources import http, previews

    try:
        with st.spinner(f"Fetching the preview of {shared.plain(preview.title)} …"):
            data = previews.download(preview, http.new_session())
        _hear(info, previews.FetchedPreview(preview, data))
    except CrnnError as error:
        st.error(
            f"{error} Choose another recording, or upload the song.", icon=":material/link_off:"
        )


def _dead_end(info: TrackInfo) -> None:
    """The official player, and an upload beside it."""
    from pages.shared.sources import upload

    player, other = st.columns(2, gap="large")
    with player:
        st.iframe(f"https://open.spotify.com/embed/track/{info.id}", height=152)
        st.caption("Spotify's own player. What it plays stays there and can't be analysed.")
    with other:
        upload("upload_instead")


def _credentials() -> Credentials | None:
    from crnn.sources.spotify import Credentials

    return Credentials.find(
        {name: models.setting(name) for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET")}
    )


def _switched_on(name: str) -> bool:
    """Only where someone plainly said so."""
    return models.setting(name).strip().lower() in ("true", "1", "yes", "on")
