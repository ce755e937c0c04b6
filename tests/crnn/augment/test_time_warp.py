"""A warp moves exactly the sampled moment, keeps the ends, and resamples between neighbours."""

import pytest
import torch
from torch import Generator

from crnn.augment.time_warp import TimeWarp, Warp
from tests.crnn.augment.test_masks import SHAPE, spectrogram


def sample(limit: int, shape: torch.Size = SHAPE) -> Warp:
    return TimeWarp(limit).sample(shape, Generator().manual_seed(0))


@pytest.mark.parametrize("limit", [1, 6, 18, 500])
def test_the_map_rises_and_keeps_the_ends(limit: int) -> None:
    source = sample(limit).source(torch.arange(39.0))
    assert bool((source.diff(dim=1) > 0).all())
    torch.testing.assert_close(source[:, 0], torch.zeros(64))
    torch.testing.assert_close(source[:, -1], torch.full((64,), 38.0))


def test_it_moves_exactly_the_sampled_moment() -> None:
    warp = sample(6)
    for item in range(64):
        goal = (warp.point + warp.shift)[item]
        torch.testing.assert_close(warp.source(goal[None])[item, 0], warp.point[item])


def test_moments_and_shifts_lie_where_specaugment_has_them() -> None:
    warp = sample(6, shape=torch.Size((5000, 1, 1, 39)))
    assert 6 <= float(warp.point.min()) < 6.2
    assert 31.8 < float(warp.point.max()) <= 32
    assert 5.9 < float(warp.shift.abs().max()) <= 6
    assert abs(float(warp.shift.mean())) < 0.2


def test_a_click_is_mixed_where_it_was_moved_to() -> None:
    mel = torch.full((1, 1, 4, 39), -80.0)
    mel[..., 20] = 0
    warped = TimeWarp(6).apply(mel, Warp(torch.tensor([20.0]), torch.tensor([5.0]), 38.0))
    assert int(warped[0, 0, 0].argmax()) == 25


def test_constants_stay_and_values_stay_between_their_neighbours() -> None:
    constant = torch.full(SHAPE, -33.0)
    torch.testing.assert_close(TimeWarp(6).apply(constant, sample(6)), constant)
    warped = TimeWarp(6).apply(spectrogram(), sample(6))
    assert float(warped.min()) >= float(spectrogram().min())
    assert float(warped.max()) <= float(spectrogram().max())


def test_on_a_coarser_grid_it_is_the_same_warp() -> None:
    """A ramp shows which moment each frame was taken from."""
    warp = TimeWarp(20).sample(torch.Size((1, 1, 1, 129)), Generator().manual_seed(2))
    fine = TimeWarp(20).apply(torch.arange(129.0).view(1, 1, 1, -1), warp)[0, 0, 0]
    coarse = TimeWarp(20).apply(
        4 * torch.arange(33.0).view(1, 1, 1, -1), warp, positions=4 * torch.arange(33.0)
    )
    torch.testing.assert_close(coarse[0, 0, 0], fine[::4], atol=0.5, rtol=0)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_pictures_with_no_moment_to_move_stay(frames: int) -> None:
    mel = spectrogram(torch.Size((3, 1, 4, frames)))
    warped = TimeWarp(10).apply(mel, TimeWarp(10).sample(mel.shape, Generator().manual_seed(0)))
    assert warped.shape == mel.shape
    torch.testing.assert_close(warped[..., 0], mel[..., 0])
