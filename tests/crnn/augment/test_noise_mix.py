"""Noise has the asked ratio, in the waveform and as power in the spectrogram."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.audio.noise import FADE_SECONDS, KINDS, NoiseLoop, noise_loop, noise_loop_power
from crnn.augment.noise_mix import BackgroundNoise
from crnn.errors import AudioError
from tests.conftest import melody
from tests.crnn.augment.test_masks import spectrogram


def recording(seconds: float = 2.5, name: str = "mine.wav") -> NoiseLoop:
    """Noise that swells, over a hum and an offset."""
    time = np.arange(round(seconds * 22_050)) / 22_050
    hiss = np.random.default_rng(1).standard_normal(len(time)) * (0.05 + 0.02 * time / seconds)
    samples = (0.1 + hiss + 0.1 * np.sin(2 * np.pi * 120 * time)).astype(np.float32)
    return NoiseLoop.from_samples(name, samples, 22_050)


NOISES = (*KINDS, recording())


@pytest.mark.parametrize("kind", NOISES, ids=str)
@pytest.mark.parametrize("ratio", [-20.0, 0.0, 12.5, 40.0])
def test_the_measured_ratio_is_the_asked_one(kind: str | NoiseLoop, ratio: float) -> None:
    clean = torch.from_numpy(melody(4))
    added = BackgroundNoise(ratio, kind).mix(clean, 0.3, 22_050) - clean
    measured = 10 * torch.log10(clean.square().mean() / added.square().mean())
    assert float(measured) == pytest.approx(ratio, abs=0.1)


@pytest.mark.parametrize("kind", NOISES, ids=str)
def test_power_added_to_the_picture_is_that_of_mixed_sound(kind: str | NoiseLoop) -> None:
    """Oracle: the mixed waveform's spectrogram. Single values differ by phase, means must not.

    In absolute dB: "below the maximum" hangs on a single value.
    """
    for front_end in (PAPER_FRONT_END, replace(GTZAN_FRONT_END, hop_length=512, reference=1.0)):
        clean = torch.from_numpy(melody(20))
        noise = BackgroundNoise(5.0, kind)
        mixed = log_mel(noise.mix(clean, 0.25, 22_050), front_end)
        before = log_mel(clean, front_end)[None, None]
        added = noise.apply(before, torch.tensor([0.25]), front_end)[0, 0]
        assert float((added.mean(1) - mixed.mean(1)).abs().mean()) < 1.0  # dB, mean over bands


def test_pink_noise_falls_by_3_db_an_octave() -> None:
    power = np.abs(np.fft.rfft(noise_loop("pink", 22_050).numpy())) ** 2
    hertz = np.fft.rfftfreq(60 * 22_050, 1 / 22_050)
    octaves = [
        10 * np.log10(power[(hertz >= low) & (hertz < 2 * low)].mean())
        for low in (100, 200, 400, 800, 1600, 3200)
    ]
    assert np.diff(octaves) == pytest.approx(-3.01, abs=0.3)


def test_noises_close_into_a_loop() -> None:
    """The step from the last sample to the first is no larger than steps elsewhere are."""
    for kind in ("white", "pink", "crowd", recording()):
        noise = noise_loop(kind, 22_050)
        steps = noise.diff().abs()
        assert float((noise[0] - noise[-1]).abs()) <= float(
            steps.quantile(0.999) if len(steps) < 1e6 else steps.max()
        )


def test_noise_louder_than_the_music_stays_below_0_db() -> None:
    loud = BackgroundNoise(-20.0).apply(spectrogram(), torch.zeros(64), GTZAN_FRONT_END)
    assert float(loud.max()) <= 0
    assert float(loud.min()) >= -80


def test_unknown_noise_is_refused() -> None:
    with pytest.raises(ValueError, match="one of white, pink, crowd, vinyl"):
        BackgroundNoise(10.0, "rain")


@pytest.mark.parametrize("seconds", [1.0, 2.5, 29.9, 30.1, 59.99, 60.0, 61.3, 75.0])
def test_a_recording_is_a_loop_of_up_to_a_minute_of_mean_power_1(seconds: float) -> None:
    loop = recording(seconds).samples.double()
    assert loop.mean() == pytest.approx(0, abs=1e-5)
    assert loop.square().mean() == pytest.approx(1, abs=1e-5)
    minute = 60 * 22_050
    count = min(minute, round(seconds * 22_050) - round(FADE_SECONDS * 22_050))
    assert len(loop) == count * (minute // count)
    assert torch.equal(loop[:count], loop[-count:])


def test_a_repeated_tone_has_no_click() -> None:
    """Oracle: a tone whose ends do not fit; a click would spread over all frequencies."""
    time = np.arange(round(1.337 * 22_050)) / 22_050
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    loop = NoiseLoop.from_samples("tone", tone, 22_050).samples.numpy()
    hertz = np.fft.rfftfreq(len(loop), 1 / 22_050)

    def far(samples: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(samples)) ** 2
        return float(10 * np.log10(power[hertz > 1500].sum() / power.sum()))

    assert far(loop) < -70
    assert far(np.resize(tone, len(loop))) > -50


def test_a_recording_at_another_rate_is_the_same_loop() -> None:
    """Oracle: the power of its spectrogram, by bands that both rates have."""
    loop = recording(5.0)
    slow = loop.at(16_000)
    assert len(slow) == pytest.approx(len(loop.samples) * 16_000 / 22_050, abs=1)
    assert slow.square().mean() == pytest.approx(1, abs=1e-4)
    assert float((slow[0] - slow[-1]).abs()) <= float(slow.diff().abs().max())
    assert loop.at(16_000) is slow
    front_end = replace(PAPER_FRONT_END, sample_rate=16_000)
    assert noise_loop_power(loop, front_end) is noise_loop_power(loop, front_end)
    peak = np.fft.rfft(slow.numpy())
    assert np.fft.rfftfreq(len(slow), 1 / 16_000)[np.abs(peak).argmax()] == pytest.approx(
        120, abs=0.5
    )


def test_recordings_are_told_apart_by_name_and_samples() -> None:
    one, same = recording(), recording()
    assert one == same
    assert hash(one) == hash(same)
    assert len({one, same, recording(3.0), recording(name="other.wav")}) == 3
    assert BackgroundNoise(10.0, one) == BackgroundNoise(10.0, same)


def test_an_item_of_a_batch_does_not_depend_on_the_others() -> None:
    mel, begin, noise = spectrogram()[:4], torch.rand(4), BackgroundNoise(5.0, recording())
    together = noise.apply(mel, begin, GTZAN_FRONT_END)
    for number in range(4):
        one = slice(number, number + 1)
        alone = noise.apply(mel[one], begin[one], GTZAN_FRONT_END)
        assert torch.allclose(alone, together[one])


def test_silent_stretches_of_a_recording_are_left_out() -> None:
    samples = np.random.default_rng(2).standard_normal(20 * 22_050).astype(np.float32) / 9
    samples[: 2 * 22_050] = samples[5 * 22_050 : 15 * 22_050] = 0
    loop = NoiseLoop.from_samples("half", samples, 22_050).samples
    assert min(second.square().mean() for second in loop.split(22_050)[:-1]) > 0.9


def test_in_a_short_pause_of_a_recording_nothing_becomes_infinite() -> None:
    samples = torch.cat([torch.randn(22_050), torch.zeros(22_050)])
    noise = BackgroundNoise(0.0, NoiseLoop("pause", 22_050, "", samples))
    clean = torch.from_numpy(melody(0.3))
    assert torch.allclose(noise.mix(clean, 0.6, 22_050), clean)
    mel = log_mel(clean, GTZAN_FRONT_END)[None, None]
    assert bool(noise.apply(mel, torch.tensor([0.6]), GTZAN_FRONT_END).isfinite().all())


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (melody(1)[:-1], r"has 1\.00 s of sound, too short.*1 s or more.*Choose"),
        (np.zeros(0, np.float32), r"has 0\.00 s of sound"),
        (np.full(60_000, 0.3, np.float32), r"is silent \(below −80 dBFS\).*Choose another"),
    ],
)
def test_a_recording_that_is_no_noise_is_refused(samples: np.ndarray, sentence: str) -> None:
    with pytest.raises(AudioError, match=sentence):
        NoiseLoop.from_samples("mine.wav", samples, 22_050)
