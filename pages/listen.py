"""Listen: a track in, its spectrogram, genre and mood out."""

import streamlit as st

from pages.parts import frame, shared
from pages.parts.sources import choose_source
from pages.parts.track_view import show

frame.enter()
st.title("What the networks hear", anchor=False)
st.markdown("Two small neural networks listen to a track: one for genre, one for mood.")
choose_source()
if (track := shared.current()) is not None:
    show(track)
else:
    st.info("Bring a track, or open an example: a second or two later you see its spectrogram, genre and mood.")
shared.warm_up()
