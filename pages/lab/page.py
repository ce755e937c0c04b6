"""The augmentation lab: an experiment, a quiz, lessons."""

import streamlit as st

from pages.lab import experiment, lessons, quiz
from pages.shared import session

VIEWS = {"Experiment": experiment.show, "Quiz": quiz.show, "Lessons": lessons.show}

st.title("Augmentation lab", anchor=False)
st.markdown(
    "Networks learn from spectrograms that were spoilt on purpose: silenced, stretched, buried in noise. See, hear and "
    "measure what each of these **augmentations** does."
)
view = st.segmented_control(
    "View",
    list(VIEWS),
    default="Experiment",
    required=True,
    key="view",
    bind="query-params",
    label_visibility="collapsed",
)
VIEWS[view]()
session.warm_up()
