"""Which networks are in use: those of whoever runs the app, shared by everyone, or a visitor's own, for their session alone."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from crnn.errors import CheckpointError
from crnn.model import metadata
from crnn.model.hub import HubAddress, Progress, parse_address

if TYPE_CHECKING:
    from crnn.inference.classifier import Classifier

TASKS = ("genre", "mood")
BUNDLED = Path(__file__).parents[2] / "assets" / "checkpoints"

# Where a checkpoint of another task is shown: four quadrants stand in for the five moods.
_PLACES = {"genre": "genre", "mood": "mood", "quadrant": "mood"}

# Seconds after which a checkpoint that could not be had is tried again: a Hub that was down when the app woke up.
_PATIENCE = 600

# Visitors' own networks kept in memory at once, of up to 64 MB each; further ones are read from the disk again.
_VISITED = 3


@dataclass(frozen=True)
class Network:
    """A classifier, where it came from, and what its folder says of it."""

    source: str
    classifier: Classifier
    metadata: metadata.Metadata
    commit: str
    notice: str

    @property
    def identity(self) -> str:
        """Equal for the same network only: what was computed with one is not shown for another."""
        return f"{self.source}@{self.commit}#{self.metadata.digest}"


class Shelf:
    """The shared networks by task and source, each loaded once; a failure is remembered for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Network] = {}
        self._failed: dict[tuple[str, str], tuple[float, str]] = {}

    def get(self, task: str, source: str) -> Network | None:
        """The network, or None where it cannot be had: then failure() says why."""
        key = (task, source)
        with (
            self._lock
        ):  # a second visitor waits for the first one's download instead of starting another
            if key not in self._kept:
                if key in self._failed and time.monotonic() - self._failed[key][0] < _PATIENCE:
                    return None
                try:
                    found = _load(source)
                    if place(found) != task:
                        raise CheckpointError(
                            f"{source} is a checkpoint for {found.metadata.task}, not for {task}."
                        )
                    self._kept[key] = found
                    self._failed.pop(key, None)
                except CheckpointError as error:
                    self._failed[key] = (time.monotonic(), str(error))
            return self._kept.get(key)

    def peek(self, task: str, source: str) -> Network | None:
        """The network if it is there already."""
        return self._kept.get((task, source))

    def failure(self, task: str, source: str) -> str:
        """Why a network could not be had; empty where it could, or was not asked for yet."""
        return self._failed.get((task, source), (0.0, ""))[1]


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The one of the whole process."""
    return Shelf()


@st.cache_resource(show_spinner=False, max_entries=_VISITED)
def _visited(address: str) -> Network:
    """A visitor's network, pinned to a commit; fetched without any token."""
    return _load(parse_address(address), anonymous=True)


def _load(
    source: str | HubAddress, progress: Progress | None = None, anonymous: bool = False
) -> Network:
    from crnn.inference.classifier import Classifier
    from crnn.model.checkpoint import Checkpoint
    from pages.shared.memory import return_large_blocks

    return_large_blocks()
    checkpoint = Checkpoint.load(source, progress, anonymous)
    return Network(
        str(source),
        Classifier(checkpoint),
        checkpoint.metadata,
        checkpoint.commit,
        checkpoint.notice,
    )


def setting(name: str) -> str:
    """A value of the environment, else of .streamlit/secrets.toml, else empty."""
    if value := os.environ.get(name):
        return value
    found = st.secrets.get(name) if st.secrets.load_if_toml_exists() else None
    return str(found) if isinstance(found, (str, bool, int)) else ""


def default_source(task: str) -> str:
    """What the app's settings name for a task: the bundled checkpoint unless they say otherwise."""
    return setting(f"{task.upper()}_CHECKPOINT") or task


def network(task: str) -> Network:
    """The network in use for this visitor, loaded if need be."""
    own = st.session_state.get("own_networks", {})
    if task in own:
        try:
            return _visited(own[task])
        except CheckpointError as error:
            forget(task)
            st.session_state.network_lost = f"{error} In use again: the default."
    found = shelf().get(task, default_source(task)) or shelf().get(task, task)
    if found is None:
        raise CheckpointError(
            f"The bundled checkpoint cannot be read: {shelf().failure(task, task)}"
        )
    return found


def known(task: str) -> Network | None:
    """The network in use, or None where nothing has needed it yet. Loads nothing that is not in memory or on disk."""
    if is_own(task):
        return network(task)
    source = default_source(task)
    return shelf().peek(task, source) or (
        shelf().peek(task, task) if shelf().failure(task, source) else None
    )


def key() -> tuple[str, ...]:
    """Names the networks in use, for whatever is kept of their answers."""
    return tuple(network(task).identity for task in TASKS)


def place(found: Network) -> str:
    """The task that a network is shown for; raises CheckpointError where the app has no place for it."""
    if found.metadata.task not in _PLACES:
        raise CheckpointError(
            f"{found.source} tells apart “{found.metadata.task}”. This app shows {' and '.join(TASKS)}: choose a checkpoint for "
            "one of these."
        )
    return _PLACES[found.metadata.task]


def try_other(text: str, progress: Progress | None = None) -> Network:
    """Use a repository of the Hub for this session; its own config says for which task. Raises CheckpointError."""
    address = parse_address(text)
    found = _load(address, progress, anonymous=True)
    task = place(found)
    # Pinned: while the visitor looks at it, it stays what it is.
    st.session_state.own_networks = st.session_state.get("own_networks", {}) | {
        task: f"{address.repo}@{found.commit}"
    }
    st.session_state.network_lost = found.notice
    return found


def is_own(task: str) -> bool:
    return task in st.session_state.get("own_networks", {})


def forget(task: str) -> None:
    """Back to the default."""
    st.session_state.own_networks = {
        other: address
        for other, address in st.session_state.get("own_networks", {}).items()
        if other != task
    }


def all_bundled() -> bool:
    """Whether what the app says of its own networks holds for those in use."""
    return all(default_source(task) == task and not is_own(task) for task in TASKS)


def notices() -> list[str]:
    """What visitors should know: a checkpoint that could not be had, a copy in use because the Hub does not answer."""
    said = [st.session_state.get("network_lost", "")]
    for task in TASKS:
        source = default_source(task)
        if is_own(task):
            continue
        if failure := shelf().failure(task, source):
            said.append(f"{failure} In use for {task} is the network that comes with this app.")
        elif (found := shelf().peek(task, source)) is not None:
            said.append(found.notice)
    return [notice for notice in dict.fromkeys(said) if notice]
