"""Listen: a track in; its spectrogram, genre and mood out."""

import streamlit as st

from pages.listen import track as view
from pages.shared import session
from pages.shared.sources import choose_source

st.title("What does this song sound like?", anchor=False)
st.markdown("Drop in a song. See its genre and mood, second by second, and why.")
choose_source()
if (track := session.current()) is not None:
    view.show(track)
else:
    st.info("Pick an example or upload a song to start.")
session.warm_up()
