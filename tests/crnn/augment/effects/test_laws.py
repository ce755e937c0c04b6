"""What holds for every effect: shape, type, no NaN, batches, seeds, nothing at zero strength."""

from typing import Any

import pytest
import torch

from crnn.augment.effects import (
    BandPass,
    Clipping,
    Codec,
    CutMix,
    Effect,
    Equaliser,
    Gain,
    MixStyle,
    Mixup,
    PitchShift,
    Recording,
    Reverberation,
    TimeStretch,
)
from tests.conftest import melody

RATE = 22_050
OTHER = Recording("Other", torch.from_numpy(melody(0.3)).flip(0))
ZERO = [
    *[Gain(0), BandPass(), BandPass(0, 30_000), Clipping(0), Reverberation(0), PitchShift(0)],
    *[TimeStretch(1), Equaliser(0), Mixup(OTHER, 0), CutMix(OTHER, 0), MixStyle(OTHER, 0)],
]
STRONG = [
    *[Gain(-12), BandPass(300, 3400), Clipping(20), Reverberation(0.7, seed=1), PitchShift(-3.5)],
    *[TimeStretch(0.8), TimeStretch(1.3), Equaliser(12, seed=2), Codec("mp3", 32)],
    *[Codec("opus", 12), Mixup(OTHER, 0.4), CutMix(OTHER, 0.5, seed=1), MixStyle(OTHER, 0.5)],
]


def batch(seconds: float = 0.5) -> torch.Tensor:
    """A melody, its half, silence: [3, T]."""
    sound = torch.from_numpy(melody(seconds))
    return torch.stack([sound, sound.flip(0) / 2, torch.zeros_like(sound)])


@pytest.mark.parametrize("effect", ZERO, ids=str)
def test_zero_strength_is_the_identity(effect: Effect) -> None:
    torch.testing.assert_close(effect.apply(batch(), RATE), batch(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("effect", STRONG, ids=str)
def test_a_batch_is_its_items_and_equal_seeds_give_equal_results(effect: Effect) -> None:
    sounds = batch()
    together = effect.apply(sounds.clone(), RATE)
    assert together.shape == sounds.shape
    assert together.dtype == sounds.dtype
    assert not torch.equal(together[0], sounds[0])
    for sound, augmented in zip(sounds, together, strict=True):
        torch.testing.assert_close(effect.apply(sound, RATE), augmented, atol=1e-5, rtol=0)
    again = type(effect)(**vars(effect))
    assert torch.equal(again.apply(sounds, RATE), together)


@pytest.mark.parametrize("effect", STRONG, ids=str)
@pytest.mark.parametrize("count", [1, 300, 5000])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_any_length_and_rate_gives_finite_numbers(effect: Effect, count: int, rate: int) -> None:
    for sound in (torch.zeros(count), 3 * torch.from_numpy(melody(0.5))[:count]):
        augmented = effect.apply(sound, rate)
        assert augmented.shape == sound.shape
        assert bool(torch.isfinite(augmented).all())


@pytest.mark.parametrize("kind", [Equaliser, Reverberation])
def test_another_seed_is_another_sample(kind: Any) -> None:
    assert not torch.equal(
        kind(3, seed=0).apply(batch(), RATE), kind(3, seed=1).apply(batch(), RATE)
    )


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        *[(Gain, (61,)), (Gain, (float("nan"),)), (BandPass, (500, 400)), (BandPass, (-1,))],
        *[(Clipping, (-1,)), (Reverberation, (11,)), (PitchShift, (13,)), (TimeStretch, (0,))],
        *[(Equaliser, (-1,)), (Codec, ("mp3", 33)), (Codec, ("aac", 32))],
        *[(Mixup, (OTHER, 1.1)), (CutMix, (OTHER, float("nan"))), (MixStyle, (OTHER, -0.1))],
    ],
)
def test_a_strength_out_of_bounds_is_one_sentence(kind: Any, strength: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"is needed|has to go up"):
        kind(*strength)
