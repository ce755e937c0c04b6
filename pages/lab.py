"""The augmentation lab: an experiment, a quiz, lessons."""

import streamlit as st

from pages.parts import frame, lab_experiment, lab_lessons, lab_quiz, shared

frame.enter()
VIEWS = {"Experiment": lab_experiment.show, "Quiz": lab_quiz.show, "Lessons": lab_lessons.show}

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
shared.warm_up()
