"""Open audio of any accepted format as a stream of blocks, through libsndfile or FFmpeg.

The first bytes decide which of the two reads it. FFmpeg gets the container's name and never
probes: its probing includes playlists, which would make it open other files and addresses.
"""

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from crnn.errors import AudioError

Samples = np.ndarray[Any, np.dtype[np.float32]]

# Values per block, over all channels: 0.2 s of stereo at 44.1 kHz. Damage loses its whole block.
_BLOCK_VALUES = 1 << 14

# More than any music has; each costs memory.
MAX_CHANNELS = 32

_ACCEPTED = "Accepted formats: WAV, FLAC, OGG, Opus, MP3, M4A, AAC, WebM and MP4."

# Other things that people upload, by their first bytes, so that the message can name them.
_NOT_AUDIO = (
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
    """An opened audio source. seconds: as the container announces, 0 where it does not.

    damaged: set where blocks() had to stop early.
    """

    format: str
    channels: int
    sample_rate: int
    seconds: float
    read: Callable[["Stream"], Iterator[Samples]]
    close: Callable[[], None]
    damaged: bool = False

    def blocks(self) -> Iterator[Samples]:
        """The samples, float32 [n, C] a block."""
        return self.read(self)


@contextmanager
def open_audio(source: bytes | str | Path) -> Iterator[Stream]:
    """Open a file or its bytes. Raises AudioError if it is not audio, naming what it is."""
    try:
        handle = BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise AudioError(f"The file can't be opened: {error.strerror or error}.") from error
    with handle:
        head = handle.read(64)
        handle.seek(0)
        if not head:
            raise AudioError(f"The file is empty (0 bytes). {_ACCEPTED}")
        container = _ffmpeg_container(_after_tag(handle, head))
        if container == "mp4":
            _check_sample_tables(handle)
        stream = _open_ffmpeg(handle, container) if container else _open_sndfile(handle, head)
        try:
            yield stream
        finally:
            stream.close()


def _after_tag(handle: BinaryIO, head: bytes) -> bytes:
    """The first bytes after an ID3v2 tag, which MP3 and AAC files may begin with."""
    if head[:3] == b"ID3" and len(head) >= 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        handle.seek(10 + size)
        head = handle.read(64)
        handle.seek(0)
    return head


def _ffmpeg_container(head: bytes) -> str | None:
    """FFmpeg's name of the containers that libsndfile does not read: MP4, Matroska, raw AAC."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    # ADTS: 12 bits of sync, then layer 0, which no MPEG audio frame (MP3) has.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return None


def _check_sample_tables(handle: BinaryIO) -> None:
    """AudioError where an MP4's sample size table (stsz) announces more than the file can hold.

    FFmpeg builds an index entry of some 35 bytes for every announced sample: a few kilobytes that
    announce a hundred million would fill gigabytes. ISO/IEC 14496-12, section 8.7.3.2: version and
    flags, one size for all or 0, count, then the sizes.
    """
    end = handle.seek(0, 2)
    for start, size in _sample_tables(handle, 0, end):
        handle.seek(start + 4)
        each, count = (int.from_bytes(handle.read(4), "big") for _ in range(2))
        if count * max(1, each) > end or (each == 0 and 4 * count > size):
            raise AudioError(
                f"This M4A/MP4 file is damaged: its table announces {count:,} samples, "
                f"more than its {end:,} bytes can hold. Download or export it again."
            )
    handle.seek(0)


def _sample_tables(handle: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Position and length of the contents of every stsz box between start and end."""
    while start + 8 <= end:
        handle.seek(start)
        size, kind = int.from_bytes(handle.read(4), "big"), handle.read(4)
        head = 8
        if size == 1:  # a 64-bit size follows
            size, head = int.from_bytes(handle.read(8), "big"), 16
        stop = end if size == 0 else min(end, start + size)  # 0: to the end of the file
        if stop < start + head:
            return
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            yield from _sample_tables(handle, start + head, stop)
        elif kind == b"stsz":
            yield start + head, stop - start - head
        start = stop


def _describe(head: bytes, size: int) -> str:
    """What a file that is not audio seems to be."""
    for magic, name in _NOT_AUDIO:
        if head.lower().lstrip().startswith(magic.lower()):
            return f"This is {name}."
    try:  # incrementally, since the 64 bytes may end within a character
        text = getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        text = ""
    if text and all(character.isprintable() or character.isspace() for character in text):
        return "This is a text file, not audio."
    return f"These {size:,} bytes are in no known audio format."


class _Nameless:
    """A binary file without its name, which libsndfile's binding would take the format from."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read, self.seek, self.tell = handle.read, handle.seek, handle.tell
        self.readinto = handle.readinto  # type: ignore[attr-defined]


def _open_sndfile(handle: BinaryIO, head: bytes) -> Stream:
    import soundfile  # noqa: PLC0415 - loads libsndfile, which the first page does not need

    try:
        file = soundfile.SoundFile(_Nameless(handle))
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise AudioError(f"{_describe(head, handle.seek(0, 2))} {_ACCEPTED}") from error
    if file.channels > MAX_CHANNELS:
        file.close()
        raise AudioError(
            f"The file has {file.channels} channels; up to {MAX_CHANNELS} are accepted. "
            "Mix it down to stereo and try again."
        )
    name = {"WAVEX": "WAV", "RF64": "WAV", "W64": "WAV"}.get(file.format, file.format)
    if name == "OGG" and file.subtype == "OPUS":
        name = "Opus"
    # Damaged or piped files may announce absurd lengths (2^63 − 1 is libsndfile's "unknown").
    seconds = file.frames / file.samplerate if file.frames < 2**40 else 0.0

    def read(stream: Stream) -> Iterator[Samples]:
        size = max(1024, _BLOCK_VALUES // file.channels)
        while True:
            try:
                block = file.read(size, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                stream.damaged = True
                return
            if len(block):
                yield block
            if len(block) < size:
                return

    return Stream(name, file.channels, file.samplerate, seconds, read, file.close)


def _open_ffmpeg(handle: BinaryIO, container: str) -> Stream:
    import av  # noqa: PLC0415 - loads FFmpeg, which the first page does not need

    name = {"mp4": "M4A/MP4", "matroska": "WebM", "aac": "AAC"}[container]
    try:
        media = av.open(handle, mode="r", format=container, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(
            f"This {name} file is incomplete or damaged: its table of contents can't be read, "
            "often because a download or recording stopped early. Download or export it again."
        ) from error
    if not media.streams.audio:
        media.close()
        raise AudioError(f"This {name} file has no audio track. {_ACCEPTED}")
    track = media.streams.audio[0]
    rate, layout = track.codec_context.sample_rate, track.codec_context.layout
    channels = layout.nb_channels
    if not rate or not 0 < channels <= MAX_CHANNELS:
        media.close()
        raise AudioError(
            f"The audio track of this {name} file is damaged. Download or export it again."
        )
    if container == "aac":
        seconds = 0.0  # holds no length; FFmpeg's estimate from the bit rate is too rough
    elif track.duration and track.time_base:
        seconds = float(track.duration * track.time_base)
    else:
        seconds = (media.duration or 0) / av.time_base
    # One sample format for every codec; rate and channels stay as they are.
    to_float = av.AudioResampler(format="fltp", layout=layout, rate=rate)

    def read(stream: Stream) -> Iterator[Samples]:
        try:
            for frame in media.decode(track):
                if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                    stream.damaged = True  # files joined; the rest would play at another speed
                    return
                for part in to_float.resample(frame):
                    yield np.asarray(part.to_ndarray().T, dtype=np.float32)
            for part in to_float.resample(None):
                yield np.asarray(part.to_ndarray().T, dtype=np.float32)
        except (av.error.FFmpegError, ValueError):
            stream.damaged = True

    return Stream(name, channels, rate, max(0.0, seconds), read, media.close)
