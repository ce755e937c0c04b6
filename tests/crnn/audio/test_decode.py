"""Every accepted format is decoded to the audio that was encoded; all else is an AudioError."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest
import soxr

from crnn.audio.decode import MAX_SECONDS, decode
from crnn.errors import AudioError
from tests.conftest import encode, encode_av, melody

RATE = 22_050


def similarity(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest normalised cross-correlation over a codec's delay of up to 0.1 s."""
    size = min(len(ours), len(theirs)) - 2400
    middle = ours[1200 : 1200 + size]
    windows = [theirs[shift : shift + size] for shift in range(0, 2400, 1)]
    scale = np.linalg.norm(middle)
    return max(float(middle @ window / (scale * np.linalg.norm(window))) for window in windows)


FORMATS = {
    "WAV": lambda: encode(melody(3)),
    "FLAC": lambda: encode(melody(3), kind="FLAC"),
    "OGG": lambda: encode(melody(3), kind="OGG"),
    "Opus": lambda: encode(melody(3, 48_000), 48_000, "OGG", "OPUS"),
    "MP3": lambda: encode(melody(3), kind="MP3"),
    "AIFF": lambda: encode(melody(3), kind="AIFF"),
    "M4A/MP4": lambda: encode_av(melody(3, 48_000), 48_000, "mp4", "aac"),
    "AAC": lambda: encode_av(melody(3, 48_000), 48_000, "adts", "aac"),
    "WebM": lambda: encode_av(melody(3, 48_000), 48_000, "webm", "libopus"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_sounds_as_before(kind: str) -> None:
    waveform = decode(FORMATS[kind]())
    source = 48_000 if kind in ("Opus", "M4A/MP4", "AAC", "WebM") else RATE
    assert (waveform.format, waveform.sample_rate, waveform.source_rate) == (kind, RATE, source)
    assert waveform.samples.dtype == np.float32
    assert waveform.samples.ndim == 1
    assert waveform.seconds == pytest.approx(3.0, abs=0.08)  # a codec frame or two of padding
    assert waveform.notices == ()
    assert similarity(waveform.samples, soxr.resample(melody(3, source), source, RATE)) > 0.98


def test_resampled_in_blocks_as_soxr_does_at_once() -> None:
    samples = melody(5, 44_100)
    ours = decode(encode(samples, 44_100, subtype="FLOAT")).samples
    theirs = soxr.resample(samples, 44_100, RATE, quality="HQ")
    np.testing.assert_allclose(ours[: len(theirs)], theirs[: len(ours)], atol=1e-4)


def test_bytes_and_file_are_the_same(tmp_path: Path) -> None:
    data = encode(melody(1), kind="FLAC")
    (tmp_path / "Ünï – 音楽.flac").write_bytes(data)
    np.testing.assert_array_equal(
        decode(tmp_path / "Ünï – 音楽.flac").samples, decode(data).samples
    )
    np.testing.assert_array_equal(
        decode(str(tmp_path / "Ünï – 音楽.flac")).samples, decode(data).samples
    )


class TestDownmix:
    loud, soft = melody(1), 0.1 * melody(1, seed=1)

    def decoded(self, *channels: np.ndarray, downmix: str) -> np.ndarray:
        return decode(encode(np.stack(channels, axis=1), subtype="FLOAT"), downmix=downmix).samples  # type: ignore[arg-type]

    def test_mean_is_the_plain_average(self) -> None:
        ours = self.decoded(self.loud, self.soft, downmix="mean")
        np.testing.assert_allclose(ours, (self.loud + self.soft) / 2, atol=1e-5)

    def test_normalised_divides_each_channel_by_its_peak(self) -> None:
        ours = self.decoded(self.loud, self.soft, downmix="normalised")
        expected = (self.loud / np.abs(self.loud).max() + self.soft / np.abs(self.soft).max()) / 2
        np.testing.assert_allclose(ours, expected, atol=1e-5)

    def test_normalised_leaves_silent_channels_out(self) -> None:
        ours = self.decoded(self.loud, np.zeros_like(self.loud), downmix="normalised")
        np.testing.assert_allclose(ours, self.loud / np.abs(self.loud).max(), atol=1e-5)

    def test_eight_channels(self) -> None:
        ours = self.decoded(*[melody(1, seed=i) for i in range(8)], downmix="mean")
        np.testing.assert_allclose(
            ours, np.mean([melody(1, seed=i) for i in range(8)], axis=0), atol=1e-5
        )

    @pytest.mark.parametrize("downmix", ["mean", "normalised"])
    def test_eight_channels_in_planes(self, downmix: str) -> None:
        """Reading more than seven planes of a frame by PyAV would end the process."""
        channels = [melody(1, 48_000, seed=i) for i in range(8)]
        packed = encode(np.stack(channels, axis=1), 48_000, subtype="PCM_16")
        planes = encode_av(np.stack(channels, axis=1), 48_000, "mp4", "alac")
        ours, expected = (decode(data, downmix=downmix) for data in (planes, packed))  # type: ignore[arg-type]
        assert ours.channels == 8
        np.testing.assert_allclose(ours.samples, expected.samples, atol=1e-4)


def test_louder_than_full_scale_is_scaled_not_clipped() -> None:
    samples = decode(encode(5 * melody(1), subtype="FLOAT")).samples
    assert float(np.abs(samples).max()) == pytest.approx(1.0)
    assert similarity(samples, melody(1)) > 0.9999


@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_unusual_rates(rate: int) -> None:
    waveform = decode(encode(melody(2, rate), rate))
    assert waveform.seconds == pytest.approx(2.0, abs=0.01)
    assert any("8 kHz" in notice for notice in waveform.notices) == (rate == 8_000)


def test_three_hours_are_cut_with_a_notice() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(4_000)
        file.writeframes(bytes(range(100, 150)) * (3 * 3600 * 4_000 // 50))
    waveform = decode(out.getvalue())
    assert waveform.seconds == pytest.approx(MAX_SECONDS, abs=0.1)
    assert waveform.source_seconds == pytest.approx(3 * 3600)
    assert (
        "The track is 3:00:00 h long; only the first 10:00 min (the limit) were analysed."
        in waveform.notices
    )


def test_values_that_are_no_numbers_become_silence_with_a_notice() -> None:
    samples = melody(1)
    samples[100:110], samples[200] = np.nan, np.inf
    waveform = decode(encode(samples, subtype="FLOAT"))
    assert np.isfinite(waveform.samples).all()
    assert waveform.notices == (
        "11 of 22,050 samples had an invalid value (NaN, infinite or huge), replaced with silence.",
    )


def test_numbers_that_would_overflow_become_silence_too() -> None:
    samples = np.stack([melody(1), melody(1)], axis=1)
    samples[50] = 3e38
    waveform = decode(encode(samples, subtype="FLOAT"))
    assert np.isfinite(waveform.samples).all()
    assert "1 of 22,050 samples had an invalid value" in waveform.notices[0]


def adts(rate: int) -> bytes:
    return encode_av(melody(2, rate), rate, "adts", "aac")


def test_aac_joined_from_two_rates_is_decoded_up_to_the_joint() -> None:
    waveform = decode(adts(44_100) + adts(22_050))
    assert waveform.seconds == pytest.approx(2.0, abs=0.1)
    assert "goes on at 22050 Hz with 1 channel instead of 44100 Hz" in waveform.notices[0]


def test_aac_behind_a_tag() -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)
    assert decode(tag + adts(44_100)).format == "AAC"


def test_a_title_that_is_no_unicode_does_not_matter() -> None:
    data = encode_av(melody(2, 48_000), 48_000, "mp4", "aac", title="Cafe")
    assert b"Cafe" in data
    assert decode(data.replace(b"Cafe", b"Caf\xe9")).seconds == pytest.approx(2.0, abs=0.1)


def test_a_table_that_promises_more_than_the_file_holds_is_not_believed() -> None:
    data = bytearray(encode_av(melody(2, 48_000), 48_000, "mp4", "aac"))
    table = data.index(b"stsz") + 4
    data[table + 4 : table + 12] = (1).to_bytes(4, "big") + (150_000_000).to_bytes(4, "big")
    with pytest.raises(AudioError, match="announces 150,000,000 samples"):
        decode(bytes(data))


TRUNCATED = {
    "mp3": lambda: encode(melody(8), kind="MP3"),
    "flac": lambda: encode(melody(8), kind="FLAC"),
    "m4a with its index first": lambda: encode_av(
        melody(8, 48_000), 48_000, "mp4", "aac", index_first=True
    ),
    "webm": lambda: encode_av(melody(8, 48_000), 48_000, "webm", "libopus"),
}


@pytest.mark.parametrize("kind", TRUNCATED)
def test_what_is_left_of_a_truncated_file_is_decoded(kind: str) -> None:
    data = TRUNCATED[kind]()
    waveform = decode(data[: len(data) // 2])
    assert 2.5 < waveform.seconds < 5.5
    assert len(waveform.notices) == 1
    assert "damaged or ends early" in waveform.notices[0]


NOT_AUDIO = {
    "empty": (b"", "empty (0 bytes)"),
    "noise named .mp3": (
        bytes(np.random.default_rng(3).integers(128, 256, 100, dtype=np.uint8)),
        "100 bytes are in no known",
    ),
    "text": ("Dear Sir,\nmy song is called Ümlaut.".encode(), "This is a text file"),
    "png renamed .wav": (b"\x89PNG\r\n\x1a\n" + bytes(200), "This is a PNG picture"),
    "zip": (b"PK\x03\x04" + bytes(100), "a ZIP archive"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "a playlist"),
    "wav header alone": (encode(np.zeros(0, np.float32)), "0 samples of audio"),
    "one sample": (encode(np.ones(1, np.float32)), "1 sample of audio"),
    "m4a without its index": (
        encode_av(melody(2, 48_000), 48_000, "mp4", "aac")[:9000],
        "incomplete or damaged",
    ),
    "broken webm": (b"\x1a\x45\xdf\xa3" + bytes(100), "incomplete or damaged"),
    "aac that is noise": (
        b"\xff\xf1" + bytes(100),
        "incomplete or damaged|0 samples|audio track of this AAC file is damaged",
    ),
}


@pytest.mark.parametrize("kind", NOT_AUDIO)
def test_what_is_not_audio_is_named(kind: str) -> None:
    data, words = NOT_AUDIO[kind]
    with pytest.raises(AudioError, match=words.replace("(", r"\(").replace(")", r"\)")):
        decode(data)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="can't be opened: No such file"):
        decode(tmp_path / "nowhere.mp3")


def test_absurd_channel_count_is_refused() -> None:
    with pytest.raises(AudioError, match="64 channels; up to 32"):
        decode(encode(np.ones((22_050, 64), np.float32)))


def test_absurd_sample_rate_is_refused() -> None:
    with pytest.raises(AudioError, match="sampled at 100 Hz"):
        decode(encode(melody(1), 100))
