"""Masks are where they were sampled, nowhere else, and the samples are SpecAugment's."""

import pytest
import torch
from torch import Generator

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.torchaudio_shim import torchaudio
from crnn.augment.masks import FrequencyMask, Spans, TimeMask
from crnn.augment.noise_mix import BackgroundNoise
from crnn.augment.time_warp import TimeWarp

SHAPE = torch.Size((64, 1, 128, 39))


def spectrogram(shape: torch.Size = SHAPE) -> torch.Tensor:
    return -60 * torch.rand(shape, generator=Generator().manual_seed(1))


@pytest.mark.parametrize(("mask", "axis"), [(TimeMask(15, 2), 3), (FrequencyMask(60, 1), 2)])
def test_masked_is_what_was_sampled(mask: TimeMask | FrequencyMask, axis: int) -> None:
    spans = mask.sample(SHAPE, Generator().manual_seed(0))
    before = spectrogram()
    after = mask.apply(before, spans, value=-80.0)
    for item in range(SHAPE[0]):
        expected = torch.zeros(SHAPE[axis], dtype=torch.bool)
        for start, width in zip(spans.start[item], spans.width[item], strict=True):
            expected[start : start + width] = True
        changed = (after[item, 0] == -80).all(dim=0 if axis == 3 else 1)
        assert torch.equal(changed, expected)
    unmasked = after != -80
    assert torch.equal(after[unmasked], before[unmasked])


def test_zero_strength_is_the_identity() -> None:
    for mask in (TimeMask(0), FrequencyMask(0), TimeMask(10, count=0)):
        spans = mask.sample(SHAPE, Generator().manual_seed(0))
        assert torch.equal(mask.apply(spectrogram(), spans, -80.0), spectrogram())


def test_equal_seeds_sample_equal_masks() -> None:
    one, other = (TimeMask(15, 2).sample(SHAPE, Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.start, other.start)
    assert torch.equal(one.width, other.width)


def test_masks_wider_than_the_picture_are_clamped_and_stay_inside() -> None:
    spans = TimeMask(1000).sample(SHAPE, Generator().manual_seed(0))
    assert int(spans.width.max()) <= 39
    assert int((spans.start + spans.width).max()) <= 39
    assert int(spans.start.min()) >= 0


def test_widths_are_distributed_as_torchaudios() -> None:
    """Mean masked width over many samples, against torchaudio's own time masking."""
    shape = torch.Size((4000, 1, 4, 100))
    ours = TimeMask(30).sample(shape, Generator().manual_seed(0)).width.float().mean()
    torch.manual_seed(0)
    theirs = (
        (torchaudio.functional.mask_along_axis_iid(torch.ones(shape), 30, 0.0, 3)[:, 0, 0] == 0)
        .sum(1)
        .float()
        .mean()
    )
    assert float(ours) == pytest.approx(float(theirs), abs=1.0)  # frames; both sample from 0 to 30


def test_overlapping_spans_are_one_mask() -> None:
    spans = Spans(torch.tensor([[2, 4]]), torch.tensor([[4, 3]]))
    assert spans.inside(torch.arange(10)).int().tolist() == [[0, 0, 1, 1, 1, 1, 1, 0, 0, 0]]


def test_negative_strengths_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        TimeMask(-1)


def test_all_keep_shape_type_and_input_and_an_item_does_not_depend_on_its_batch() -> None:
    mel = spectrogram()
    before = mel.clone()
    for change in (TimeMask(15, 2), FrequencyMask(20), TimeWarp(6), BackgroundNoise(10.0, "pink")):
        sampled = change.sample(SHAPE, Generator().manual_seed(3))
        alone = change.sample(torch.Size((1, 1, 128, 39)), Generator().manual_seed(3))

        def run(item: torch.Tensor, how: object, change: object = change) -> torch.Tensor:
            last = GTZAN_FRONT_END if isinstance(change, BackgroundNoise) else -80.0
            return (
                change.apply(item, how)
                if isinstance(change, TimeWarp)
                else change.apply(item, how, last)
            )  # type: ignore[attr-defined]

        after = run(mel, sampled)
        assert (after.shape, after.dtype, after.device) == (mel.shape, mel.dtype, mel.device)
        assert torch.equal(mel, before)
        torch.testing.assert_close(run(mel[:1], alone), after[:1])
