"""Masks, warp and noise: what was drawn is what happens, nothing else, and the draws are SpecAugment's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Generator

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.audio.noise import KINDS, noise_loop
from crnn.audio.torchaudio_shim import torchaudio
from crnn.augment.masks import FrequencyMask, Spans, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp, Warp
from tests.conftest import melody

SHAPE = torch.Size((64, 1, 128, 39))


def picture(shape: torch.Size = SHAPE) -> torch.Tensor:
    return -60 * torch.rand(shape, generator=Generator().manual_seed(1))


@pytest.mark.parametrize(("mask", "axis"), [(TimeMask(15, 2), 3), (FrequencyMask(60, 1), 2)])
def test_masked_is_what_was_drawn(mask: TimeMask | FrequencyMask, axis: int) -> None:
    spans = mask.sample(SHAPE, Generator().manual_seed(0))
    before = picture()
    after = mask.apply(before, spans, value=-80.0)
    for item in range(SHAPE[0]):
        expected = torch.zeros(SHAPE[axis], dtype=torch.bool)
        for start, width in zip(spans.start[item], spans.width[item], strict=True):
            expected[start : start + width] = True
        changed = (after[item, 0] == -80).all(dim=0 if axis == 3 else 1)
        assert torch.equal(changed, expected)
    kept = after != -80
    assert torch.equal(after[kept], before[kept])


def test_zero_strength_is_the_identity() -> None:
    for mask in (TimeMask(0), FrequencyMask(0), TimeMask(10, count=0)):
        spans = mask.sample(SHAPE, Generator().manual_seed(0))
        assert torch.equal(mask.apply(picture(), spans, -80.0), picture())


def test_equal_seeds_draw_equal_masks() -> None:
    one, other = (TimeMask(15, 2).sample(SHAPE, Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.start, other.start)
    assert torch.equal(one.width, other.width)


def test_masks_wider_than_the_picture_are_clamped_and_stay_inside() -> None:
    spans = TimeMask(1000).sample(SHAPE, Generator().manual_seed(0))
    assert int(spans.width.max()) <= 39
    assert int((spans.start + spans.width).max()) <= 39
    assert int(spans.start.min()) >= 0


def test_widths_are_distributed_as_torchaudios() -> None:
    """Mean masked width over many draws, against torchaudio's own time masking."""
    shape = torch.Size((4000, 1, 4, 100))
    ours = TimeMask(30).sample(shape, Generator().manual_seed(0)).width.float().mean()
    torch.manual_seed(0)
    theirs = (
        (torchaudio.functional.mask_along_axis_iid(torch.ones(shape), 30, 0.0, 3)[:, 0, 0] == 0)
        .sum(1)
        .float()
        .mean()
    )
    assert float(ours) == pytest.approx(float(theirs), abs=1.0)  # frames; both draw from 0 to 30


def test_overlapping_spans_are_one_mask() -> None:
    spans = Spans(torch.tensor([[2, 4]]), torch.tensor([[4, 3]]))
    assert spans.inside(torch.arange(10)).int().tolist() == [[0, 0, 1, 1, 1, 1, 1, 0, 0, 0]]


def test_negative_strengths_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        TimeMask(-1)


class TestWarp:
    sample = staticmethod(
        lambda limit, seed=0, shape=SHAPE: TimeWarp(limit).sample(
            shape, Generator().manual_seed(seed)
        )
    )

    @pytest.mark.parametrize("limit", [1, 6, 18, 500])
    def test_the_map_rises_and_keeps_the_ends(self, limit: int) -> None:
        source = self.sample(limit).source(torch.arange(39.0))
        assert bool((source.diff(dim=1) > 0).all())
        torch.testing.assert_close(source[:, 0], torch.zeros(64))
        torch.testing.assert_close(source[:, -1], torch.full((64,), 38.0))

    def test_it_moves_exactly_the_drawn_moment(self) -> None:
        warp = self.sample(6)
        for item in range(64):
            goal = (warp.point + warp.shift)[item]
            torch.testing.assert_close(warp.source(goal[None])[item, 0], warp.point[item])

    def test_moments_and_shifts_lie_where_specaugment_draws_them(self) -> None:
        warp = self.sample(6, shape=torch.Size((5000, 1, 1, 39)))
        assert 6 <= float(warp.point.min()) < 6.2
        assert 31.8 < float(warp.point.max()) <= 32
        assert 5.9 < float(warp.shift.abs().max()) <= 6
        assert abs(float(warp.shift.mean())) < 0.2

    def test_a_click_is_heard_where_it_was_moved_to(self) -> None:
        mel = torch.full((1, 1, 4, 39), -80.0)
        mel[..., 20] = 0
        warped = TimeWarp(6).apply(mel, Warp(torch.tensor([20.0]), torch.tensor([5.0]), 38.0))
        assert int(warped[0, 0, 0].argmax()) == 25

    def test_constants_stay_and_values_stay_between_their_neighbours(self) -> None:
        constant = torch.full(SHAPE, -33.0)
        torch.testing.assert_close(TimeWarp(6).apply(constant, self.sample(6)), constant)
        warped = TimeWarp(6).apply(picture(), self.sample(6))
        assert float(warped.min()) >= float(picture().min())
        assert float(warped.max()) <= float(picture().max())

    def test_on_a_coarser_grid_it_is_the_same_warp(self) -> None:
        """A ramp shows which moment each frame was taken from."""
        warp = TimeWarp(20).sample(torch.Size((1, 1, 1, 129)), Generator().manual_seed(2))
        fine = TimeWarp(20).apply(torch.arange(129.0).view(1, 1, 1, -1), warp)[0, 0, 0]
        coarse = TimeWarp(20).apply(
            4 * torch.arange(33.0).view(1, 1, 1, -1), warp, positions=4 * torch.arange(33.0)
        )
        torch.testing.assert_close(coarse[0, 0, 0], fine[::4], atol=0.5, rtol=0)

    @pytest.mark.parametrize("frames", [1, 2, 3])
    def test_pictures_with_no_moment_to_move_stay(self, frames: int) -> None:
        mel = picture(torch.Size((3, 1, 4, frames)))
        warped = TimeWarp(10).apply(mel, TimeWarp(10).sample(mel.shape, Generator().manual_seed(0)))
        assert warped.shape == mel.shape
        torch.testing.assert_close(warped[..., 0], mel[..., 0])


class TestNoise:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("ratio", [-20.0, 0.0, 12.5, 40.0])
    def test_the_measured_ratio_is_the_asked_one(self, kind: str, ratio: float) -> None:
        clean = torch.from_numpy(melody(4))
        added = BackgroundNoise(ratio, kind).mix(clean, 0.3, 22_050) - clean
        measured = 10 * torch.log10(clean.square().mean() / added.square().mean())
        assert float(measured) == pytest.approx(ratio, abs=0.1)

    @pytest.mark.parametrize("kind", KINDS)
    def test_power_added_to_the_picture_is_that_of_mixed_sound(self, kind: str) -> None:
        """Oracle: the mixed waveform through the front end. Single values differ by phase, means must not.

        In absolute dB: "below the maximum" hangs on a single value.
        """
        for front_end in (PAPER_FRONT_END, replace(GTZAN_FRONT_END, hop_length=512, reference=1.0)):
            clean = torch.from_numpy(melody(20))
            noise = BackgroundNoise(5.0, kind)
            heard = log_mel(noise.mix(clean, 0.25, 22_050), front_end)
            before = log_mel(clean, front_end)[None, None]
            added = noise.apply(before, torch.tensor([0.25]), front_end)[0, 0]
            assert float((added.mean(1) - heard.mean(1)).abs().mean()) < 1.0  # dB, mean over bands

    def test_pink_noise_falls_by_3_db_an_octave(self) -> None:
        power = np.abs(np.fft.rfft(noise_loop("pink", 22_050).numpy())) ** 2
        hertz = np.fft.rfftfreq(60 * 22_050, 1 / 22_050)
        octaves = [
            10 * np.log10(power[(hertz >= low) & (hertz < 2 * low)].mean())
            for low in (100, 200, 400, 800, 1600, 3200)
        ]
        assert np.diff(octaves) == pytest.approx(-3.01, abs=0.3)

    def test_noises_close_into_a_loop(self) -> None:
        """The step from the last sample to the first is no larger than steps elsewhere are."""
        for kind in ("white", "pink", "crowd"):
            noise = noise_loop(kind, 22_050)
            steps = noise.diff().abs()
            assert float((noise[0] - noise[-1]).abs()) <= float(
                steps.quantile(0.999) if len(steps) < 1e6 else steps.max()
            )

    def test_noise_louder_than_the_music_stays_below_0_db(self) -> None:
        loud = BackgroundNoise(-20.0).apply(picture(), torch.zeros(64), GTZAN_FRONT_END)
        assert float(loud.max()) <= 0
        assert float(loud.min()) >= -80

    def test_unknown_noise_is_refused(self) -> None:
        with pytest.raises(ValueError, match="one of white, pink, crowd, vinyl"):
            BackgroundNoise(10.0, "rain")


def test_all_keep_shape_type_and_input_and_an_item_does_not_depend_on_its_batch() -> None:
    mel = picture()
    before = mel.clone()
    for change in (TimeMask(15, 2), FrequencyMask(20), TimeWarp(6), BackgroundNoise(10.0, "pink")):
        drawn = change.sample(SHAPE, Generator().manual_seed(3))
        alone = change.sample(torch.Size((1, 1, 128, 39)), Generator().manual_seed(3))

        def run(item: torch.Tensor, how: object, change: object = change) -> torch.Tensor:
            last = GTZAN_FRONT_END if isinstance(change, BackgroundNoise) else -80.0
            return (
                change.apply(item, how)
                if isinstance(change, TimeWarp)
                else change.apply(item, how, last)
            )  # type: ignore[attr-defined]

        after = run(mel, drawn)
        assert (after.shape, after.dtype, after.device) == (mel.shape, mel.dtype, mel.device)
        assert torch.equal(mel, before)
        torch.testing.assert_close(run(mel[:1], alone), after[:1])
