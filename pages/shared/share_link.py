"""The address of the state that a page shows, to hand on."""

from urllib.parse import urlencode

import streamlit as st

from pages.shared import models, session


def link(said: str) -> None:
    """A button that opens it; said: what whoever opens the address will see."""
    with st.popover("Link", icon=":material/link:"):
        st.caption(said)
        if not models.all_bundled():
            st.caption(
                "Another network than the bundled ones is in use here. Whoever opens the link hears the bundled ones."
            )
        pairs = [(key, value) for key in st.query_params for value in st.query_params.get_all(key)]
        st.code(f"{st.context.url}?{urlencode(pairs)}", language=None, wrap_lines=True)


def track_link(track: session.Track, what: str) -> None:
    """The same of one track's page; what: what the address opens besides the example."""
    link(
        f"Opens exactly this: the example, {what}."
        if track.example
        else "Carries the settings only: your track stays with you, and the link opens an example."
    )
