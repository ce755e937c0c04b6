"""Laws of the front end, and librosa as its oracle."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd, band_frequencies
from crnn.audio.mel import log_mel, mel_power
from crnn.errors import AudioError
from tests.conftest import encode

FRONT_ENDS = {"paper": PAPER_FRONT_END, "gtzan": GTZAN_FRONT_END}
SECOND = 22_050


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * SECOND))).astype(
        np.float32
    )


def tone(hertz: float, seconds: float = 2.0, amplitude: float = 0.5) -> np.ndarray:
    return (
        amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SECOND)) / SECOND)
    ).astype(np.float32)


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
@pytest.mark.parametrize("seconds", [0.1, 1.0, 7.3])
def test_power_is_what_librosa_computes(front_end: FrontEnd, seconds: float) -> None:
    samples = noise(seconds)
    ours = mel_power(samples, front_end).numpy()
    theirs = librosa.feature.melspectrogram(
        y=samples,
        sr=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop_length,
        n_mels=front_end.n_mels,
        htk=front_end.mel_scale == "htk",
        norm=front_end.norm,
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * theirs.max())


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_decibels_are_what_librosa_computes(front_end: FrontEnd) -> None:
    power = mel_power(noise(3), front_end).numpy()
    reference = np.max if front_end.reference == "max" else front_end.reference
    theirs = librosa.power_to_db(power, ref=reference, amin=1e-12, top_db=front_end.top_db)
    np.testing.assert_allclose(log_mel(noise(3), front_end).numpy(), theirs, atol=1e-3)  # dB


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
def test_band_frequencies_are_librosas(front_end: FrontEnd) -> None:
    theirs = librosa.mel_frequencies(130, fmin=0, fmax=11_025, htk=front_end.mel_scale == "htk")[
        1:-1
    ]
    np.testing.assert_allclose(band_frequencies(front_end), theirs, rtol=1e-9)


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
@pytest.mark.parametrize("hertz", [440.0, 1000.0, 5000.0])
def test_a_tone_lands_in_its_band(front_end: FrontEnd, hertz: float) -> None:
    loudest = int(log_mel(tone(hertz), front_end).mean(dim=1).argmax())
    nearest = int(np.abs(band_frequencies(front_end) - hertz).argmin())
    assert abs(loudest - nearest) <= 1


def test_doubled_amplitude_is_6_02_db_more_before_normalisation() -> None:
    once, twice = (
        log_mel(tone(440, amplitude=0.2), PAPER_FRONT_END),
        log_mel(tone(440, amplitude=0.4), PAPER_FRONT_END),
    )
    assert float((twice - once).mean()) == pytest.approx(6.0206, abs=1e-3)


def test_level_does_not_matter_below_the_maximum() -> None:
    torch.testing.assert_close(
        log_mel(0.01 * noise(2), GTZAN_FRONT_END),
        log_mel(noise(2), GTZAN_FRONT_END),
        atol=1e-2,
        rtol=0,
    )


def test_loudest_is_0_db_and_nothing_is_below_the_floor() -> None:
    mel = log_mel(np.concatenate([noise(1), np.zeros(SECOND, np.float32)]), GTZAN_FRONT_END)
    assert float(mel.max()) == 0.0
    assert float(mel.min()) == pytest.approx(-80.0, abs=1e-4)


def test_blocks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mel_power(noise(5), PAPER_FRONT_END)
    monkeypatch.setattr("crnn.audio.mel._BLOCK_FRAMES", 7)
    torch.testing.assert_close(mel_power(noise(5), PAPER_FRONT_END), whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 22_050])
def test_one_frame_every_hop_and_one_more(samples: int) -> None:
    assert mel_power(np.ones(samples, np.float32), PAPER_FRONT_END).shape == (
        128,
        samples // 512 + 1,
    )


def test_silence_is_said_to_be_silence() -> None:
    with pytest.raises(AudioError, match="silent: its loudest sample is zero"):
        log_mel(np.zeros(SECOND, np.float32), GTZAN_FRONT_END)


def test_a_sound_beyond_the_last_frame_is_silence_too() -> None:
    samples = np.zeros(1709 * 60 + 1700, np.float32)
    samples[-1] = 0.5
    with pytest.raises(AudioError, match="silent but for its very end"):
        log_mel(samples, GTZAN_FRONT_END)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("hop_length", 0),
        ("downmix", "left"),
        ("mel_scale", "bark"),
        ("norm", "peak"),
        ("reference", "min"),
        ("top_db", -1),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=setting):
        replace(PAPER_FRONT_END, **{setting: value})


def test_a_waveform_brings_its_sample_rate() -> None:
    waveform = decode(encode(noise(1)))
    samples = waveform.samples
    torch.testing.assert_close(
        log_mel(waveform, GTZAN_FRONT_END), log_mel(samples, GTZAN_FRONT_END)
    )
    with pytest.raises(ValueError, match="16000"):
        log_mel(replace(waveform, sample_rate=16_000), GTZAN_FRONT_END)
