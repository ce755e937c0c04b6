"""The tracks that a session compares, in the order they were added; a removal can be undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from crnn import inference
from pages.shared import models


def all_tracks() -> list[inference.TrackSummary]:
    """Analysed by whichever networks; a few kilobytes each."""
    tracks: list[inference.TrackSummary] = st.session_state.setdefault("compared", [])
    return tracks


def tracks() -> list[inference.TrackSummary]:
    """Those that the networks in use have analysed: predictions of others are not comparable."""
    if not all_tracks():
        return []  # the key would load the networks
    key = models.key()
    return [track for track in all_tracks() if track.networks == key]


def of_other_networks() -> int:
    """How many of the visitor's own were analysed by other networks only."""
    compared = {track.digest for track in tracks()}
    return len({track.digest for track in all_tracks() if not track.example} - compared)


def own() -> int:
    """How many of those compared are the visitor's own."""
    return sum(not track.example for track in tracks())


def has(digest: str) -> bool:
    """Whether this very file is compared already."""
    return any(track.digest == digest for track in tracks())


def add(track: inference.TrackSummary) -> None:
    """Append a track unless it is there; a name that is taken gets a number."""
    if not has(track.digest):
        taken = [other.name for other in tracks()]
        name = inference.similarity.unique_name(track.name, taken)
        all_tracks().append(replace(track, name=name))
        st.session_state.compare_chosen = track.digest


def chosen_examples() -> list[str]:
    """Names of the examples that are switched on."""
    return list(st.session_state.get("examples") or [])


def choose_examples(names: list[str]) -> None:
    """Switch examples on, from a button: their own widget follows."""
    st.session_state.examples = names


def keep_examples(names: list[str]) -> None:
    """Drop all other examples."""
    st.session_state.compared = [
        track for track in all_tracks() if not track.example or track.example in names
    ]


def remove(digest: str) -> None:
    """Remove a track, from a button."""
    names = [track.name for track in all_tracks() if track.digest == digest]
    if names:
        _keep(lambda track: track.digest != digest, f"{names[0]} was removed.")


def clear() -> None:
    """Remove all tracks, from a button."""
    _keep(lambda track: False, "All tracks were removed.")


def _keep(condition: Callable[[inference.TrackSummary], bool], message: str) -> None:
    st.session_state.compare_before = (message, list(all_tracks()))
    st.session_state.compared = [track for track in all_tracks() if condition(track)]
    left = {track.example for track in all_tracks()}
    choose_examples([name for name in chosen_examples() if name in left])


def last_removal() -> str:
    """What the last removal did; empty where there is nothing to undo."""
    message: str = st.session_state.get("compare_before", ("", []))[0]
    return message


def undo() -> None:
    """Bring back what the last removal removed, before what was added since."""
    _, before = st.session_state.pop("compare_before")
    known = {(track.digest, track.networks) for track in before}
    added = [track for track in all_tracks() if (track.digest, track.networks) not in known]
    st.session_state.compared = before + added
    choose_examples(list(dict.fromkeys(t.example for t in all_tracks() if t.example)))
