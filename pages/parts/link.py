"""The address of what is on screen, to hand on."""

from urllib.parse import urlencode

import streamlit as st

from pages.parts import networks, shared


def link(track: shared.Track, what: str) -> None:
    """A button that shows the address of this very state; what: what it opens besides the example."""
    with st.popover("Link", icon=":material/link:"):
        st.caption(
            f"Opens exactly this: the example, {what}."
            if track.example
            else "Carries the settings only: your track stays with you, and the link opens an example."
        )
        if not networks.all_bundled():
            st.caption(
                "Another network than the bundled ones is in use here. Whoever opens the link hears the bundled ones."
            )
        st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)
