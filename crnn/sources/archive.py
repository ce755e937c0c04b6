"""A ZIP of tracks, unpacked one track at a time, with bounds on size, memory and table of contents.

Nothing is written to disk, and no name in the ZIP is used as a path.
"""

import struct
import zipfile
import zlib
from collections import Counter
from typing import IO, BinaryIO, cast

from crnn.audio.names import NESTED_ZIP, NOT_AUDIO, SYSTEM, skip_reason
from crnn.errors import AudioError

# Tracks in one comparison: each takes a second or more to analyse.
MAX_TRACKS = 60
# Unpacked, of one track and of all together: a ZIP of 50 MB could hold 50 GB of zeros.
MAX_TRACK_MB = 50
MAX_UNPACKED_MB = 600
# Bytes of the table of contents, whose every entry becomes an object; 1000 songs have 100 kB of it.
_MAX_TABLE = 2 << 20
_BLOCK = 1 << 20
_ENCRYPTED = 0x1 | 0x40 | 0x2000
# LZMA may ask for gigabytes before it unpacks a byte.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What zipfile raises for damaged files; RuntimeError for an unknown method.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


def is_zip(head: bytes) -> bool:
    """Whether a file with these first bytes is a ZIP, empty ones too."""
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def describe_skipped(skipped: Counter[str]) -> str:
    """What was skipped, as a sentence; empty where nothing was."""
    parts = [
        f"{skipped[reason]} {reason} file{'s' if skipped[reason] > 1 else ''}"
        for reason in (NOT_AUDIO, NESTED_ZIP, SYSTEM)
        if skipped[reason]
    ]
    return f"Skipped {', '.join(parts)}." if parts else ""


class Archive:
    """An opened ZIP. members: files that may be tracks; skipped: the number of others, by reason.

    Raises AudioError where the ZIP is damaged, encrypted, or holds no track.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._left = MAX_UNPACKED_MB << 20
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], _Bounded(file)))
        except _DAMAGED as error:
            raise AudioError(
                "This ZIP is damaged or incomplete: its table of contents can't be read. Download "
                "or pack it again."
            ) from error
        files = [entry for entry in self._zip.infolist() if not entry.filename.endswith("/")]
        self.members = [entry for entry in files if not skip_reason(entry.filename)]
        self.skipped = Counter(filter(None, (skip_reason(entry.filename) for entry in files)))
        if any(member.flag_bits & _ENCRYPTED for member in self.members):
            raise AudioError("This ZIP is protected by a password. Pack it again without one.")
        if not self.members:
            reason = describe_skipped(self.skipped) or "It is empty."
            raise AudioError(f"There is no audio file in this ZIP. {reason}")

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """One track, unpacked. Raises AudioError where it is damaged or too large."""
        if member.compress_type not in _METHODS:
            raise AudioError("It is not packed by Deflate. Pack it again as an ordinary ZIP.")
        limit = min(MAX_TRACK_MB << 20, self._left)
        data = bytearray()
        try:
            with self._zip.open(member) as packed:
                # The size in the table is only a claim, so what comes out is counted.
                while len(data) <= limit and (block := packed.read(_BLOCK)):
                    data += block
        except _DAMAGED as error:
            raise AudioError(
                "It is damaged inside the ZIP. Pack it again from the original."
            ) from error
        finally:
            self._left = max(0, self._left - len(data))
        if len(data) <= limit:
            return bytes(data)
        if limit < MAX_TRACK_MB << 20:
            raise AudioError(f"The ZIP unpacks to more than {MAX_UNPACKED_MB} MB, the limit.")
        raise AudioError(f"It unpacks to more than {MAX_TRACK_MB} MB, the limit for a track.")


class _Bounded:
    """A file with a limit on each read: zipfile reads the whole table of contents at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, _MAX_TABLE + 1) if size >= 0 else _MAX_TABLE + 1)
        if len(data) > _MAX_TABLE:
            raise AudioError(
                f"This ZIP lists many thousand files. Pack up to {MAX_TRACKS} tracks and no more."
            )
        return data
