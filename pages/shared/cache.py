"""Results computed for the current track, kept in the visitor's session."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from pages.shared.session import Track

Value = TypeVar("Value")


def per_track(
    name: str, track: Track, key: Hashable, compute: Callable[[], Value], limit: int = 1
) -> Value:
    """The value that `compute` returns for a track and a key, computed once.

    Another track clears the cache. Of each kind (`name`) the newest `limit` values are kept.
    """
    cached = st.session_state.get("track_cache")
    if cached is None or cached[0] is not track:
        cached = st.session_state.track_cache = (track, {})
    values: dict[Hashable, Value] = cached[1].setdefault(name, {})
    if key not in values:
        value = compute()
        while len(values) >= limit:
            values.pop(next(iter(values)))
        values[key] = value
    return values[key]
