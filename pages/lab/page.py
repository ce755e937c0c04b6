"""The augmentation lab: a console, a small training, a quiz, lessons."""

from pathlib import Path

import streamlit as st

from pages.lab import console, lessons
from pages.lab.training import view as training
from pages.room import teacher
from pages.shared import session
from pages.shared.controls import choose

VIEWS = {
    "Experiment": console.show,
    "Train live": training.show,
    "Quiz": teacher.show,
    "Lessons": lessons.show,
}

_PROJECTOR = Path(__file__).with_name("projector.css")

with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lab-head"):
    st.title("Augmentation lab", anchor=False, width="content")
    view = choose("View", list(VIEWS), "view")
    st.caption(
        "Data augmentation: models train on altered copies of their data. Alter a song, hear it "
        "and see how the predictions change.",
        width=420,
    )
    projector = st.toggle(
        "Projector", key="projector", bind="query-params", help="Larger type, only the Lab."
    )
if projector:
    st.html(f"<style>{_PROJECTOR.read_text('utf-8')}</style>")
VIEWS[view]()
session.warm_up()
