"""The app's frame: page list, page settings, and what every page has beside it."""

from pathlib import Path

import streamlit as st

from pages.shared import model_panel, models
from pages.shared.navigation import pages

st.set_page_config(page_title="Genre & Mood Spectrum", page_icon="🎚️", layout="wide")
st.html(Path(__file__).parent / "pages/shared/contrast.css")

page = st.navigation(pages(), position="top")

with st.sidebar:
    st.markdown(
        "**Genre & Mood Spectrum** shows how genre and mood are distributed over a track, as two small neural networks "
        "hear it."
    )
    origin = st.container()
    panel = model_panel.controls()
    if models.all_bundled():
        origin.caption(
            "They learned from 1000 tracks of the GTZAN collection and some 800 clips of moods4q, so they know Western "
            "popular music up to about 2010 best."
        )
    st.caption("Nothing you upload or record is stored: it is gone when you close this page.")

notices = st.container()
page.run()
# By now the networks that the page needed are loaded, or it is known why not.
model_panel.tell(panel)
model_panel.show_notices(notices)
