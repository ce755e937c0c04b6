"""What the player draws: levels of a spectrogram, its palette, a waveform's peaks."""

import numpy as np
from plotly.colors import sample_colorscale, unlabel_rgb

from crnn.viz import player


def test_levels_rank_as_decibels_do_with_the_highest_band_on_top() -> None:
    mel = np.random.default_rng(0).uniform(-80, 0, (8, 50))
    levels, step = player.image(mel)
    assert step == 1
    assert (levels.min(), levels.max()) == (0, 255)
    assert np.abs(levels[::-1] / 255 - (mel - mel.min()) / np.ptp(mel)).max() <= 0.5 / 255 + 1e-9


def test_limits_are_the_ends_of_the_levels() -> None:
    levels, _ = player.image(np.array([[-50.0, -40, 0, 40, 50]]), (-40, 40))
    assert levels.tolist() == [[0, 0, 128, 255, 255]]


def test_the_palettes_are_magma_and_blue_to_red() -> None:
    expected = [unlabel_rgb(c) for c in sample_colorscale("magma", np.linspace(0, 1, 256))]
    assert np.abs(player.palette().astype(float) - expected).max() <= 1
    red, _, blue = player.palette(diverging=True).astype(int).T
    assert blue[0] > red[0]
    assert red[-1] > blue[-1]
    assert abs(red[127] - blue[127]) < 10  # grey


def test_a_flat_spectrogram_has_one_level() -> None:
    assert len(np.unique(player.image(np.full((4, 9), -20.0))[0])) == 1


def test_ten_minutes_fit_an_image_and_keep_their_mean() -> None:
    mel = np.tile([-60.0, -20.0], (4, 10_000))
    mel[0, :10_000], mel[1, :10_000] = 0, -80  # so that the range is known
    levels, step = player.image(mel)
    assert (step, levels.shape) == (3, (4, 6667))
    assert np.abs(80 * levels[::-1].mean(axis=1) / 255 - 80 - mel.mean(axis=1)).max() < 0.5


def test_peaks_are_the_largest_absolute_values_of_each_fiftieth() -> None:
    samples = np.zeros(22_050, np.float32)
    samples[[3, 441, 22_049]] = [-0.5, 0.25, 1.5]
    peaks = player.peaks(samples, 22_050)
    assert len(peaks) == 50
    assert {i: int(peak) for i, peak in enumerate(peaks) if peak} == {0: 128, 1: 64, 49: 255}
