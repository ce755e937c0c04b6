"""Files that play elsewhere are decoded whole, whatever headers say; what is missing is said."""

import io
import struct
from collections.abc import Callable

import av
import numpy as np
import pytest
import soundfile

from crnn.audio.decode import AUDIO_SUFFIXES, decode
from tests.conftest import encode, encode_av, melody

SOUND, SOUND_48 = melody(6), melody(6, 48_000)
MP3 = encode(SOUND, kind="MP3")
RANDOM = np.random.default_rng(5).integers(0, 256, 400, dtype=np.uint8).tobytes()
TAG = b"ID3\x03\x00\x00\x00\x00\x03\x10" + bytes(400)  # 400 bytes, as it says
EARLY = "damaged or ends early"


def with_xing(frames: int, size: int) -> bytes:
    """The MP3 with other numbers of frames and bytes in its first frame's header."""
    at = max(MP3.find(b"Xing"), MP3.find(b"Info"))
    return MP3[: at + 8] + struct.pack(">II", frames, size) + MP3[at + 16 :]


def test_an_mp3_is_decoded_as_by_libsndfile() -> None:
    expected, rate = soundfile.read(io.BytesIO(MP3), dtype="float32")
    ours = decode(MP3, sample_rate=rate).samples
    np.testing.assert_allclose(ours, expected, atol=1e-5)


MP3S = {
    "count too small": with_xing(20, 5_000),
    "count too large": with_xing(60_000, len(MP3)),
    "no count": MP3[MP3.index(MP3[:2], 4) :],
    "zeros after its tag": TAG + bytes(24) + MP3,
    "two tags": TAG + TAG + MP3,
    "zeros first": bytes(1500) + MP3,
    "from the middle of a frame": MP3[300:],
    "tags at its end": MP3 + b"APETAGEX" + RANDOM + b"TAG" + bytes(125),
}


@pytest.mark.parametrize("kind", MP3S)
def test_every_frame_of_an_mp3_is_decoded(kind: str) -> None:
    waveform = decode(MP3S[kind])
    assert waveform.seconds == pytest.approx(6.0, abs=0.12)
    assert waveform.notices == ()


CHAINS: dict[str, Callable[[float, int], bytes]] = {
    "MP3": lambda gain, rate: encode(gain * melody(3, rate), rate, kind="MP3"),
    "OGG": lambda gain, rate: encode(gain * melody(3, rate), rate, kind="OGG"),
    "Opus": lambda gain, rate: encode(gain * melody(3, rate), rate, "OGG", "OPUS"),
    "AAC": lambda gain, rate: encode_av(gain * melody(3, rate), rate, "adts", "aac"),
    "FLAC in Ogg": lambda gain, rate: encode_av(gain * melody(3, rate), rate, "ogg", "flac"),
}


@pytest.mark.parametrize("kind", CHAINS)
def test_joined_files_are_decoded_one_after_the_other(kind: str) -> None:
    waveform = decode(CHAINS[kind](1.0, 48_000) + CHAINS[kind](0.1, 48_000))
    assert waveform.seconds == pytest.approx(6.0, abs=0.2)
    assert waveform.notices == ()
    loud, soft = (np.std(half) for half in np.array_split(waveform.samples, 2))
    assert 0.08 < soft / loud < 0.13


@pytest.mark.parametrize("kind", ["MP3", "OGG", "AAC", "FLAC in Ogg"])
def test_where_joined_files_differ_in_rate_the_first_is_decoded(kind: str) -> None:
    waveform = decode(CHAINS[kind](1.0, 48_000) + CHAINS[kind](1.0, 32_000))
    assert waveform.seconds == pytest.approx(3.0, abs=0.15)
    change = "at 32000 Hz with 1 channel instead of 48000 Hz with 1 channel"
    if kind == "OGG":
        change = "in another format"
    assert waveform.notices == (
        f"The file goes on {change}, as files do that were joined; what follows was left out.",
    )


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_size_that_was_never_filled_in_means_to_the_end(kind: str, value: int) -> None:
    closed = encode(SOUND, kind=kind)
    width = 4 if kind == "WAV" else 8
    size = (2 * len(SOUND) + 24 * (kind == "W64")).to_bytes(width, "little")
    assert closed.count(size) == 1
    waveform = decode(closed.replace(size, value.to_bytes(width, "little", signed=True)))
    np.testing.assert_array_equal(waveform.samples, decode(closed).samples)
    assert "header was never completed" in waveform.notices[0]


@pytest.mark.parametrize("downmix", ["mean", "normalised"])
def test_channels_that_cancel_leave_the_louder_one(downmix: str) -> None:
    data = encode(np.stack([0.45 * SOUND, -0.5 * SOUND], axis=1), subtype="FLOAT")
    waveform = decode(data, downmix=downmix)  # type: ignore[arg-type]
    scale = 0.5 if downmix == "mean" else 1 / np.abs(SOUND).max()
    np.testing.assert_allclose(waveform.samples, -scale * SOUND, atol=1e-5)
    assert waveform.channels == 2
    assert "quieter than channel 2" in waveform.notices[0]


def test_channels_that_only_differ_are_averaged() -> None:
    data = encode(np.stack([SOUND, -0.5 * SOUND], axis=1), subtype="FLOAT")
    waveform = decode(data)
    np.testing.assert_allclose(waveform.samples, SOUND / 4, atol=1e-5)
    assert waveform.notices == ()


PACKETS = {
    "M4A": encode_av(SOUND_48, 48_000, "mp4", "aac"),
    "AAC": encode_av(SOUND_48, 48_000, "adts", "aac"),
    "FLAC": encode(SOUND, kind="FLAC"),
    "MP3": MP3,
    "OGG": encode(SOUND, kind="OGG"),
}


@pytest.mark.parametrize("kind", PACKETS)
def test_after_damage_the_rest_is_decoded(kind: str) -> None:
    data = PACKETS[kind]
    at = len(data) // 3
    waveform = decode(data[:at] + RANDOM + data[at + len(RANDOM) :])
    assert 4.5 < waveform.seconds < 6.1
    if kind in ("M4A", "FLAC"):  # whose tables or frame numbers tell what is missing
        assert len(waveform.notices) == 1


CUT = {
    "WAV": encode(SOUND),
    "AIFF": encode(SOUND, kind="AIFF"),
    "AU": encode(SOUND, kind="AU"),
    "W64": encode(SOUND, kind="W64"),
    "RF64": encode(SOUND, kind="RF64"),
    "CAF": encode(SOUND, kind="CAF"),
    "ADPCM": encode(SOUND, subtype="MS_ADPCM"),
    "OGG": encode(SOUND, kind="OGG"),
    "Opus": encode(SOUND_48, 48_000, "OGG", "OPUS"),
    "AAC": PACKETS["AAC"],
}


@pytest.mark.parametrize("kind", CUT)
def test_what_is_cut_off_is_said(kind: str) -> None:
    data = CUT[kind]
    assert decode(data).notices == ()
    waveform = decode(data[: len(data) // 2 + 1])
    assert 1.5 < waveform.seconds < 3.5
    assert [EARLY in notice for notice in waveform.notices] == [True]


def test_a_flac_without_a_total_is_whole() -> None:
    data = bytearray(encode(SOUND, kind="FLAC"))
    data[21] &= 0xF0  # STREAMINFO: 36 bits of total samples
    data[22:26] = bytes(4)
    waveform = decode(bytes(data))
    np.testing.assert_array_equal(waveform.samples, decode(encode(SOUND, kind="FLAC")).samples)
    assert waveform.notices == ()


def test_surround_opus_is_decoded() -> None:
    channels = np.stack([melody(3, 48_000, seed=i) for i in range(6)], axis=1)
    waveform = decode(encode_av(channels, 48_000, "ogg", "libopus"))
    assert (waveform.format, waveform.channels, waveform.notices) == ("Opus", 6, ())


def test_of_two_tracks_one_is_decoded_and_said() -> None:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as media:
        streams = [media.add_stream("flac", rate=22_050, layout="mono") for _ in range(2)]
        for stream, gain in zip(streams, (1, 0), strict=True):
            samples = (gain * 32767 * SOUND[None]).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
            frame.sample_rate = 22_050
            packets = [*stream.encode(frame), *stream.encode(None)]
            media.mux([packet for packet in packets if packet.size])
    waveform = decode(out.getvalue())
    np.testing.assert_allclose(waveform.samples, SOUND, atol=1e-4)
    assert waveform.notices == ("The file has 2 audio tracks; only one was analysed.",)


SUFFIXES = {
    ".mov": lambda: encode_av(SOUND_48, 48_000, "mov", "alac"),
    ".3gp": lambda: encode_av(SOUND_48, 48_000, "3gp", "aac"),
    ".m4b": lambda: encode_av(SOUND_48, 48_000, "ipod", "aac"),
    ".mkv": lambda: encode_av(SOUND_48, 48_000, "matroska", "flac"),
    ".mka": lambda: encode_av(SOUND_48, 48_000, "matroska", "aac"),
    ".mp2": lambda: encode_av(SOUND_48, 48_000, "mp2", "mp2"),
    ".amr": lambda: encode_av(melody(6, 8_000), 8_000, "amr", "libopencore_amrnb"),
    ".caf": lambda: encode_av(SOUND_48, 48_000, "caf", "alac"),
    ".aifc": lambda: encode(SOUND, kind="AIFF", subtype="ULAW"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_accepted_suffix_is_decoded(suffix: str) -> None:
    assert suffix in AUDIO_SUFFIXES
    waveform = decode(SUFFIXES[suffix]())
    assert waveform.seconds == pytest.approx(6.0, abs=0.1)
    assert EARLY not in "".join(waveform.notices)
