"""The list of pages."""

import streamlit as st


def pages() -> list[st.Page]:
    """All pages, in the order of the menu."""
    return [
        st.Page(
            "pages/listen/page.py",
            title="Listen",
            icon=":material/graphic_eq:",
            url_path="listen",
            default=True,
        ),
        st.Page("pages/lab/page.py", title="Lab", icon=":material/science:", url_path="lab"),
        st.Page(
            "pages/compare/page.py",
            title="Compare",
            icon=":material/compare_arrows:",
            url_path="compare",
        ),
        st.Page(
            "pages/how/page.py",
            title="How it works",
            icon=":material/conversion_path:",
            url_path="how",
        ),
        st.Page(
            "pages/results/page.py",
            title="Results",
            icon=":material/query_stats:",
            url_path="results",
        ),
    ]
