"""Results kept for all visitors, and those for the current track in the visitor's session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

if TYPE_CHECKING:
    from pages.shared.session import Track

Value = TypeVar("Value")

_shared: list[dict[Any, Any]] = []


def shared(maxsize: int = 1) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Keep the newest `maxsize` results of a function, none of them None, for all visitors.

    The same arguments are computed once: who asks meanwhile waits. Unlike Streamlit's caches, which
    every visitor's browser can have cleared, these stay.
    """

    def decorate(function: Callable[..., Value]) -> Callable[..., Value]:
        values: dict[Hashable, Value] = {}
        computing: dict[Hashable, threading.Lock] = {}
        _shared.append(values)

        @wraps(function)
        def cached(*arguments: Hashable) -> Value:
            with computing.setdefault(arguments, threading.Lock()):
                try:
                    if (value := values.get(arguments)) is None:
                        value = values[arguments] = function(*arguments)
                    return value
                finally:
                    computing.pop(arguments, None)
                    for oldest in list(values)[:-maxsize]:
                        values.pop(oldest, None)

        cached.has = lambda *arguments: arguments in values  # type: ignore[attr-defined]
        return cached

    return decorate


def clear() -> None:
    """Forget what is kept for all visitors: for tests."""
    for values in _shared:
        values.clear()


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
