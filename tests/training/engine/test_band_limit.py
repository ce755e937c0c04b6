"""A limited crop is what Butterworth filters and noise at a known ratio would make of it."""

import numpy as np
import pytest
import torch
from scipy import signal

from crnn.audio.front_end import GTZAN_FRONT_END, band_frequencies
from crnn.audio.mel import band_weights
from training.engine import band_limit as module
from training.engine.band_limit import band_limit, band_pass_gain

FLOOR = -80.0


def crops(count: int = 64) -> torch.Tensor:
    """Noise that falls by 60 dB from the lowest band to the highest, each of its own loudness."""
    random = torch.Generator().manual_seed(1)
    slope = torch.linspace(-5, -65, 128).view(1, 1, -1, 1)
    level = 10 * torch.rand(count, 1, 1, 1, generator=random)
    return slope - level + torch.randn(count, 1, 128, 39, generator=random)


def limited(mel: torch.Tensor, fraction: float = 1.0, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return band_limit(mel, fraction, GTZAN_FRONT_END, generator, FLOOR)


def edges(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value)


@pytest.mark.parametrize(("low_order", "high_order"), [(1, 2), (3, 6)])
def test_gains_are_those_of_butterworth_filters(low_order: int, high_order: int) -> None:
    """Oracle: SciPy's analogue filters."""
    angular = 2 * np.pi * band_frequencies(GTZAN_FRONT_END)
    expected = np.zeros(len(angular))
    for order, hertz, kind in ((low_order, 300, "high"), (high_order, 3000, "low")):
        coefficients = signal.butter(order, 2 * np.pi * hertz, kind, analog=True)
        expected += 20 * np.log10(np.abs(signal.freqs(*coefficients, angular)[1]))
    values = [edges(value) for value in (300, 3000, low_order, high_order)]
    found = band_pass_gain(GTZAN_FRONT_END, *values).flatten()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_a_fraction_is_limited_and_the_rest_left_alone(fraction: float) -> None:
    mel = crops(400)
    changed = (limited(mel, fraction) != mel).flatten(1).any(1).float().mean()
    assert float(changed) == pytest.approx(fraction, abs=0.08)


def test_a_crop_stays_below_0_db_and_nearly_as_loud() -> None:
    mel = crops()
    found = limited(mel)
    assert float(found.max()) <= 0
    assert float(found.min()) >= FLOOR
    assert float((found.amax((1, 2, 3)) - mel.amax((1, 2, 3))).abs().max()) < 3


def test_noise_has_its_ratio_to_the_filtered_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Oracle: the power added, band by band, against the power of the same filter's output."""
    mel, weights = crops(), band_weights(GTZAN_FRONT_END).view(1, 1, -1, 1)

    def power(snr_db: float) -> torch.Tensor:
        monkeypatch.setattr(module, "_SNR_DB", (snr_db, snr_db))
        return 10 ** (limited(mel) / 10)

    clean = power(120)
    noise = ((power(10) - clean) * weights).sum((1, 2, 3))
    ratio = 10 * ((clean * weights).sum((1, 2, 3)) / noise).log10()
    torch.testing.assert_close(ratio, torch.full_like(ratio, 10), atol=0.5, rtol=0)


def test_high_bands_lose_most_and_hiss_covers_them(monkeypatch: pytest.MonkeyPatch) -> None:
    mel, hertz = crops(), torch.from_numpy(band_frequencies(GTZAN_FRONT_END))
    monkeypatch.setattr(module, "_SNR_DB", (120.0, 120.0))
    quiet = (limited(mel) - mel).mean((0, 1, 3))
    middle = quiet[(hertz > 500) & (hertz < 1800)]
    assert float(middle.max() - middle.min()) < 1
    assert float(quiet[hertz > 9000].max()) < float(middle.min()) - 12
    monkeypatch.setattr(module, "_SNR_DB", (10.0, 10.0))
    assert float((limited(mel) - mel).mean((0, 1, 3))[hertz > 9000].min()) > 5


def test_silence_stays_silent() -> None:
    silence = torch.full((4, 1, 128, 39), FLOOR)
    torch.testing.assert_close(limited(silence), silence, atol=0.1, rtol=0)


def test_the_same_seed_gives_the_same_crops() -> None:
    mel = crops()
    torch.testing.assert_close(limited(mel, 0.5), limited(mel, 0.5))
    assert not torch.equal(limited(mel, 0.5), limited(mel, 0.5, seed=1))
