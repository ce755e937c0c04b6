"""Everything this package raises for a reason a user can mend.

    CrnnError
    ├── AudioError        a file or recording that can't be heard: not audio, empty, damaged, silent
    ├── CheckpointError   a folder that is not a usable checkpoint
    └── SpotifyError      a link that is none, or a service that did not answer

Each message is one or two sentences for the person at the screen: what was received, what is accepted,
what to do next. Mistakes of a programmer stay ValueError and TypeError.
"""


class CrnnError(Exception):
    """Base of the tree; its text can be shown as it is."""


class AudioError(CrnnError):
    """Audio that can't be decoded or has nothing in it to classify."""


class CheckpointError(CrnnError):
    """A checkpoint that is missing, incomplete, or not one of ours."""


class SourceError(CrnnError):
    """A link that names no track, or services that have nothing to hear for it."""
