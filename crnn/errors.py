"""Everything that crnn raises for a reason its user can mend.

    CrnnError
    ├── AudioError        a file that is no usable audio: wrong format, empty, damaged, silent
    ├── CheckpointError   a folder or repository that is no usable checkpoint
    └── SourceError       a link that names no track, or a service that did not answer

Each message can be shown as it is: what was received, what is accepted, what to do next. A
programmer's mistakes stay ValueError and TypeError.
"""

from crnn.untrusted import printable


class CrnnError(Exception):
    """Base of the tree. What a message quotes, from a file or a service, is made printable."""

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class AudioError(CrnnError):
    """Audio that can't be decoded, or is silent."""


class CheckpointError(CrnnError):
    """A checkpoint that is missing, incomplete, or in another format."""


class SourceError(CrnnError):
    """A link that names no track, or a service that has no audio for it."""
