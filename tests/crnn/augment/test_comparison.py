"""Laws of the two networks that learn side by side."""

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import Parameter
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR

from crnn.audio.noise import NoiseLoop
from crnn.augment.comparison import (
    CROP,
    FRONT_END,
    SETS,
    Comparison,
    Split,
    augment,
    by_half,
    by_track,
    middle_crop,
    moments,
    update,
)
from crnn.augment.plan import Strengths
from tests.conftest import melody

MASKS = SETS["Equaliser and masks"]


def song(number: int, frames: int = 5 * CROP) -> Tensor:
    """A spectrogram that a network can tell from the others': a few bands of its own."""
    noise = torch.rand(FRONT_END.n_mels, frames, generator=Generator().manual_seed(number))
    mel = -60 + 10 * noise
    mel[16 * number : 16 * number + 8] += 40
    return mel


def trained(strengths: Strengths, steps: int = 6, seed: int = 0) -> Comparison:
    comparison = Comparison(by_half([song(0), song(1), song(2)]), strengths, seed, steps)
    while not comparison.done:
        comparison.advance()
    return comparison


def test_songs_that_differ_are_learned() -> None:
    first, *_, last = trained(MASKS, steps=30).history
    for network in range(2):
        assert last.training_loss[network] < first.training_loss[network] / 2
        assert last.validation[network] == 1


@pytest.mark.parametrize("steps", [2, 50])
def test_the_optimiser_is_pytorchs(steps: int) -> None:
    generator = Generator().manual_seed(0)
    mine, its = (Parameter(torch.ones(3, 5)) for _ in range(2))
    kept, optimiser = moments([mine]), AdamW([its], weight_decay=0.01)
    schedule = OneCycleLR(optimiser, max_lr=0.004, total_steps=steps)
    for step in range(steps):
        mine.grad = its.grad = torch.randn(3, 5, generator=generator)
        update(kept, step, steps)
        optimiser.step()
        schedule.step()
        torch.testing.assert_close(mine, its, rtol=1e-6, atol=0)
    assert not torch.equal(mine, torch.ones(3, 5))


def test_no_optimiser_loads_pytorchs_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Optimizer, "__init__", None)  # which adding parameters imports
    trained(MASKS, steps=1)


def test_without_any_augmentation_both_networks_are_the_same() -> None:
    plain, augmented = trained(Strengths()).networks
    for a, b in zip(plain.parameters(), augmented.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_network_without_augmentation_does_not_depend_on_it() -> None:
    one, other = (trained(strengths) for strengths in (MASKS, Strengths(snr_db=0.0)))
    for name in ("training_loss", "validation_loss"):
        mine, its = getattr(one.history[-1], name), getattr(other.history[-1], name)
        assert mine[0] == its[0]
        assert mine[1] != its[1]


def test_noise_of_a_recording_is_learned_with_like_any_other() -> None:
    loop = NoiseLoop.from_samples("mine.wav", melody(2), FRONT_END.sample_rate)
    own, again, white = (
        trained(Strengths(snr_db=10.0, noise=noise), steps=2).history[-1].validation_loss
        for noise in (loop, loop, "white")
    )
    assert own == again
    assert own[0] == white[0]
    assert own[1] != white[1]


def test_equal_seeds_equal_networks() -> None:
    one, other, third = (trained(MASKS, seed=seed).history[-1] for seed in (3, 3, 4))
    assert one.validation_loss == other.validation_loss != third.validation_loss


def test_no_frame_is_in_training_and_validation() -> None:
    frames = 10 * CROP + 7
    numbers = torch.arange(frames, dtype=torch.float32).expand(FRONT_END.n_mels, -1)
    comparison = Comparison(by_half([numbers, numbers]), MASKS)
    batches = torch.cat([comparison.batch()[0].unique() for _ in range(30)])
    learned = torch.cat([batches, comparison.training[0].unique()])
    overlap = FRONT_END.n_fft / FRONT_END.hop_length  # frames that share samples
    assert comparison.validation[0].min() - learned.max() >= overlap
    crop, start = comparison.held_out(1)
    assert comparison.validation[1][crop] == 1
    first = float(comparison.validation[0][crop].min())
    assert start == pytest.approx(first * FRONT_END.hop_seconds)


@pytest.mark.parametrize("strengths", [*SETS.values(), Strengths(time_warp=20)], ids=str)
def test_augmenting_keeps_shape_and_range_and_repeats(strengths: Strengths) -> None:
    mel = torch.stack([song(0, CROP), song(1, CROP)]).unsqueeze(1)
    one, again = (augment(mel, strengths, Generator().manual_seed(1)) for _ in range(2))
    assert one.shape == mel.shape
    assert torch.equal(one, again)
    assert not torch.equal(one, mel)
    assert bool(one.isfinite().all())
    assert one.min() >= -FRONT_END.top_db
    assert torch.equal(augment(mel, Strengths(), Generator()), mel)


@pytest.mark.parametrize("songs", [[song(0)], [song(0), song(1, CROP)]])
def test_too_little_music(songs: list[Tensor]) -> None:
    with pytest.raises(ValueError, match="two classes or more"):
        Comparison(by_half(songs), MASKS)


def tagged(tracks: int, first: float, frames: int = 5 * CROP) -> list[Tensor]:
    """Tracks whose every value is their number, from `first` on."""
    return [torch.full((FRONT_END.n_mels, frames + n), first + n) for n in range(tracks)]


@pytest.mark.parametrize(("sizes", "held_out"), [((4, 4), 2), ((4, 9, 30), 2), ((9, 12), 3)])
def test_no_track_is_in_training_and_validation(sizes: tuple[int, ...], held_out: int) -> None:
    classes = [tagged(size, 100.0 * label) for label, size in enumerate(sizes)]
    split = by_track(classes)
    comparison = Comparison(split, MASKS)
    batches = [comparison.batch() for _ in range(40)]
    learned = {*torch.cat([crops for crops, _ in batches]).unique().tolist()}
    evaluated = {*comparison.validation[0].unique().tolist()}
    assert learned.isdisjoint(evaluated)
    assert {*comparison.training[0].unique().tolist()} <= learned
    assert learned | evaluated == {float(mel[0, 0]) for each in classes for mel in each}
    for label, size in enumerate(sizes):
        assert sum(each.label == label for each in split.validation) == held_out
        assert sum(each.label == label for each in split.training) == size - held_out
    for crops, labels in [*batches, comparison.training, comparison.validation]:
        assert torch.equal((crops[:, 0, 0, 0] // 100).long(), labels)
    counts = torch.cat([labels for _, labels in batches]).bincount()
    assert int(counts.max() - counts.min()) <= len(batches)
    for number, excerpt in enumerate(split.validation):
        crop, start = comparison.held_out(number)
        assert comparison.validation[0][crop, 0, 0, 0] == excerpt.mel[0, 0]
        assert start == pytest.approx(middle_crop(excerpt.mel) * CROP * FRONT_END.hop_seconds)
    same, other = by_track(classes), by_track(classes, seed=1)
    assert tracks_of(same) == tracks_of(split) != tracks_of(other)


def test_too_few_tracks() -> None:
    with pytest.raises(ValueError, match="4 tracks or more of each class"):
        by_track([tagged(4, 0.0), tagged(3, 100.0)])


def tracks_of(split: Split) -> list[float]:
    return [float(each.mel[0, 0]) for each in split.validation]


def test_many_tracks_take_no_longer_to_evaluate() -> None:
    comparison = Comparison(by_track([tagged(30, 0.0, 20 * CROP), tagged(30, 100.0)]), MASKS)
    assert 200 <= len(comparison.training[1]) < 400
