"""Every frame is covered, and equal segments average to themselves."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crnn.model.segments import cut_segments, plan_segments, pool_segments

sizes = st.integers(1, 400)


@given(n_frames=sizes, width=st.integers(1, 60), data=st.data())
def test_every_frame_is_in_a_segment_and_the_weights_sum_to_one(
    n_frames: int, width: int, data: st.DataObject
) -> None:
    hop = data.draw(st.integers(1, width))
    segments = plan_segments(n_frames, width, hop)
    covered = {start + i for start in segments.starts for i in range(width)}
    assert set(range(n_frames)) <= covered
    assert sum(segments.weights) == pytest.approx(1)
    assert all(weight > 0 for weight in segments.weights)


def test_the_tail_counts_for_what_is_new_in_it() -> None:
    segments = plan_segments(n_frames=25, width=10)
    assert segments.starts == (0, 10, 15)
    assert segments.weights == pytest.approx((0.4, 0.4, 0.2))


@given(n_frames=st.integers(1, 9))
def test_a_short_track_is_repeated_and_says_so(n_frames: int) -> None:
    mel = torch.arange(n_frames, dtype=torch.float32).repeat(3, 1)
    segments = plan_segments(n_frames, width=10)
    assert segments.repeated
    segment = cut_segments(mel, segments)
    assert segment.shape == (1, 1, 3, 10)
    assert segment[0, 0, 0].tolist() == [i % n_frames for i in range(10)]


def test_parts_between_pauses_are_repeated_each() -> None:
    audible = np.array([1] * 4 + [0] * 3 + [1] * 9 + [0] * 2, dtype=bool)
    assert plan_segments(18, width=10, audible=audible).repeated
    assert not plan_segments(18, width=9, audible=audible).repeated


def test_cut_takes_the_planned_frames() -> None:
    mel = torch.arange(25, dtype=torch.float32).repeat(4, 1)
    segments_cut = cut_segments(mel, plan_segments(25, 10))
    assert segments_cut.shape == (3, 1, 4, 10)
    assert segments_cut[:, 0, 0, 0].tolist() == [0, 10, 15]
    torch.testing.assert_close(
        cut_segments(mel, plan_segments(25, 10), first=1, last=2), segments_cut[1:2]
    )


@given(n_frames=sizes)
def test_identical_segments_aggregate_to_themselves(n_frames: int) -> None:
    segments = plan_segments(n_frames, width=7)
    row = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(
        pool_segments(np.tile(row, (len(segments.starts), 1)), segments), row
    )


@pytest.mark.parametrize(("n_frames", "width", "hop"), [(0, 5, 5), (5, 0, 1), (5, 5, 6), (5, 5, 0)])
def test_impossible_plans_are_refused(n_frames: int, width: int, hop: int) -> None:
    with pytest.raises(ValueError, match="required"):
        plan_segments(n_frames, width, hop)


@pytest.mark.parametrize("audible", [[False] * 9, [True] * 8])
def test_a_mask_of_another_length_or_of_nothing_is_refused(audible: list[bool]) -> None:
    with pytest.raises(ValueError, match="required: 9 frames"):
        plan_segments(9, 3, audible=np.array(audible))
