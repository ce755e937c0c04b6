"""Masks: what was drawn is what is masked, nothing else, and the widths are SpecAugment's."""

import pytest
import torch
from torch import Generator

from crnn._torchaudio import torchaudio
from crnn.augment import FrequencyMask, Spans, TimeMask

SHAPE = torch.Size((64, 1, 128, 39))


def picture(shape: torch.Size = SHAPE) -> torch.Tensor:
    return -60 * torch.rand(shape, generator=Generator().manual_seed(1))


@pytest.mark.parametrize(("mask", "axis"), [(TimeMask(15, 2), 3), (FrequencyMask(60, 1), 2)])
def test_masked_is_what_was_drawn(mask: TimeMask | FrequencyMask, axis: int) -> None:
    spans = mask.draw(SHAPE, Generator().manual_seed(0))
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
        spans = mask.draw(SHAPE, Generator().manual_seed(0))
        assert torch.equal(mask.apply(picture(), spans, -80.0), picture())


def test_equal_seeds_draw_equal_masks() -> None:
    one, other = (TimeMask(15, 2).draw(SHAPE, Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.start, other.start)
    assert torch.equal(one.width, other.width)


def test_masks_wider_than_the_picture_are_clamped_and_stay_inside() -> None:
    spans = TimeMask(1000).draw(SHAPE, Generator().manual_seed(0))
    assert int(spans.width.max()) <= 39
    assert int((spans.start + spans.width).max()) <= 39
    assert int(spans.start.min()) >= 0


def test_widths_are_distributed_as_torchaudios() -> None:
    """Mean masked width over many draws, against torchaudio's own time masking."""
    shape = torch.Size((4000, 1, 4, 100))
    ours = TimeMask(30).draw(shape, Generator().manual_seed(0)).width.float().mean()
    torch.manual_seed(0)
    theirs = (
        (torchaudio.functional.mask_along_axis_iid(torch.ones(shape), 30, 0.0, 3)[:, 0, 0] == 0).sum(1).float().mean()
    )
    assert float(ours) == pytest.approx(float(theirs), abs=1.0)  # frames; both draw from 0 to 30


def test_overlapping_spans_are_one_mask() -> None:
    spans = Spans(torch.tensor([[2, 4]]), torch.tensor([[4, 3]]))
    assert spans.inside(10).int().tolist() == [[0, 0, 1, 1, 1, 1, 1, 0, 0, 0]]


def test_negative_strengths_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        TimeMask(-1)
