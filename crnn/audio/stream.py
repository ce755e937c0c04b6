"""Audio of any accepted format as a stream of blocks, read by FFmpeg."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import BytesIO
from math import inf
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from crnn.audio import containers
from crnn.audio.containers import Samples
from crnn.errors import AudioError

# More than any music has; each costs memory.
MAX_CHANNELS = 32
# Frames per block: 1.5 s at 44.1 kHz. With fewer, resampling takes twice as long.
_BLOCK = 65536
# PyAV reads a frame's planes up to an empty one; of eight or more there is none, and the process
# ends. FFmpeg's resampler packs those into one.
_MAX_PLANES = 8
# Bytes of a packet, and frames decoded from one. FLAC has up to 2 MB and 65,536, others far less.
_MAX_PACKET, _MAX_FRAMES = 1 << 22, 1 << 20
# Packets that can't be decoded, in a row: 20 s of MP3.
_MAX_FAILURES = 1000
# A codec's packet holds 80 frames or more; a file of many packets of fewer takes minutes.
_MIN_FRAMES, _MANY_PACKETS = 16, 10_000
# Seconds at the end that may be missing: padding of codecs, and tags that look like a packet.
_TOLERANCE = 0.5


class Stream:
    """An opened audio source.

    Args:
        media: the container; its first audio track that can be decoded is read.
        label: the format's name for the user.

    Attributes:
        codec: FFmpeg's name, such as "mp3", "aac", "pcm_s16le".
        seconds: as the container announces, 0 where it does not.
        ends_early: whether the end is missing, as far as that can be told without `seconds`.
        lost: seconds that could not be decoded in between.
        notices: sentences for the user about what else is left out.

        The last three are complete when all blocks are read.
    """

    def __init__(self, media: av.container.InputContainer, label: str) -> None:
        tracks = media.streams.audio
        if not tracks:
            raise AudioError(f"This {label} file has no audio track. {containers.ACCEPTED}")
        known = [track for track in tracks if track.codec_context is not None]
        if not known:
            raise AudioError(
                f"The audio track of this {label} file is in a codec that is not known here. "
                f"{containers.ACCEPTED}"
            )
        self._media, self._track = media, known[0]
        context = self._track.codec_context
        self.sample_rate, self.channels = context.sample_rate, context.layout.nb_channels
        if not self.sample_rate or self.channels < 1:
            raise AudioError(
                f"The audio track of this {label} file is damaged. Download or export it again."
            )
        if self.channels > MAX_CHANNELS:
            raise AudioError(
                f"The file has {self.channels} channels; up to {MAX_CHANNELS} are accepted. "
                "Mix it down to stereo and try again."
            )
        context.options = {"max_samples": str(_MAX_FRAMES)}
        self.codec = context.codec.canonical_name
        self.format = "Opus" if (self.codec, label) == ("opus", "OGG") else label
        self.seconds = float((self._track.duration or 0) * (self._track.time_base or 0))
        if label == "WebM":  # which announces a length for all tracks together
            self.seconds = (media.duration or 0) / av.time_base
        self.ends_early, self.lost = False, 0.0
        self.notices: list[str] = []
        if len(tracks) > 1:
            self.notices.append(f"The file has {len(tracks)} audio tracks; only one was analysed.")

    def blocks(self) -> Iterator[Samples]:
        """The samples, float32 [n, C] a block, up to where rate or channels change."""
        waiting, kind, packer = av.AudioFifo(), None, av.AudioResampler()
        for frame in self._frames():
            rate, channels = frame.sample_rate, frame.layout.nb_channels
            if (rate, channels) != (self.sample_rate, self.channels):
                self.notices.append(
                    f"The file goes on at {rate} Hz with {_channels(channels)} instead of "
                    f"{self.sample_rate} Hz with {_channels(self.channels)}, as files do that "
                    "were joined; what follows was left out."
                )
                break
            if kind != (kind := (frame.format.name, frame.layout.name, frame.time_base)):
                yield from self._joined(waiting)
                waiting, packer = av.AudioFifo(), av.AudioResampler("flt", frame.layout, rate)
            planes = channels if frame.format.is_planar else 1
            for part in [frame] if planes < _MAX_PLANES else packer.resample(frame):
                part.pts = None  # gaps are counted by _frames
                waiting.write(part)
            if waiting.samples >= _BLOCK:
                yield from self._joined(waiting)
        yield from self._joined(waiting)

    def _joined(self, waiting: av.AudioFifo) -> Iterator[Samples]:
        """What has been decoded so far in one block: an array for each frame would take longer."""
        frame = waiting.read() if waiting.samples else None
        if frame is not None:
            samples = frame.to_ndarray()
            yield _to_float(samples.T if frame.format.is_planar else samples, self.channels)

    def _frames(self) -> Iterator[av.AudioFrame]:
        """Decoded frames. Packets that can't be decoded are left out, and their time is counted."""
        failures, gap, decoded = 0, 0.0, 0
        for count, packet in enumerate(self._packets()):
            if count > _MANY_PACKETS and decoded < _MIN_FRAMES * count:
                raise AudioError(
                    f"This {self.format} file cuts its sound into {count:,} and more packets of "
                    f"{decoded / count:.2g} samples each. Export it again with another program."
                )
            try:
                if packet.size > _MAX_PACKET:
                    raise ValueError("more than any codec packs together")
                # An empty packet would end the decoding, as the one without a time at the end does.
                frames = packet.decode() if packet.size or packet.dts is None else []
            except MemoryError:
                raise
            except (av.FFmpegError, ValueError):
                failures += 1
                gap += float((packet.duration or 0) * (packet.time_base or 0))
                if failures > _MAX_FAILURES:
                    self.ends_early = True
                    return
                continue
            if frames:
                # The first frames of an MP3 that was joined or cut need some of the one before.
                self.lost += gap if self.format != "MP3" or gap > 0.1 else 0.0
                failures, gap = 0, 0.0
            decoded += sum(frame.samples for frame in frames)
            yield from frames
        # At the end of an MP3, tags may look like a frame.
        self.ends_early |= failures > 0 and (self.format != "MP3" or gap > _TOLERANCE)

    def _packets(self) -> "Iterator[av.Packet[av.AudioStream]]":
        """The track's packets, as far as the container can be followed."""
        failed = False
        for _ in range(_MAX_FAILURES):
            try:
                for packet in self._media.demux(self._track):
                    failed = failed and not packet.size
                    yield packet
            except MemoryError:
                raise
            except av.error.PatchWelcomeError:  # Ogg
                self.notices.append(
                    "The file goes on in another format, as files do that were joined; what "
                    "follows was left out."
                )
                return
            except (av.FFmpegError, ValueError):
                failed = True
            else:
                break
        self.ends_early |= failed


def _to_float(samples: np.ndarray[Any, Any], channels: int) -> Samples:
    """Samples of any format in [-1, 1], float32 [n, C]."""
    floats = samples.reshape(-1, channels).astype(np.float32, copy=False)
    if samples.dtype.kind == "f":
        return floats
    if samples.dtype.kind == "u":
        floats = floats - 2.0 ** (8 * samples.dtype.itemsize - 1)
    return np.asarray(floats * 2.0 ** (1 - 8 * samples.dtype.itemsize), np.float32)


def _channels(count: int) -> str:
    return f"{count} channel{'s' if count > 1 else ''}"


def _open_file(path: Path) -> BinaryIO:
    try:
        if path.exists() and not path.is_file():
            raise AudioError("It can't be opened: it is a folder or device, and no file.")
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise AudioError(f"The file can't be opened: {reason or error}.") from error


@lru_cache
def _sound_decoders() -> str:
    """Names of FFmpeg's decoders of sound: opening a file would decode its cover and film, too."""
    names = []
    for name in av.codecs_available:
        with suppress(av.codec.codec.UnknownCodecError):  # the name of an encoder
            if av.Codec(name, "r").type == "audio":
                names.append(name)
    return ",".join(names)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except av.error.MemoryError as error:
        raise AudioError(
            "Decoding this file takes more memory than there is: it is damaged or very long. "
            "Export it again, or cut it."
        ) from error


@contextmanager
def open_stream(source: bytes | str | Path) -> Iterator[Stream]:
    """Open a file or its bytes. Raises AudioError if it is not audio, naming what it is."""
    file = BytesIO(source) if isinstance(source, bytes) else _open_file(Path(source))
    with file, _memory_errors():
        container, label = containers.recognise(file)
        early = containers.ends_early(file, container)
        sound = containers.sound_size(file) if container in ("wav", "w64") else None
        handle = containers.Forward(file, sound.position, sound.right) if sound else file
        options = {"codec_whitelist": _sound_decoders()}
        if sound:
            options["probesize"] = "65536"  # not 5 MB, to see whether its samples are in disguise
        estimated = label == "AAC" or (label == "MP3" and not containers.xing_header(file))
        size = file.seek(0, 2)
        file.seek(0)
        try:
            media = av.open(
                handle,
                "r",
                format=container,
                options=options,
                metadata_errors="replace",
            )
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(
                f"These {size:,} bytes are in no known audio format. {containers.ACCEPTED}"
                if container == "mp3"
                else f"This {label} file is incomplete or damaged: its table of contents can't be "
                "read, often because a download or recording stopped early. Download or export it "
                "again."
            ) from error
        with media:
            stream = Stream(media, label)
            stream.ends_early = early
            if estimated:
                stream.seconds = 0.0  # FFmpeg's estimate from the bit rate is too rough
            if sound:
                stream.seconds = stream.seconds or 8 * sound.announced / (media.bit_rate or inf)
            if sound and sound.right:
                stream.notices.append(
                    "The file's header was never completed, as when a recording is interrupted; "
                    "everything up to the end of the file was read."
                )
            yield stream
