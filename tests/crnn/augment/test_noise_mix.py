"""Noise has the asked ratio, in the waveform and as power in the spectrogram."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.audio.noise import KINDS, noise_loop
from crnn.augment.noise_mix import BackgroundNoise
from tests.conftest import melody
from tests.crnn.augment.test_masks import spectrogram


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ratio", [-20.0, 0.0, 12.5, 40.0])
def test_the_measured_ratio_is_the_asked_one(kind: str, ratio: float) -> None:
    clean = torch.from_numpy(melody(4))
    added = BackgroundNoise(ratio, kind).mix(clean, 0.3, 22_050) - clean
    measured = 10 * torch.log10(clean.square().mean() / added.square().mean())
    assert float(measured) == pytest.approx(ratio, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_power_added_to_the_picture_is_that_of_mixed_sound(kind: str) -> None:
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
    for kind in ("white", "pink", "crowd"):
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
