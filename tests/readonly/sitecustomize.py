"""Imported at the start of each Python process whose path has this folder: a read-only system.

Code, environment and home can't be written, as in the systemd unit of docs/deploy.md; permissions
would not do, since they do not bind root, as whom tests may run.
"""

import errno
import os
import sys
from typing import Any

ROOTS = tuple(os.environ["READ_ONLY"].split(os.pathsep))
WRITABLE = os.environ.get("NUMBA_CACHE_DIR") or os.devnull
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        writes = isinstance(arguments[2], int) and arguments[2] & WRITES
    else:  # the last argument is a folder's number, by which a relative path goes
        changes = ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink")
        writes = event in changes and arguments[-1] == -1
    if not writes or not isinstance(arguments[0], (str, bytes)):
        return
    path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - links are not followed
    if path.startswith(ROOTS) and not path.startswith(WRITABLE):
        raise OSError(errno.EROFS, "Read-only file system", path)


sys.addaudithook(refuse)
