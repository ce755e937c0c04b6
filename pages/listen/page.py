"""Listen: a track in, its spectrogram, genre and mood out."""

import streamlit as st

from pages.listen.track import show
from pages.shared import session
from pages.shared.sources import choose_source

st.title("What the networks hear", anchor=False)
st.markdown("Two small neural networks listen to a track: one for genre, one for mood.")
choose_source()
if (track := session.current()) is not None:
    show(track)
else:
    st.info(
        "Bring a track, or open an example: a second or two later you see its spectrogram, genre and mood."
    )
session.warm_up()
