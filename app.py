"""The app's frame: page list, page settings, and what every page has beside it."""

import os
from pathlib import Path

import streamlit as st

from pages.shared import model_panel, models
from pages.shared.navigation import clean_address, pages

# Before PyTorch is loaded: its threads sleep while they wait, or each takes a core from others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

st.set_page_config(page_title="Genre & Mood Spectrum", page_icon="🎚️", layout="wide")
st.html(Path(__file__).parent / "pages/shared/contrast.css")

clean_address()
page = st.navigation(pages(), position="top")

with st.sidebar:
    st.markdown(
        "Find out what genre and mood a song has, moment by moment. Two small neural networks "
        "listen and show their reasoning."
    )
    training_data = st.container()
    panel = model_panel.controls()
    if models.all_bundled():
        training_data.caption(
            "Trained on 1,000 tracks (GTZAN) and about 800 clips (4Q). Best at Western pop music "
            "from before 2010."
        )
    st.caption("Nothing you upload or record is stored: it is gone when you close this page.")

notices = st.container()
page.run()
# By now the networks that the page needs are loaded, or it is known why they could not be.
model_panel.fill(panel)
model_panel.show_notices(notices)
