"""SpecAugment's policies keep their seconds and their part of the bands on any front end."""

import pytest

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.augment.plan import sample
from crnn.augment.policies import POLICIES


@pytest.mark.parametrize(
    "front_end", [GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd(16_000, n_mels=80)]
)
@pytest.mark.parametrize("name", POLICIES)
def test_masks_and_shifts_stay_within_the_policy(front_end: FrontEnd, name: str) -> None:
    policy = POLICIES[name]
    for seed in range(30):
        plan = sample(policy.strengths(front_end, 3.0, seed), 3.0, front_end)
        (piece,) = plan.pieces
        longest = min(policy.T / 100, policy.p * 3.0)
        assert len(piece.time_masks) <= policy.masks
        assert all(end - start <= longest + 1e-9 for start, end in piece.time_masks)
        assert all(
            high - low <= policy.F / 80 * front_end.n_mels + 0.5 for low, high in plan.bands(piece)
        )
        if piece.warp is not None:
            assert abs(piece.warp[1] - piece.warp[0]) <= policy.W / 100 + plan.hop_seconds


def test_on_its_own_grid_the_numbers_are_the_tables() -> None:
    """At 51.2 kHz a hop of 512 samples is 10 ms."""
    speech = FrontEnd(51_200, n_mels=80)
    strengths = POLICIES["LD"].strengths(speech, 10.0)
    assert (strengths.time_warp, strengths.frequency_mask, strengths.time_mask) == (80, 27, 100)
    assert POLICIES["SM"].strengths(speech, 2.0).time_mask == 40  # 0.2 of 200 frames
