"""Listen: choose a track, then see its genre and mood over time, and why."""

import streamlit as st

from pages.listen import live
from pages.listen import track as view
from pages.shared import navigation, session, sources

sources.open_example_from_url()
if (track := session.current()) is not None:
    navigation.set_title(track.name)
    view.show(track)
    if st.session_state.get("in_view") != id(track):  # it was just opened, by a card far below
        st.session_state.in_view = id(track)
        navigation.scroll_to("verdict", str(id(track)))
else:
    st.title("What does this song sound like?", anchor=False)
    st.markdown("Drop in a song. See its genre and mood, second by second, and why.")
    sources.choose_source(compact=False, live=live.show)
    if session.current() is not None:
        st.rerun()  # so that the track's view replaces this one
session.warm_up()  # once per process
