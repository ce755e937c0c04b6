"""How it works: the current track through every stage of a network."""

import streamlit as st

from pages.how import view
from pages.shared import session
from pages.shared.track_picker import track_or_example

st.title("How it works", anchor=False)
st.markdown(
    "Follow one segment of music through the model, step by step. Drag the slider at the bottom to "
    "another moment."
)
view.show(track_or_example("This page analyses"))
session.warm_up()
