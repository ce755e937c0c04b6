"""The networks in use: the app's, shared by everyone, or a visitor's own, for their session."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from dataclasses import dataclass

import streamlit as st

from crnn import inference, model
from crnn.errors import CheckpointError
from pages.shared import cache

TASKS = ("genre", "mood")

# The place of a checkpoint's task on the pages: four quadrants stand in for the five moods.
_PLACES = {"genre": "genre", "mood": "mood", "quadrant": "mood"}

# Seconds after which loading is tried again: a Hub that was down when the app woke up.
_RETRY_SECONDS = 600

# Visitors' own networks kept in memory, of up to 64 MB each; others are read from disk again.
_OWN_IN_MEMORY = 3

# Imports after which `spare_modules` acts, and how many there had been when it last did.
_MANY_MODULES, _spared = 50, 0

# Of glibc's malloc.h.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


@dataclass(frozen=True)
class Network:
    """A loaded checkpoint and where it came from."""

    source: str
    classifier: inference.Classifier

    @property
    def checkpoint(self) -> model.Checkpoint:
        """The classifier's."""
        return self.classifier.checkpoint

    @property
    def identity(self) -> str:
        """Equal only for the same weights of the same source."""
        return f"{self.source}@{self.checkpoint.commit}#{self.checkpoint.digest}"


class SharedNetworks:
    """The networks of the whole process by task and source, each loaded once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: dict[tuple[str, str], tuple[float, Network | CheckpointError]] = {}

    def load(self, task: str, source: str) -> Network:
        """The network. Raises CheckpointError, and again for a while without another attempt."""
        with self._lock:  # a second visitor waits for the first one's download
            since, outcome = self._outcomes.get((task, source), (-1e9, None))
            if not isinstance(outcome, Network) and time.monotonic() - since > _RETRY_SECONDS:
                try:
                    outcome = _load(source)
                    if (kind := place(outcome)) != task:
                        raise CheckpointError(
                            f"{source} is a checkpoint for {kind}, not for {task}."
                        )
                except CheckpointError as error:
                    outcome = error
                self._outcomes[task, source] = time.monotonic(), outcome
        if isinstance(outcome, Network):
            return outcome
        assert outcome is not None
        raise outcome

    def outcome(self, task: str, source: str) -> Network | CheckpointError | None:
        """The network or why it could not be loaded; None where it was not asked for yet."""
        return self._outcomes.get((task, source), (0.0, None))[1]


@cache.shared()
def shared() -> SharedNetworks:
    """The one instance of the process."""
    return SharedNetworks()


@cache.shared(_OWN_IN_MEMORY)
def _own(address: str) -> Network:
    """A visitor's network, pinned to a commit; fetched without any token."""
    return _load(model.hub.parse_address(address), anonymous=True)


def _load(
    source: str | model.HubAddress,
    progress: model.hub.Progress | None = None,
    anonymous: bool = False,
) -> Network:
    return_large_blocks()
    checkpoint = model.Checkpoint.load(source, progress, anonymous)
    return Network(str(source), inference.Classifier(checkpoint))


def setting(name: str) -> str:
    """A value of the environment, else of .streamlit/secrets.toml, else empty."""
    if value := os.environ.get(name):
        return value
    secret = st.secrets.get(name) if st.secrets.load_if_toml_exists() else None
    return str(secret) if isinstance(secret, (str, bool, int)) else ""


def default_source(task: str) -> str:
    """The checkpoint that the app's settings name for a task; the bundled one unless they do."""
    return setting(f"{task.upper()}_CHECKPOINT") or task


def network(task: str) -> Network:
    """The network in use for this visitor, loaded if need be. Raises CheckpointError."""
    if is_own(task):
        try:
            return _own(st.session_state.own_networks[task])
        except CheckpointError as error:
            forget(task)
            st.session_state.network_lost = f"{error} The default model is in use again."
    try:
        return shared().load(task, default_source(task))
    except CheckpointError:
        return shared().load(task, task)


def loaded(task: str) -> Network | None:
    """The network in use if it is in memory (a visitor's own: or on disk), else None."""
    if is_own(task):
        return network(task)
    outcome = shared().outcome(task, default_source(task))
    if isinstance(outcome, CheckpointError):
        outcome = shared().outcome(task, task)
    return outcome if isinstance(outcome, Network) else None


def key() -> tuple[str, ...]:
    """Identities of the networks in use: part of the key of all that is cached from them."""
    return tuple(network(task).identity for task in TASKS)


def place(network: Network) -> str:
    """The task that a network is shown for. Raises CheckpointError where the app has none."""
    task = network.checkpoint.task
    if task not in _PLACES:
        raise CheckpointError(
            f"{network.source} predicts “{task}”. This app shows {' and '.join(TASKS)}: choose a "
            "checkpoint for one of these."
        )
    return _PLACES[task]


def use_own(address: str, progress: model.hub.Progress | None = None) -> None:
    """Use "user/repository[@revision]" of the Hub for this session. Raises CheckpointError."""
    parsed = model.hub.parse_address(address)
    fetched = _load(parsed, progress, anonymous=True)
    # Pinned to its commit: while the visitor looks at it, it stays what it is.
    own = {place(fetched): f"{parsed.repo}@{fetched.checkpoint.commit}"}
    st.session_state.own_networks = st.session_state.get("own_networks", {}) | own
    st.session_state.network_lost = fetched.checkpoint.notice


def is_own(task: str) -> bool:
    """Whether the visitor has chosen a network for a task."""
    return task in st.session_state.get("own_networks", {})


def forget(task: str) -> None:
    """Back to the default."""
    own = st.session_state.get("own_networks", {})
    st.session_state.own_networks = {other: own[other] for other in own if other != task}


def all_bundled() -> bool:
    """Whether the networks in use are the bundled ones."""
    return all(default_source(task) == task and not is_own(task) for task in TASKS)


def notices() -> list[str]:
    """What visitors should know: a default that is missing, a copy used while the Hub is down."""
    found = [st.session_state.get("network_lost", "")]
    for task in TASKS:
        outcome = None if is_own(task) else shared().outcome(task, default_source(task))
        if isinstance(outcome, Network):
            found.append(outcome.checkpoint.notice)
        elif outcome is not None:
            found.append(f"{outcome} The built-in {task} model is in use instead.")
    return [notice for notice in dict.fromkeys(found) if notice]


def return_large_blocks() -> bool:
    """Have the C library return every block of a megabyte or more to the system when it is freed.

    By default glibc keeps freed blocks of up to 32 MB in a pool of its own for every few threads,
    and each visitor's rerun is a thread: after 12 tracks in 12 threads a process held 507 MB, with
    this 298 MB. To be called once, early. Returns True where it could; other C libraries cannot.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, 1 << 20)) and bool(mallopt(_M_ARENA_MAX, 2))


def spare_modules() -> None:
    """Leave what has been imported out of later runs of the garbage collector.

    Streamlit has one after every run of a script: with PyTorch it took 0.2 s, the rest of a page
    less. To be called after a run; it acts where that run has imported much.
    """
    global _spared
    if len(sys.modules) - _spared > _MANY_MODULES:
        _spared = len(sys.modules)
        gc.unfreeze()  # sessions that were open last time may have ended since
        gc.collect()
        gc.freeze()
