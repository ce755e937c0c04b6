"""Which file names may be songs: one rule for ZIPs, folders, the command line and training."""

import re
from pathlib import Path, PurePosixPath

from crnn.audio.decode import AUDIO_SUFFIXES

# Why a file is skipped.
NOT_AUDIO, NESTED_ZIP, SYSTEM = "non-audio", "nested ZIP", "system"

_FILES = (".ds_store", "thumbs.db", "desktop.ini")
# Hidden folders, but not "..", and the one in which macOS packs its metadata.
_FOLDER = re.compile(r"\.[^.].*|__MACOSX")


def skip_reason(path: str) -> str | None:
    """Why a file of a folder or ZIP is no song, by its path there; None where it may be one."""
    *folders, name = PurePosixPath(path.replace("\\", "/")).parts or ("",)
    lower = name.lower()
    if lower.startswith("._") or lower in _FILES or any(map(_FOLDER.fullmatch, folders)):
        return SYSTEM
    if lower.endswith(".zip"):
        return NESTED_ZIP
    return None if lower.endswith(AUDIO_SUFFIXES) else NOT_AUDIO


def songs(folder: Path) -> list[Path]:
    """The files in a folder, at any depth, whose names may be songs', sorted."""
    files = (file for file in folder.rglob("*") if not skip_reason(str(file.relative_to(folder))))
    return sorted(file for file in files if file.is_file())
