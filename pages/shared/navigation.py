"""The app's pages and their addresses: the menu, links to share, the way in on a fresh server."""

import math
from urllib.parse import urlencode

import streamlit as st

from pages.shared import models, session

PAGES = {
    "listen": ("Listen", "graphic_eq"),
    "lab": ("Lab", "science"),
    "compare": ("Compare", "compare_arrows"),
    "how": ("How it works", "conversion_path"),
    "results": ("Results", "query_stats"),
}


def pages() -> list[st.Page]:
    """All pages in the order of the menu."""
    return [
        st.Page(
            f"pages/{name}/page.py",
            title=title,
            icon=f":material/{icon}:",
            url_path=name,
            default=name == "listen",
        )
        for name, (title, icon) in PAGES.items()
    ]


def enter() -> None:
    """Leave Streamlit's older form of several pages for app.py's.

    Because a folder is called pages/, Streamlit starts in its older form, in which an address names
    a file of that folder, until app.py has run once. Without such a file, the first visitor who
    follows a link to a page would see "Page not found". The page is loaded again, not only run
    again: the browser, too, has learned the older form's pages.
    """
    st.navigation(pages(), position="hidden")  # from here on, the server uses the newer form
    st.html("<script>window.location.reload()</script>", unsafe_allow_javascript=True)
    st.stop()


def clean_address() -> None:
    """Leave out of the address what no control can read, so that each begins with its default.

    Streamlit takes an empty value for "nothing chosen", even where something has to be, and fails
    at numbers that are not finite. To be called before any control is drawn.
    """
    address = {key: st.query_params.get_all(key) for key in st.query_params}
    readable = {key: [v for v in values if _readable(v)] for key, values in address.items()}
    if readable != address:
        st.query_params.from_dict(readable)
        st.rerun()  # controls read the address that this run began with


def _readable(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:  # no number
        return bool(value.strip())


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
