"""What the Lab did, in sentences that match the sampled numbers."""

import pytest

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.noise import KINDS
from crnn.augment.plan import Plan, Strengths, display_front_end, sample
from crnn.augment.robustness import Curve
from pages.text import augmentation, content

FINE = display_front_end(GTZAN_FRONT_END)
ALL = Strengths(time_mask=50, frequency_mask=60, time_warp=20, snr_db=10.0, noise="pink", seed=3)


def plan(strengths: Strengths, seconds: float = 3.0) -> Plan:
    return sample(strengths, seconds, FINE)


def test_each_augmentation_has_a_sentence_with_its_numbers() -> None:
    sampled = plan(ALL)
    (piece,) = sampled.pieces
    (start, end), (first, last) = piece.time_masks[0], sampled.bands(piece)[0]
    noise, warp, frequency, time = augmentation.describe(sampled, start=6.0)
    assert noise == "Pink noise, 10 dB quieter than the music."
    assert piece.warp is not None
    assert warp == f"{6 + piece.warp[0]:.2f} s moved to {6 + piece.warp[1]:.2f} s."
    assert f"({last - first} mel bands)" in frequency
    assert time.startswith(f"Masked {6 + start:.2f}–{6 + end:.2f} s (")
    assert warp[:-1] in augmentation.warp_map(sampled, 6.0)


def test_of_several_segments_the_first_is_described() -> None:
    assert augmentation.describe(plan(ALL, 30.0))[-1].endswith("(first of 10 segments).")


@pytest.mark.parametrize(("snr", "words"), [(-5.0, "5 dB louder than"), (0.0, "as loud as")])
def test_noise_louder_than_the_music_is_called_so(snr: float, words: str) -> None:
    assert words in augmentation.describe(plan(Strengths(snr_db=snr)))[0]


def test_every_noise_has_a_title() -> None:
    assert set(content.load("lab")["noise"]) == set(KINDS)


def test_a_width_of_zero_is_explained() -> None:
    plans = (plan(Strengths(time_mask=2, seed=seed)) for seed in range(500))
    empty = next(sampled for sampled in plans if not sampled.pieces[0].time_masks)
    assert augmentation.describe(empty) == [
        "The random size of the time mask was 0; press Randomise."
    ]


def test_what_has_no_room_is_mentioned() -> None:
    large = Strengths(time_mask=500, frequency_mask=500, time_warp=500)
    assert len(augmentation.clipped(plan(large))) == 3
    assert augmentation.clipped(plan(ALL)) == []


@pytest.mark.parametrize(
    ("mean", "end"),
    [((0.8, 0.5, 0.3), "to 30%, below half of it at 2."), ((0.8, 0.9), "never below half of it.")],
)
def test_a_curve_tells_where_it_halves(mean: tuple[float, ...], end: str) -> None:
    curve = Curve("genre", "hiphop", "Seconds", ("0", "1", "2")[: len(mean)], mean, mean, mean)
    assert augmentation.robustness([curve]).startswith("Seconds. genre: Hip-hop goes from 80%")
    assert augmentation.robustness([curve]).endswith(end)
