"""How it works: the track in hand through every stage of a network."""

import streamlit as st

from pages.how import view
from pages.shared import session
from pages.shared.track_picker import track_or_example

st.title("How it works", anchor=False)
st.markdown(
    "A few seconds of music on their way through a network, from the air to the answer: what happens at each step, why, by which "
    "formula and by which lines of code. Move the slider below to another moment, and everything follows."
)
view.show(track_or_example("This page works on"))
session.warm_up()
