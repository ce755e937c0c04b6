"""Zips as people make them, and as nobody should."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from crnn.errors import AudioError
from crnn.sources import archive
from crnn.sources.archive import Archive


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def opened(data: bytes) -> Archive:
    return Archive(io.BytesIO(data))


def test_tracks_are_found_at_any_depth_and_come_out_whole() -> None:
    noise = np.random.default_rng(0).bytes(3 << 20)
    files = {"a.mp3": b"one", "album/disc 2/b.FLAC": noise, "album/c.opus": b""}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        contents = opened(packed(files, method))
        assert {member.filename: contents.read(member) for member in contents.members} == files
        assert archive.describe_skipped(contents.skipped) == ""


def test_what_is_no_track_is_skipped_and_counted() -> None:
    contents = opened(
        packed(
            {
                "album/": b"",
                "album/a.mp3": b"x",
                "album/cover.jpg": b"x",
                "notes.txt": b"x",
                "more.zip": b"x",
                "__MACOSX/album/a.mp3": b"x",
                "album/._a.mp3": b"x",
                ".DS_Store": b"x",
            }
        )
    )
    assert [member.filename for member in contents.members] == ["album/a.mp3"]
    assert archive.describe_skipped(contents.skipped) == (
        "Skipped 2 non-audio files, 1 nested ZIP file, 3 system files."
    )


def encrypted(data: bytes) -> bytes:
    """The same zip with the flag for encryption set in both places where it stands."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.index(signature) + offset] |= 1
    return bytes(changed)


BAD = {
    "nothing inside": (packed({}), "no audio file in this ZIP. It is empty"),
    "pictures": (
        packed({"a.jpg": b"x"}),
        "no audio file in this ZIP. Skipped 1 non-audio file",
    ),
    "password": (encrypted(packed({"a.mp3": b"x"})), "protected by a password"),
    "cut": (packed({"a.mp3": bytes(9999)})[:-30], "damaged or incomplete"),
    "only a beginning": (b"PK\x03\x04", "damaged or incomplete"),
    "no zip": (b"nothing", "damaged or incomplete"),
    "wrong size": (
        packed({"a.mp3": b"x"})[:-10] + struct.pack("<IIH", 2**31, 0, 0),
        "damaged or incomplete",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_zip_that_is_no_use_is_one_sentence(kind: str) -> None:
    data, words = BAD[kind]
    with pytest.raises(AudioError, match=words):
        opened(data)


def test_damage_inside_concerns_one_track_only() -> None:
    noise = np.random.default_rng(1).bytes(5000)
    data = bytearray(packed({"a.mp3": noise, "b.mp3": noise}, zipfile.ZIP_STORED))
    data[1000] ^= 0xFF  # within a.mp3: its checksum is wrong now
    contents = opened(bytes(data))
    with pytest.raises(AudioError, match="damaged inside the ZIP"):
        contents.read(contents.members[0])
    assert contents.read(contents.members[1]) == noise


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_methods_that_take_memory_before_they_give_a_byte_are_refused(method: int) -> None:
    contents = opened(packed({"a.mp3": b"x" * 99}, method))
    with pytest.raises(AudioError, match="not packed by Deflate"):
        contents.read(contents.members[0])


def test_a_bomb_is_stopped_by_what_comes_out_not_by_what_it_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_TRACK_MB", 4)
    data = bytearray(packed({"bomb.wav": bytes(64 << 20), "song.wav": b"fine"}))
    claimed = data.index(b"PK\x01\x02") + 24
    data[claimed : claimed + 4] = struct.pack("<I", 64 << 20)
    contents = opened(bytes(data))
    tracemalloc.start()
    with pytest.raises(AudioError, match="more than 4 MB"):
        contents.read(contents.members[0])
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert contents.read(contents.members[1]) == b"fine"


def test_all_together_have_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_MB", 3)
    contents = opened(packed({f"{i}.wav": bytes(2 << 20) for i in range(3)}))
    assert len(contents.read(contents.members[0])) == 2 << 20
    for member in contents.members[1:]:
        with pytest.raises(AudioError, match="unpacks to more than 3 MB"):
            contents.read(member)


def test_a_table_of_a_hundred_thousand_files_is_not_read() -> None:
    entry = (
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    count = 100_000
    end = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(entry) * count, 0, 0
    )
    with pytest.raises(AudioError, match="many thousand files"):
        opened(entry * count + end)


def test_names_decide_nothing_but_whether_a_file_is_tried() -> None:
    contents = opened(
        packed({"../../etc/cron.d/a.mp3": b"x", "/root/b.mp3": b"y", "C:\\c.mp3": b"z"})
    )
    assert [contents.read(member) for member in contents.members] == [b"x", b"y", b"z"]


def test_a_zip_is_known_by_its_first_bytes() -> None:
    assert archive.is_zip(packed({"a.mp3": b"x"}))
    assert archive.is_zip(packed({}))
    assert not archive.is_zip(b"ID3\x04")


def test_a_name_that_is_empty_is_no_track() -> None:
    # Names end at a NUL byte, also where there is nothing before it.
    data = packed({"x.mp3": b"", "song.mp3": b"abc"}).replace(b"x.mp3", b"\0.mp3")
    zipped = opened(data)
    assert [member.filename for member in zipped.members] == ["song.mp3"]
