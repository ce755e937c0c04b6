"""Silence weighs nothing: with it before, inside or after a song, predictions are the song's."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.audio.mel import log_mel
from crnn.audio.silence import (
    audible_mask,
    remove_silence,
    runs,
    silent_intervals,
    zero_silence_and_align,
)
from crnn.baseline import features
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.model import ood
from crnn.model.checkpoint import Checkpoint
from crnn.sources.examples import EXAMPLES
from tests.conftest import encode, melody

RATE = 22_050


def zeros(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def dither(seconds: float) -> np.ndarray:
    """One bit of 16, as a silence that was dithered has."""
    steps = np.random.default_rng(0).integers(-1, 2, round(seconds * RATE))
    return np.asarray(steps / 32_768, dtype=np.float32)


def around(sound: np.ndarray, silence: Callable[[float], np.ndarray] = zeros) -> np.ndarray:
    return np.concatenate([silence(5), sound, silence(30)])


@given(st.lists(st.booleans(), max_size=40))
def test_runs_are_the_true_values(values: list[bool]) -> None:
    mask = np.array(values, dtype=bool)
    found = runs(mask)
    assert [i for first, end in found for i in range(first, end)] == np.flatnonzero(mask).tolist()
    assert all(a[1] < b[0] for a, b in pairwise(found))


@pytest.mark.parametrize("silence", [zeros, dither])
def test_stretches_begin_and_end_with_the_sound(silence: Callable[[float], np.ndarray]) -> None:
    sound = melody(3)
    first, last = np.flatnonzero(np.abs(sound) >= 1e-4)[[0, -1]]
    (a, b), (c, d) = silent_intervals(around(sound, silence), RATE)
    assert (a, b, d) == (0, 5 * RATE + first, 38 * RATE)
    assert 0 <= c - (5 * RATE + last) <= 0.011 * RATE
    np.testing.assert_array_equal(
        remove_silence(around(sound, silence), RATE)[: len(sound) // 2],
        sound[first:][: len(sound) // 2],
    )


def test_pauses_and_low_levels_are_music() -> None:
    pause = np.concatenate([melody(2), zeros(0.9), melody(2)])
    assert silent_intervals(pause, RATE) == []
    assert zero_silence_and_align(pause, GTZAN_FRONT_END) is pause
    assert silent_intervals(1e-5 * melody(9), RATE) == []  # all below −80 dBFS
    soft = np.concatenate([melody(3), 2e-3 * melody(3)])  # −54 dB
    assert silent_intervals(soft, RATE) == []
    assert silent_intervals(1e-3 * soft, RATE) == []


@pytest.mark.parametrize("front_end", [GTZAN_FRONT_END, PAPER_FRONT_END])
def test_a_song_after_silence_has_the_same_spectrogram(front_end: FrontEnd) -> None:
    sound = np.ones(4 * RATE, np.float32) * np.random.default_rng(0).normal(size=4 * RATE)
    sound = np.asarray(0.1 * sound + 0.2, dtype=np.float32)
    plain, mel = log_mel(sound, front_end), log_mel(around(sound), front_end)
    assert mel.shape[1] == 39 * RATE // front_end.hop_length + 1
    ((first, end),) = runs(audible_mask(mel, front_end))
    assert first == 5 * RATE // front_end.hop_length
    assert abs(end - first - plain.shape[1]) <= 1
    inside = slice(first + 2, first + plain.shape[1] - 2)
    np.testing.assert_allclose(mel[:, inside], plain[:, 2:-2], atol=2e-3)
    assert audible_mask(plain, front_end).all()
    assert audible_mask(plain[:, :1].repeat(1, 90), front_end).all()


@pytest.mark.parametrize("silence", [zeros, dither])
def test_predictions_and_embedding_are_those_of_the_song_alone(
    tiny: Checkpoint, silence: Callable[[float], np.ndarray]
) -> None:
    classifier, sound = Classifier(tiny), melody(11)
    sound[0] = 0.3  # where the song begins
    waveform, padded = decode_and_predict(encode(around(sound, silence)), [classifier])
    plain = decode_and_predict(encode(sound), [classifier])[1]
    (one,), (other,) = plain.predictions, padded.predictions
    np.testing.assert_allclose(other.overall, one.overall, atol=2e-3)
    np.testing.assert_allclose(other.starts[:-1] - other.starts[0], one.starts[:-1], atol=1e-6)
    np.testing.assert_allclose(
        classifier.embedding(padded.mel), classifier.embedding(plain.mel), atol=1e-2
    )
    assert waveform.notices[-1].startswith("35.0 s of 46.0 s are")
    assert not one.silent
    (zero, start), (end, last) = other.silent
    assert (zero, start, end) == pytest.approx((0, 5, 16), abs=0.1)
    assert last >= 46
    timeline = other.timeline()
    middles = (timeline.edges[:-1] + timeline.edges[1:]) / 2
    assert timeline.audible.tolist() == [bool(start < t < end) for t in middles]
    np.testing.assert_allclose(timeline.probabilities.sum(axis=1), timeline.audible)


def test_a_gap_parts_the_segments(tiny: Checkpoint) -> None:
    """No segment reaches into it; each side weighs what it lasts."""
    sound = np.concatenate([melody(9), zeros(4), melody(5, seed=1), zeros(3), melody(1, seed=2)])
    mel = log_mel(sound, GTZAN_FRONT_END)
    audible, classifier = audible_mask(mel, GTZAN_FRONT_END), Classifier(tiny)
    segments = classifier.plan(mel.shape[1], audible=audible)
    covered = np.zeros(len(audible), dtype=int)
    for start, end in zip(segments.starts, segments.ends, strict=True):
        covered[start:end] += 1
    assert ((covered > 0) == audible).all()
    assert sum(segments.weights) == pytest.approx(1)
    assert not segments.repeated
    parts = runs(audible)
    for first, end in parts:
        own = [
            w for s, w in zip(segments.starts, segments.weights, strict=True) if first <= s < end
        ]
        assert sum(own) == pytest.approx((end - first) / audible.sum())
    assert len(parts) == 3


def test_features_of_the_svm_leave_silence_out() -> None:
    sound = melody(4)
    sound[0] = 0.3
    plain, padded = features.extract(sound), features.extract(around(sound))
    for name in ("rms_mean", "spectral_centroid_mean", "mfcc1_mean", "chroma_stft_mean"):
        assert padded[name] == pytest.approx(plain[name], rel=0.01)


def test_hardly_any_sound_is_still_scored(tiny: Checkpoint) -> None:
    """A click in silence: all of it is analysed, or there would be nothing."""
    sound = zeros(20)
    sound[9 * RATE] = 0.5
    mel = log_mel(sound, GTZAN_FRONT_END)
    found = ood.features(mel, GTZAN_FRONT_END)
    assert found is not None
    assert len(found) > 1
    assert np.isfinite(features.extract(sound)["mfcc1_mean"])
    prediction = Classifier(tiny).predict(mel)
    assert not prediction.silent
    assert prediction.overall.sum() == pytest.approx(1)


def test_the_bundled_networks_name_the_same_class_after_silence() -> None:
    classifiers = [Classifier(Checkpoint.load(name)) for name in ("genre", "mood")]
    for example in list(EXAMPLES.values())[:2]:
        sound = decode(example.file).samples[: 15 * RATE]
        sound = sound[np.flatnonzero(np.abs(sound) > 1e-3)[0] :]
        plain, padded = (
            decode_and_predict(encode(each), classifiers)[1].predictions
            for each in (sound, around(sound))
        )
        for one, other in zip(plain, padded, strict=True):
            assert np.abs(one.overall - other.overall).sum() / 2 <= 0.02
            assert one.ranked()[0][0] == other.ranked()[0][0]
            assert one.ood is not None
            assert other.ood is not None
            assert other.ood.score == pytest.approx(one.ood.score, abs=0.1)
