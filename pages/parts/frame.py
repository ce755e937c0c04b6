"""The list of pages, and the way into the frame that app.py puts around each."""

import streamlit as st


def pages() -> list[st.Page]:
    """All pages, in the order of the menu."""
    return [
        st.Page("pages/listen.py", title="Listen", icon=":material/graphic_eq:", default=True),
        st.Page("pages/lab.py", title="Lab", icon=":material/science:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/how.py", title="How it works", icon=":material/conversion_path:"),
        st.Page("pages/results.py", title="Results", icon=":material/query_stats:"),
    ]


def enter() -> None:
    """Every page's first line: where it was opened without its frame, open it again within.

    Until a server has run app.py once, Streamlit takes each file of a folder named pages/ for a page of its older kind. The first
    visitor who comes by a link straight to a page would see it bare, with file names for a menu.
    """
    if not st.session_state.get("framed"):
        st.navigation(pages(), position="hidden")  # from here on the server knows better
        st.rerun()
