"""The page's text colour, for text inside figures."""

import streamlit as st


def ink() -> str | None:
    """As the theme in use has it; None where it is not known (no browser)."""
    kind = st.context.theme.type
    return st.get_option(f"theme.{kind}.textColor") if kind in ("light", "dark") else None
