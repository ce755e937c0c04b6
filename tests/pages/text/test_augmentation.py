"""What the Lab did, in sentences that match the sampled numbers."""

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.noise import KINDS
from crnn.augment.effects import (
    BandPass,
    Clipping,
    Codec,
    Equaliser,
    Gain,
    PitchShift,
    Reverberation,
    TimeStretch,
)
from crnn.augment.plan import (
    Plan,
    Strengths,
    Version,
    display_front_end,
    largest_shifts,
    sample,
)
from crnn.augment.robustness import Curve
from crnn.inference.prediction import Prediction
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
    assert set(content.load("lab")["noise"]) == {*KINDS, "own"}


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
    assert augmentation.robustness([curve]).startswith("Seconds. Genre: Hip-hop goes from 80%")
    assert augmentation.robustness([curve]).endswith(end)


def test_effects_and_noise_are_told_in_their_order() -> None:
    effects = (PitchShift(-2), BandPass(300, 3400), Codec("opus", 8))
    strengths = Strengths(snr_db=5.0, effects=effects, noise_after=1)
    assert augmentation.describe(plan(strengths)) == [
        "Pitch 2 semitones lower.",
        "White noise, 5 dB quieter than the music.",
        "Band-pass: 300 Hz–3.4 kHz.",
        "Opus at 8 kbit/s.",
    ]


def test_every_effect_has_a_sentence() -> None:
    kinds = [PitchShift(1), TimeStretch(1.2), Equaliser(6), Reverberation(1), BandPass(300, 3400)]
    more = [Gain(-6), Clipping(12), Codec("mp3", 32)]
    sentences = augmentation.describe(plan(Strengths(effects=(*kinds, *more))))
    assert len(set(sentences)) == 8
    assert all(sentence.endswith(".") for sentence in sentences)


def version(genre: tuple[float, ...], mood: tuple[float, ...]) -> Version:
    predictions = tuple(
        Prediction(task, labels, np.array([p]), np.zeros(1), 3.0, np.array(p))
        for task, labels, p in (("genre", ("metal", "hiphop"), genre), ("mood", ("sad",), mood))
    )
    return Version(torch.zeros(128, 39), FINE, predictions)


def test_the_outcome_says_what_changed_and_what_stayed() -> None:
    before, after = version((0.81, 0.19), (1.0,)), version((0.1, 0.9), (1.0,))
    assert augmentation.outcome(before, after) == (
        "**Genre** changes from **Metal** (81%) to **Hip-hop** (90%).  \n"
        "**Mood** stays **Sad** (100% as before)."
    )
    assert "(19%" not in augmentation.outcome(before, before)
    assert augmentation.shifts(largest_shifts(before, after, 5)).startswith("Largest changes: ")
