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

    Args:
        name: Kind of value; kinds do not evict each other.
        track: The track it is computed from; another track clears the cache.
        key: Everything else that the value depends on.
        compute: Called without arguments where there is no value yet.
        limit: Values kept of this kind; the oldest one is dropped.
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
