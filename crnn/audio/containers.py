"""Recognise a file's format by its content, and what its headers leave out or get wrong."""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from math import inf
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np

from crnn.errors import AudioError

Samples = np.ndarray[Any, np.dtype[np.float32]]

# FFmpeg's name of each accepted container, its name for the user, and how its files begin.
_CONTAINERS = tuple(
    (container, label, re.compile(start, re.DOTALL))
    for container, label, start in (
        ("wav", "WAV", rb"(RIFF|RIFX|RF64|BW64)....WAVE"),
        ("w64", "WAV", rb"riff\x2e\x91\xcf\x11"),
        ("aiff", "AIFF", rb"FORM....AIF[FC]"),
        ("au", "AU", rb"\.snd"),
        ("caf", "CAF", rb"caff"),
        ("voc", "VOC", rb"Creative Voice File"),
        ("nistsphere", "SPHERE", rb"NIST_1A"),
        ("flac", "FLAC", rb"fLaC"),
        ("ogg", "OGG", rb"OggS"),
        ("amr", "AMR", rb"#!AMR"),
        ("matroska", "WebM", rb"\x1a\x45\xdf\xa3"),
        ("mp4", "M4A/MP4", rb"....(ftyp|moov|mdat|wide|free|skip)"),
        # ADTS: 12 bits of sync, then layer 0, which no MPEG audio frame (MP3) has.
        ("aac", "AAC", rb"\xff[\xf0\xf1\xf8\xf9]"),
    )
)

ACCEPTED = (
    "Accepted formats: WAV, AIFF, FLAC, OGG, Opus, MP3, M4A, AAC, AMR, WebM, MKV, MP4 and MOV."
)

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

# Bytes of anything that may come before the first frame of an MP3 or AAC stream.
_MAX_JUNK = 64 << 10

# Boxes whose contents FFmpeg reads as boxes again.
_PARENTS = frozenset(
    b"moov trak mdia minf stbl moof traf udta mvex edts dinf gmhd tref sinf schi wave".split()
)
# moov/trak/mdia/minf/stbl is as deep as the tables lie; FFmpeg follows ten levels.
_MAX_DEPTH = 8
# A film of three hours in fragments of a second has some 60,000.
_MAX_BOXES = 1 << 19
# Samples that any file may announce: three hours of AAC. FFmpeg takes up to 165 bytes for each.
_MIN_SAMPLES = 1 << 19
# Beyond those, bytes of the file per sample. Speech at 24 kbit/s has 70.
_BYTES_PER_SAMPLE = 64


def recognise(handle: BinaryIO) -> tuple[str, str]:
    """FFmpeg's name of a file's container, and its name for the user.

    FFmpeg gets the name and never probes: its probing includes playlists, which would make it open
    other files and addresses.

    Raises:
        AudioError: the file is not audio; the message says what it seems to be.
    """
    head = _after_tags(handle)
    handle.seek(0)
    for container, label, start in _CONTAINERS:
        if start.match(head):
            return container, label
    if not head and not handle.read(1):
        raise AudioError(f"The file is empty (0 bytes). {ACCEPTED}")
    for magic, name in _NOT_AUDIO:
        if head[:64].lower().lstrip().startswith(magic.lower()):
            raise AudioError(f"This is {name}. {ACCEPTED}")
    if head and _is_text(head[:64]):
        raise AudioError(f"This is a text file, not audio. {ACCEPTED}")
    # An MP3, or a stream cut from the middle, or with padding before its first frame.
    for container, label, sync, length, mask in (
        ("mp3", "MP3", rb"\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd]", _mpeg_frame_length, 0x0C),
        ("aac", "AAC", rb"\xff[\xf0\xf1\xf8\xf9]", _adts_frame_length, 0xFC),
    ):
        for match in re.finditer(sync, head[:-6]):
            at = match.start()
            size = length(head[at : at + 6])
            following = head[at + size : at + size + 3]
            # Version, layer and rate agree; for AAC, the profile, too.
            agree = bytes(a & b for a, b in zip(following, (0xFF, 0xFF, mask), strict=False))
            if size > 6 and agree == match[0] + bytes([head[at + 2] & mask]):
                return container, label
    raise AudioError(f"These {handle.seek(0, 2):,} bytes are in no known audio format. {ACCEPTED}")


def _after_tags(handle: BinaryIO) -> bytes:
    """What follows the ID3v2 tags that MP3, AAC and other files may begin with."""
    start = 0
    while True:
        handle.seek(start)
        head = handle.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            return head + handle.read(_MAX_JUNK)
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        start += 10 + size + 10 * (head[5] >> 4 & 1)  # bit 4: a footer


def _is_text(head: bytes) -> bool:
    try:  # incrementally, since the 64 bytes may end within a character
        text = getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


# kbit/s by index: MPEG-1 layer III and layer II; MPEG-2 both.
_BIT_RATES = {
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
}
_BIT_RATES_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def _mpeg_frame_length(head: bytes) -> int:
    """Bytes of an MPEG audio frame of layer II or III, by its header (ISO/IEC 11172-3, 2.4.1.3)."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    index, rate = head[2] >> 4, head[2] >> 2 & 3
    if not 0 < index < 15 or rate == 3:
        return 0
    hertz = (44_100, 48_000, 32_000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples_8 = 72 if layer == 1 and version != 3 else 144
    bit_rate = _BIT_RATES.get((version, layer), _BIT_RATES_2)[index - 1]
    return samples_8 * 1000 * bit_rate // hertz + (head[2] >> 1 & 1)


def _adts_frame_length(head: bytes) -> int:
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def ends_early(handle: BinaryIO, container: str) -> bool:
    """Whether a file stops before its end; AudioError where an MP4's tables can't be right.

    WAV, CAF, MP4: within its sound. Ogg: within a page. MP3: before the number of bytes in the Xing
    or Info header of its first frame. Others announce their length in seconds, or none.
    """
    end = handle.seek(0, 2)
    if container == "mp4":
        return _check_mp4(handle, end)
    if container in ("wav", "w64", "caf"):
        size = sound_size(handle)
        return size.announced > size.held
    if container == "ogg":
        handle.seek(max(0, end - _MAX_JUNK - 1024))  # no page is longer
        tail = handle.read()
        page = tail[tail.rfind(b"OggS") :]
        return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])
    if container == "mp3" and (header := xing_header(handle)):
        start, length = header
        return end - start < 0.98 * length
    return False


def xing_header(handle: BinaryIO) -> tuple[int, int] | None:
    """Position of an MP3's first frame, and the number of bytes that a header in it announces."""
    head = _after_tags(handle)
    start = handle.tell() - len(head)
    match = re.search(
        # Frame header and side information; flags that say: frames and bytes follow.
        rb"\xff[\xe2-\xff]..(?:.{9}|.{17}|.{32})(?:Xing|Info)\0\0\0[\x03\x07\x0b\x0f].{4}(.{4})",
        head[:8192],
        re.DOTALL,
    )
    return (start + match.start(), int.from_bytes(match[1], "big")) if match else None


class SoundSize(NamedTuple):
    """Bytes of sound that a WAV, RF64, W64 or CAF file announces, and that it holds.

    If their number was never filled in, as programs do that record (they write 0 or the largest
    number first): where it stands, and what would be right.
    """

    announced: int
    held: int
    position: int = 0
    right: bytes = b""


def sound_size(handle: BinaryIO) -> SoundSize:
    """Find the chunk "data". Raises AudioError where there is none."""
    end = handle.seek(0, 2)
    handle.seek(0)
    form = handle.read(4)
    # Where chunks begin, bytes of their name and of their size, what that counts, and their steps.
    at, name, width, extra, step = {b"riff": (40, 16, 8, 24, 8), b"caff": (8, 4, 8, 0, 1)}.get(
        form, (12, 4, 4, 0, 2)
    )
    order: Literal["big", "little"] = "big" if form in (b"RIFX", b"caff") else "little"
    long = None
    for _ in range(1000):
        handle.seek(min(at, end))
        chunk = handle.read(24)
        size = int.from_bytes(chunk[name : name + width], order) - extra
        if chunk[:4] == b"ds64":  # of RF64: size of the file, then of the sound, 8 bytes each
            long = at + 16, int.from_bytes(chunk[16:24], "little")
        if chunk[:4] == b"data":
            break
        at += name + width + size
        at += -at % step
    else:
        raise AudioError(
            "This WAV or CAF file is incomplete or damaged: no sound follows its header. Download "
            "or export it again."
        )
    held = end - (at + name + width)
    position, announced = long or (at + name, size)
    if held <= 0 or 0 < announced <= max(held, 0x7FFE_FFFF):
        return SoundSize(announced, held)
    if form == b"caff":
        return SoundSize(held, held)  # −1: to the end of the file
    width = 8 if long else width
    right = min(held + extra, (1 << 8 * width) - 1).to_bytes(width, order)
    return SoundSize(held, held, position, right)


class Forward:
    """A file that can't be sought in, and in which other bytes stand at a position.

    FFmpeg would look for notes behind the sound of a WAV, and believe their size.
    """

    def __init__(self, handle: BinaryIO, position: int = 0, value: bytes = b"") -> None:
        self._handle, self._position, self._value = handle, position, value

    def read(self, size: int) -> bytes:
        start = self._handle.tell()
        data = bytearray(self._handle.read(size))
        for at, byte in enumerate(self._value, self._position - start):
            if 0 <= at < len(data):
                data[at] = byte
        return bytes(data)


def _check_mp4(handle: BinaryIO, end: int) -> bool:
    """Whether the last sound of an MP4 (ISO/IEC 14496-12) is cut off.

    Raises:
        AudioError: its tables announce more samples than the file can hold, or nest endlessly. A
            few hundred bytes that announce a hundred million samples would fill gigabytes.
    """
    total, deltas, early = 0.0, b"", False
    for kind, start, size in _boxes(handle, end):
        if kind == b"mdat":
            early = start + size > end
        size = min(size, end - start)
        handle.seek(start)
        head = handle.read(16)
        if kind == b"stts":
            deltas = head
        elif kind == b"stsz":  # 8.7.3.2: version and flags, one size for all or 0, count, the sizes
            each, count = (int.from_bytes(head[at : at + 4], "big") for at in (4, 8))
            if count * max(1, each) > end or (each == 0 and 4 * count > size):
                total = inf
            # PCM, one frame a sample of constant size and duration: FFmpeg lists it by chunks.
            elif not (each and deltas[4:8] == deltas[12:16] == b"\0\0\0\1"):
                total += count
        elif kind == b"trun":  # 8.8.8.2: a table with up to four columns of 32 bits
            flags, count = (int.from_bytes(head[at : at + 4], "big") for at in (0, 4))
            total += count if 4 * (flags & 0xF00).bit_count() * count <= size else inf
        if total > max(_MIN_SAMPLES, end // _BYTES_PER_SAMPLE):
            raise AudioError(
                f"This M4A/MP4 file is damaged: its table announces {count:,} samples, "
                f"more than its {end:,} bytes can hold. Download or export it again."
            )
    return early


def _boxes(handle: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and position and announced length of the contents, of boxes that hold no others."""
    ends, start = [end], 0
    for _ in range(_MAX_BOXES):
        while ends and start + 8 > ends[-1]:
            start = ends.pop()
        if not ends:
            return
        handle.seek(start)
        size, kind = int.from_bytes(handle.read(4), "big"), handle.read(4)
        head = 8
        if size == 1:  # a 64-bit size follows
            size, head = int.from_bytes(handle.read(8), "big"), 16
        size = size or ends[-1] - start  # 0: to the end
        stop = min(ends[-1], start + size)
        if size < head:
            start = ends.pop()
        elif kind in _PARENTS and len(ends) <= _MAX_DEPTH:
            ends.append(stop)
            start += head
        elif kind in _PARENTS:
            break
        else:
            yield kind, start + head, size - head
            start = stop
    raise AudioError(
        "This M4A/MP4 file is damaged: its tables are nested or repeated beyond any use. "
        "Download or export it again."
    )
