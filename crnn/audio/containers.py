"""Open audio of any accepted format as a stream of blocks, through libsndfile or FFmpeg.

The first bytes decide who reads it. FFmpeg is told the container and never asked to guess: its guesses include
playlists, which would make it open other files and addresses named inside an upload.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from crnn.audio import mp4
from crnn.errors import AudioError

Samples = np.ndarray[Any, np.dtype[np.float32]]

# Per block over all channels. Small, since a block with damage in it is lost whole: 0.2 s of stereo at 44.1 kHz.
_BLOCK_VALUES = 1 << 14

# More than any music has; each costs memory.
MAX_CHANNELS = 32

_ACCEPTED = "Accepted are WAV, FLAC, OGG, Opus, MP3, M4A, AAC, WebM and MP4"

# What else people drop on the page, by its first bytes, so that the answer can name it.
_KNOWN_OTHERS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"MThd", "a MIDI file, which holds notes and no sound"),
    (b"#EXTM3U", "a playlist, which only names other files"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)


@dataclass
class Stream:
    """An opened source. blocks() yields float32 [n, C]; `damage` is set when it had to stop early."""

    format: str
    channels: int
    sample_rate: int
    seconds: float  # as the container announces it; 0 when it does not
    reader: Any
    damage: bool = field(default=False)

    def blocks(self) -> Iterator[Samples]:
        yield from self.reader(self)


@contextmanager
def open_audio(source: bytes | Path) -> Iterator[Stream]:
    """Open bytes or a file; AudioError says what was received if it is not audio."""
    with _binary(source) as handle:
        head = handle.read(64)
        handle.seek(0)
        if not head:
            raise AudioError(f"The file is empty (0 bytes). {_ACCEPTED}; choose another file.")
        container = _ffmpeg_container(_after_tag(handle, head))
        if container == "mp4":
            mp4.check_sample_tables(handle)
        opened = _open_ffmpeg(handle, container) if container else _open_sndfile(handle, head)
        try:
            yield opened[0]
        finally:
            opened[1].close()


class _Nameless:
    """A binary file without its name."""

    def __init__(self, handle: Any) -> None:
        self.read, self.readinto, self.seek, self.tell = (
            handle.read,
            handle.readinto,
            handle.seek,
            handle.tell,
        )


@contextmanager
def _binary(source: bytes | Path) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        try:
            with source.open("rb") as handle:
                yield handle
        except OSError as error:
            raise AudioError(f"The file can't be opened: {error.strerror or error}.") from error
    else:
        yield BytesIO(source)


def _after_tag(handle: BinaryIO, head: bytes) -> bytes:
    """The first bytes after an ID3v2 tag, which MP3 and AAC files may begin with; the position is left at 0."""
    if head[:3] == b"ID3" and len(head) >= 10:
        size = sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
        handle.seek(10 + size)
        head = handle.read(64)
        handle.seek(0)
    return head


def _ffmpeg_container(head: bytes) -> str | None:
    """FFmpeg's name of the containers that libsndfile does not read: ISO media, Matroska/WebM, raw AAC."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    # ADTS: 12 bits of sync, then layer 0, which no MPEG audio frame (MP3) has.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return None


def _describe(head: bytes, size: int) -> str:
    """What a file that is not audio seems to be."""
    for magic, words in _KNOWN_OTHERS:
        if head.lower().lstrip().startswith(magic.lower()):
            return words
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two at the end of the 64 bytes is still text.
        text = head[: error.start].decode("utf-8") if error.start >= len(head) - 3 else "\0"
    if text and all(character.isprintable() or character.isspace() for character in text):
        return "a text file"
    return f"{size:,} bytes that are no audio format known here"


def _open_sndfile(handle: BinaryIO, head: bytes) -> tuple[Stream, Any]:
    import soundfile

    try:
        # Wrapped, since libsndfile's binding would read the format off the name of a named file.
        file = soundfile.SoundFile(_Nameless(handle))
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        size = handle.seek(0, 2)
        raise AudioError(
            f"This is {_describe(head, size)}. {_ACCEPTED}; choose or export one of these."
        ) from error
    if file.channels > MAX_CHANNELS:
        file.close()
        raise AudioError(
            f"The file has {file.channels} channels; up to {MAX_CHANNELS} are accepted. Mix it down and try again."
        )
    names = {"WAVEX": "WAV", "RF64": "WAV", "W64": "WAV"}
    kind = names.get(file.format, file.format)
    if kind == "OGG" and file.subtype == "OPUS":
        kind = "Opus"
    # Damaged or piped files may announce absurd lengths (libsndfile answers 2^63 − 1 for "unknown").
    seconds = file.frames / file.samplerate if file.frames < 2**40 else 0.0

    def read(stream: Stream) -> Iterator[Samples]:
        size = max(1024, _BLOCK_VALUES // file.channels)
        while True:
            try:
                block = file.read(size, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                stream.damage = True
                return
            if len(block):
                yield block
            if len(block) < size:
                return

    return Stream(kind, file.channels, file.samplerate, seconds, read), file


def _open_ffmpeg(handle: BinaryIO, container: str) -> tuple[Stream, Any]:
    import av

    label = {"mp4": "M4A/MP4", "matroska": "WebM", "aac": "AAC"}[container]
    try:
        media = av.open(handle, mode="r", format=container, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(
            f"This {label} file is incomplete or damaged: its table of contents can't be read, often because a "
            "download or recording stopped early. Fetch or export it again."
        ) from error
    if not media.streams.audio:
        media.close()
        raise AudioError(
            f"This {label} file has no sound track. {_ACCEPTED}; choose one with sound in it."
        )
    track = media.streams.audio[0]
    context = track.codec_context
    if not context.sample_rate or not 0 < context.layout.nb_channels <= MAX_CHANNELS:
        media.close()
        raise AudioError(
            f"The sound track of this {label} file is damaged beyond reading. Fetch or export it again."
        )
    if track.duration and track.time_base:
        seconds = float(track.duration * track.time_base)
    else:
        seconds = media.duration / av.time_base if media.duration else 0.0
    # Raw AAC holds no length; FFmpeg estimates one from the bit rate, too roughly to compare with.
    seconds = 0.0 if container == "aac" else max(0.0, seconds)
    # One sample format for whatever the codec gives; rate and channels stay as they are.
    to_float = av.AudioResampler(format="fltp", layout=context.layout, rate=context.sample_rate)
    opened_as = (context.sample_rate, context.layout.nb_channels)

    def read(stream: Stream) -> Iterator[Samples]:
        try:
            for frame in media.decode(track):
                if (frame.sample_rate, frame.layout.nb_channels) != opened_as:
                    stream.damage = True  # joined from files of two kinds; what follows would play at another speed
                    return
                for part in to_float.resample(frame):
                    yield np.asarray(part.to_ndarray().T, dtype=np.float32)
            for part in to_float.resample(None):
                yield np.asarray(part.to_ndarray().T, dtype=np.float32)
        except (av.error.FFmpegError, ValueError):
            stream.damage = True

    return Stream(label, context.layout.nb_channels, context.sample_rate, seconds, read), media
