"""The augmentation lab: an experiment, a quiz, lessons."""

import streamlit as st

from pages.lab import experiment, lessons, quiz
from pages.shared import session
from pages.shared.controls import choose

VIEWS = {"Experiment": experiment.show, "Quiz": quiz.show, "Lessons": lessons.show}

st.title("Augmentation lab", anchor=False)
st.markdown(
    "**Data augmentation**: models train on altered copies of the data. Mask, stretch or add "
    "noise, then see and hear what changes."
)
VIEWS[choose("View", list(VIEWS), "view")]()
session.warm_up()
