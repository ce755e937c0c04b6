"""The address of what a page shows, for sharing."""

from urllib.parse import urlencode

import streamlit as st

from pages.shared import models, session


def link(opens: str) -> None:
    """A button that shows the address; opens: a sentence on what it opens."""
    with st.popover("Link", icon=":material/link:"):
        st.caption(opens)
        if not models.all_bundled():
            st.caption("You use another model than the built-in ones; the link opens those.")
        pairs = [(key, value) for key in st.query_params for value in st.query_params.get_all(key)]
        st.code(f"{st.context.url}?{urlencode(pairs)}", language=None, wrap_lines=True)


def track_link(track: session.Track, what: str) -> None:
    """The same for a track's page; what: what the address holds besides the example."""
    link(
        f"Opens this exact view: the example, {what}."
        if track.example
        else "Keeps the settings only: your track stays with you, the link opens an example."
    )
