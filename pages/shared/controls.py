"""Controls whose choice is part of the address."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    renamed: Mapping[str, str] | None = None,
    widget: Any = st.segmented_control,
    **more: Any,
) -> Any:
    """One of several options, always one of them; the first, unless the address has another.

    Args:
        label: for screen readers; shown with `label_visibility="visible"`.
        key: name of the query parameter, whose values are the options as they are shown.
        renamed: options as older addresses have them, with the option of today.
        widget: `st.segmented_control` or `st.pills`, or the same of a container.
        more: further arguments of the widget.
    """
    accept_renamed(key, renamed or {})
    style = {"default": options[0], "label_visibility": "collapsed"} | more
    return widget(label, options, required=True, key=key, bind="query-params", **style)


def accept_renamed(key: str, renamed: Mapping[str, str]) -> None:
    """Let older addresses, which have options under other names, open what they opened.

    To be called before the control is drawn, which drops unknown options from the address.
    """
    address = st.query_params.get(key)
    name = renamed.get(address or "", address)
    if name != address and key not in st.session_state:
        st.query_params[key] = name
        st.rerun()
