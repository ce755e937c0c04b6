"""A zip of tracks, read one track at a time, within bounds that a hostile one can't leave.

Nothing is written to disk and no name in it is used as a path. Held in memory are the zip itself and one unpacked track.
"""

import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from crnn.audio.decode import AUDIO_SUFFIXES
from crnn.errors import AudioError

# Tracks of a visitor's own in one comparison: each takes a second or more to hear, and nobody reads a table of more.
MAX_TRACKS = 60
# Unpacked, of one track and of all together: a zip of 50 MB could hold 50 GB of zeros.
MAX_TRACK_MB = 50
MAX_UNPACKED_MB = 600
# Of the zip's table of contents, of which every entry becomes a Python object; a thousand songs have 100 kB of it.
_LONGEST_TABLE = 2 << 20
_BLOCK = 1 << 20
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# LZMA may ask for gigabytes before it unpacks a byte.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What zipfile raises for files that break the format; RuntimeError where it knows no way to unpack.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)

# Why files are left out, of one and of several.
MACOS_METADATA = ("that macOS adds", "that macOS adds")
NESTED_ZIP = ("that is a zip inside the zip", "that are zips inside the zip")
NOT_AUDIO = ("that is no audio", "that are no audio")
SkipReason = tuple[str, str]


def is_zip(head: bytes) -> bool:
    """Whether a file that begins like this is a zip, empty ones too."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def skip_reason(path: str) -> SkipReason | None:
    """Why a file of a folder or zip is no track, by its name alone; None where it may be one."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    name = parts[-1].lower() if parts else ""
    if "__MACOSX" in parts or name.startswith("._") or name == ".ds_store":
        return MACOS_METADATA
    if name.endswith(".zip"):
        return NESTED_ZIP
    return None if name.endswith(AUDIO_SUFFIXES) else NOT_AUDIO


def describe_skipped(skipped: Counter[SkipReason]) -> str:
    """What was left out, as a sentence; empty where nothing was."""
    parts = [
        f"{skipped[reason]} file{'s' if skipped[reason] > 1 else ''} {reason[skipped[reason] > 1]}"
        for reason in (NOT_AUDIO, NESTED_ZIP, MACOS_METADATA)
        if skipped[reason]
    ]
    return f"Left out: {', '.join(parts)}." if parts else ""


@dataclass(frozen=True)
class Member:
    """A track in the zip: its path there, for showing only, and its entry."""

    path: str
    entry: zipfile.ZipInfo


class Archive:
    """An opened zip: `members` may be tracks, by their names; `skipped` counts the others by reason."""

    def __init__(self, file: BinaryIO) -> None:
        """Reads the table of contents alone. Raises AudioError for a zip that is damaged, encrypted, or without a track."""
        self.members: list[Member] = []
        self.skipped: Counter[SkipReason] = Counter()
        self._left = MAX_UNPACKED_MB << 20
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], _Bounded(file)))
        except _TableTooLong as error:
            raise AudioError(
                f"This zip lists many thousand files. Pack the tracks alone; up to {MAX_TRACKS} are taken."
            ) from error
        except _DAMAGED as error:
            raise AudioError(
                "This zip is damaged or incomplete: its table of contents can't be read. Fetch it or pack it again."
            ) from error
        for entry in self._zip.infolist():
            if entry.is_dir():
                continue
            if reason := skip_reason(entry.filename):
                self.skipped[reason] += 1
            else:
                self.members.append(Member(entry.filename, entry))
        if any(member.entry.flag_bits & _ENCRYPTED for member in self.members):
            raise AudioError(
                "This zip is protected by a password. Unpack it and pack it again without one."
            )
        if not self.members:
            raise AudioError(
                f"There is no audio file in this zip. {describe_skipped(self.skipped) or 'It is empty.'}"
            )

    def read(self, member: Member) -> bytes:
        """One track unpacked. Raises AudioError where it can't be, or would be too much."""
        if member.entry.compress_type not in _METHODS:
            raise AudioError(
                "It is packed by a method other than Deflate. Pack it as an ordinary zip."
            )
        limit = min(MAX_TRACK_MB << 20, self._left)
        # What the table says of the size is a claim; what comes out is counted.
        found = bytearray()
        try:
            with self._zip.open(member.entry) as packed:
                while block := packed.read(_BLOCK):
                    found += block
                    if len(found) > limit:
                        break
        except _DAMAGED as error:
            raise AudioError(
                "It is damaged inside the zip. Pack it again from the original."
            ) from error
        finally:
            self._left = max(0, self._left - len(found))
        if len(found) > limit:
            if limit < MAX_TRACK_MB << 20:
                raise AudioError(
                    f"The zip unpacks to more than {MAX_UNPACKED_MB} MB, which is the limit."
                )
            raise AudioError(
                f"Unpacked it has more than {MAX_TRACK_MB} MB, which is the limit for a track."
            )
        return bytes(found)


class _TableTooLong(Exception):
    pass


class _Bounded:
    """A file of which no single read is long: zipfile reads the whole table of contents at once, of whatever length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(min(size, _LONGEST_TABLE + 1) if size >= 0 else _LONGEST_TABLE + 1)
        if len(found) > _LONGEST_TABLE:
            raise _TableTooLong
        return found
