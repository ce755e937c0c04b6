"""The app's frame: page list, page settings, and what every page has beside it."""

from pathlib import Path

import streamlit as st

from pages.shared import model_panel, models

PAGES = {
    "listen": ("Listen", "graphic_eq"),
    "lab": ("Lab", "science"),
    "compare": ("Compare", "compare_arrows"),
    "how": ("How it works", "conversion_path"),
    "results": ("Results", "query_stats"),
}

st.set_page_config(page_title="Genre & Mood Spectrum", page_icon="🎚️", layout="wide")
st.html(Path(__file__).parent / "pages/shared/contrast.css")

page = st.navigation(
    [
        st.Page(
            f"pages/{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "listen",
        )
        for name, (title, icon) in PAGES.items()
    ],
    position="top",
)

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
