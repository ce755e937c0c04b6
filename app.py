"""The app's frame: page list, page settings, and what every page has around it."""

import os
import time
from pathlib import Path

import streamlit as st
from streamlit import runtime

from pages.shared import model_panel, models, navigation

STYLES = [
    Path(__file__).parent / "pages" / name
    for name in ("shared/contrast.css", "shared/app.css", "lab/lab.css", "room/room.css")
]

# Seconds that a browser has for the styles before there is anything that they would move.
_STYLES_FIRST = 0.25

# Before PyTorch is loaded: its threads sleep while they wait, or each takes a core from others.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

st.set_page_config(page_icon="🎚️", layout="wide", initial_sidebar_state="collapsed")
styles = "".join(file.read_text(encoding="utf-8") for file in STYLES)
st.html(f"<style>{styles}</style>")
if runtime.exists() and "styled" not in st.session_state:
    time.sleep(_STYLES_FIRST)
    st.session_state.styled = True

navigation.clean_address()
page = st.navigation(navigation.pages(), position="top")
navigation.set_title(page.title)
if page.url_path == "room":  # a student's phone: the question, and nothing around it
    page.run()
    models.spare_modules()
    st.stop()

with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.markdown(f":primary[:material/graphic_eq:] **{navigation.NAME}**", width="stretch")
    navigation.share()
    panel = model_panel.controls()
notices = st.container()
page.run()
# By now the networks that the page needs are loaded, or it is known why they could not be.
model_panel.fill(panel)
model_panel.show_notices(notices)

footer = ["Nothing you upload or record is stored: it is gone when you close this page."]
if models.all_bundled():
    footer.append(
        "Trained on 1,000 tracks (GTZAN) and about 800 clips (4Q). Best at Western pop music from "
        "before 2010."
    )
st.container(key="footer").caption("  \n".join(footer))
# Last: until the browser has what runs them, they take room.
navigation.describe()
navigation.let_swipes_scroll()
models.spare_modules()
