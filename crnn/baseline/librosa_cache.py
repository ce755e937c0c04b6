"""librosa, with a writable folder for the functions that numba compiles for it.

By default numba keeps them beside librosa, else in the home folder. Where neither can be written,
importing librosa fails; where two processes filled one folder at once, later ones crashed. So one
process at a time has the user's folder, and others compile into a temporary one (half a minute).
"""

import atexit
import os
import tempfile
from pathlib import Path
from typing import IO

import numba

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

_lock: IO[str] | None = None  # held as long as the process lives


def _folder() -> str:
    global _lock
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crnn-numba"
        cache.mkdir(parents=True, exist_ok=True)
        _lock = (cache / "lock").open("w")
        fcntl.flock(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, RuntimeError, AttributeError):
        temporary = tempfile.TemporaryDirectory(prefix="crnn-numba-")
        atexit.register(temporary.cleanup)
        return temporary.name
    return str(cache)


# The environment's NUMBA_CACHE_DIR comes first.
if not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = _folder()  # type: ignore[attr-defined]

import librosa  # noqa: E402 - only now

__all__ = ["librosa"]
