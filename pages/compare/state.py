"""The tracks that this session compares, in the order they came; what was removed can come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.shared import models

if TYPE_CHECKING:
    from crnn.inference.similarity import TrackSummary


def everything() -> list[TrackSummary]:
    """Heard by whichever networks; a few kilobytes each."""
    return st.session_state.setdefault("compared", [])  # type: ignore[no-any-return]


def tracks() -> list[TrackSummary]:
    """Those that the networks in use have heard: what other networks made of a track does not compare with them."""
    if not everything():
        return []  # asking for the networks would load them
    now = models.key()
    return [track for track in everything() if track.networks == now]


def asleep() -> int:
    """How many of the visitor's own were heard by other networks only."""
    awake = {track.digest for track in tracks()}
    return len({track.digest for track in everything() if not track.example} - awake)


def own() -> int:
    """How many of those compared are the visitor's own."""
    return sum(not track.example for track in tracks())


def has(digest: str) -> bool:
    """Whether this very file is compared already."""
    return any(track.digest == digest for track in tracks())


def add(track: TrackSummary) -> None:
    """At the end; a name that is taken gets a number."""
    from crnn.inference.similarity import unique_name

    if not has(track.digest):
        everything().append(
            replace(track, name=unique_name(track.name, [other.name for other in tracks()]))
        )


def chosen_examples() -> list[str]:
    return list(st.session_state.get("examples") or [])


def choose_examples(names: list[str]) -> None:
    """For buttons: the examples' own widget then follows."""
    st.session_state.examples = names


def keep_examples(names: list[str]) -> None:
    """Drop the examples that are not chosen any more; a click brings them back."""
    st.session_state.compared = [
        track for track in everything() if not track.example or track.example in names
    ]


def remove(digest: str) -> None:
    """For buttons: one track away."""
    gone = [track for track in everything() if track.digest == digest]
    if gone:
        _forget(f"{gone[0].name} was removed.", lambda track: track.digest != digest)


def clear() -> None:
    """For buttons: all tracks away."""
    _forget("The comparison was cleared.", lambda track: False)


def _forget(said: str, stays: Callable[[TrackSummary], bool]) -> None:
    st.session_state.compare_before = (said, list(everything()))
    st.session_state.compared = [track for track in everything() if stays(track)]
    choose_examples(
        [name for name in chosen_examples() if any(t.example == name for t in everything())]
    )


def undoable() -> str:
    """What the last removal did; empty where there is nothing to bring back."""
    return (st.session_state.get("compare_before") or ("", []))[0]  # type: ignore[no-any-return]


def undo() -> None:
    """For buttons: as before the last removal, with what was added since."""
    _, before = st.session_state.pop("compare_before")
    known = {(track.digest, track.networks) for track in before}
    st.session_state.compared = before + [
        t for t in everything() if (t.digest, t.networks) not in known
    ]
    choose_examples(list(dict.fromkeys(track.example for track in everything() if track.example)))
