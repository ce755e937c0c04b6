"""Small or legal files that would take minutes or gigabytes are refused or bounded, and why."""

import io
import os
import struct
import time
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from crnn.audio import decode as module
from crnn.audio.decode import decode
from crnn.errors import AudioError
from tests.conftest import encode, encode_av, melody

SOUND = melody(2, 48_000)


def box(kind: bytes, contents: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(contents), kind) + contents


def fragment(flags: int, count: int) -> bytes:
    """An MP4 in fragments, the first of which announces `count` samples, with columns by flags."""
    data = bytearray(encode_av(SOUND, 48_000, "mp4", "aac", index_first=True))
    at = data.index(b"trun") + 4
    data[at : at + 8] = struct.pack(">II", flags, count)
    return bytes(data)


def sizes(count: int) -> bytes:
    """An MP4 whose table lists `count` samples of one byte."""
    table = struct.pack(">III", 0, 0, count) + b"\0\0\0\1" * count
    return box(b"ftyp", b"M4A \0\0\0\0") + nested(1, box(b"stsz", table))


def nested(depth: int, contents: bytes = b"") -> bytes:
    for _ in range(depth):
        contents = box(b"moov", contents)
    return contents


def blocks(count: int, size: int) -> bytes:
    """Matroska with `count` blocks of `size` samples of 16 bits."""
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as media:
        stream = media.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for i in range(count):
            packet = av.Packet(bytes(2 * size))
            packet.stream, packet.pts, packet.dts = stream, i * size, i * size
            packet.time_base = Fraction(1, 48_000)
            media.mux(packet)
    return out.getvalue()


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a fragment of 10⁸ samples": (lambda: fragment(0, 10**8), "announces 100,000,000 samples"),
    "more columns than bytes": (lambda: fragment(0xF00, 100_000), "announces 100,000 samples"),
    "one-byte samples": (lambda: sizes(2_000_000), "announces 2,000,000 samples"),
    "nested boxes": (lambda: box(b"ftyp", b"M4A \0\0\0\0") + nested(1500), "nested or repeated"),
    "one-sample blocks": (lambda: blocks(10_100, 1), "packets of 1 samples each"),
    "one block": (lambda: blocks(1, 5_000_000), "0 samples of audio"),
    "endless notes": (
        lambda: (
            b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\x7fINFOINAM\xff\xff\xff\x6f" + bytes(100)
        ),
        "incomplete or damaged",
    ),
    "an unknown codec": (
        lambda: encode_av(SOUND, 48_000, "webm", "libopus").replace(b"A_OPUS", b"A_OPUX"),
        "in a codec that is not known here",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_at_once(kind: str) -> None:
    make, words = REFUSED[kind]
    data = make()
    start = time.process_time()
    with pytest.raises(AudioError, match=words):
        decode(data)
    assert time.process_time() - start < 5


def test_pcm_in_mp4_has_as_many_samples_as_frames() -> None:
    data = encode_av(np.zeros(1_000_000, np.float32) + 0.1, 48_000, "mov", "pcm_s16le")
    assert decode(data).seconds == pytest.approx(1_000_000 / 48_000, abs=0.01)


def test_sound_of_many_channels_at_a_high_rate_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUES", 8 * 48_000)
    data = encode(np.stack([SOUND] * 8, axis=1), 48_000, kind="FLAC")
    waveform = decode(data)
    assert waveform.seconds == pytest.approx(1.0, abs=0.01)
    assert "only the first 1.0 s (the limit) were analysed" in waveform.notices[0]


def test_a_cover_is_not_decoded() -> None:
    """A PNG of 6,000 × 6,000 pixels, in 0.1 MB, that would take 100 MB and a second."""

    def chunk(kind: bytes, contents: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + contents))
        return struct.pack(">I", len(contents)) + kind + contents + checksum

    side = 6_000
    packer = zlib.compressobj()
    pixels = b"".join(packer.compress(bytes(1 + 3 * side)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, contents)
        for kind, contents in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )
    picture = b"\0image/png\0\3\0" + png
    frame = b"APIC" + struct.pack(">IH", len(picture), 0) + picture
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    data = b"ID3\3\0\0" + size + frame + encode(melody(2), kind="MP3")
    start = time.process_time()
    assert decode(data).seconds == pytest.approx(2.0, abs=0.1)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_all_invalid_are_not_called_silent(value: float) -> None:
    data = encode(np.full(22_050, value, np.float32), subtype="FLOAT")
    with pytest.raises(AudioError, match=r"22,050 of 22,050 samples .* have an invalid value"):
        decode(data)


def test_only_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "song.mp3")
    for path in (tmp_path / "song.mp3", tmp_path, Path("/dev/zero")):
        with pytest.raises(AudioError, match="no file"):
            decode(path)
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(AudioError, match="can't be opened"):
            decode(tmp_path / name)
