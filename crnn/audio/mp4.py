"""A look at an MP4's tables before FFmpeg trusts them.

FFmpeg builds an index entry of some 35 bytes for every sample that a track's table announces, so a few kilobytes that announce
a hundred million samples would fill gigabytes. What is announced must fit into the file.
"""

from collections.abc import Iterator
from typing import BinaryIO

from crnn.errors import AudioError

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def check_sample_tables(handle: BinaryIO) -> None:
    """AudioError where a sample size table (stsz) announces more than the file can hold; leaves the position at 0.

    ISO/IEC 14496-12, section 8.7.3.2: version and flags, one size for all or 0, count, then the sizes.
    """
    end = handle.seek(0, 2)
    for start, size in _tables(handle, 0, end):
        handle.seek(start + 4)
        each, count = (int.from_bytes(handle.read(4), "big") for _ in range(2))
        if count * max(1, each) > end or (each == 0 and 4 * count > size):
            raise AudioError(
                f"This M4A/MP4 file is damaged: its table announces {count:,} pieces of sound, more than its {end:,} bytes "
                "can hold. Fetch or export it again."
            )
    handle.seek(0)


def _tables(handle: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
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
        if kind in _CONTAINERS:
            yield from _tables(handle, start + head, stop)
        elif kind == b"stsz":
            yield start + head, stop - start - head
        start = stop
