"""Laws of the hand-made features; librosa over the whole sound, and plain formulas, as oracles."""

import librosa
import numpy as np
import pytest

from crnn.baseline.features import NAMES, SAMPLE_RATE, extract
from crnn.errors import AudioError
from tests.conftest import melody


def tone(hertz: float, seconds: float = 3.0, amplitude: float = 0.5) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def noise(seconds: float = 3.0, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE))).astype(
        np.float32
    )


@pytest.mark.parametrize(
    "sound", [melody(7.3), noise(2.0), melody(14.1, seed=3)], ids=["7 s", "noise", "14 s"]
)
def test_librosa_on_the_whole_sound_says_the_same(sound: np.ndarray) -> None:
    """Blocks, seams and tuning: one call over the whole sound, ends mirrored, is the oracle."""
    mirrored = {"y": sound, "pad_mode": "reflect"}
    measure = librosa.feature
    cepstrum = measure.mfcc(**mirrored, n_mfcc=20)
    theirs = {
        "chroma_stft": measure.chroma_stft(**mirrored),
        "rms": measure.rms(**mirrored),
        "spectral_centroid": measure.spectral_centroid(**mirrored),
        "spectral_bandwidth": measure.spectral_bandwidth(**mirrored),
        "rolloff": measure.spectral_rolloff(**mirrored),
        "zero_crossing_rate": measure.zero_crossing_rate(sound),
        **{f"mfcc{i + 1}": cepstrum[i] for i in range(20)},
    }
    ours = extract(sound)
    for name, series in theirs.items():
        assert ours[f"{name}_mean"] == pytest.approx(series.mean(), rel=1e-4, abs=1e-5), name
        assert ours[f"{name}_var"] == pytest.approx(series.var(), rel=1e-4, abs=1e-7), name


def test_flux_is_the_squared_distance_of_unit_spectra() -> None:
    sound = melody(14.1)  # two blocks and a seam between them
    spectra = np.abs(librosa.stft(sound, pad_mode="reflect")).astype(np.float64)
    cosine = (spectra[:, 1:] * spectra[:, :-1]).sum(axis=0)
    cosine /= np.linalg.norm(spectra[:, 1:], axis=0) * np.linalg.norm(spectra[:, :-1], axis=0)
    found = extract(sound)
    assert found["spectral_flux_mean"] == pytest.approx(np.mean(2 - 2 * cosine), rel=1e-4)
    assert found["spectral_flux_var"] == pytest.approx(np.var(2 - 2 * cosine), rel=1e-4)


@pytest.mark.parametrize("hertz", [440.0, 1000.0, 5000.0])
def test_a_tones_centroid_is_its_frequency(hertz: float) -> None:
    found = extract(tone(hertz))
    assert found["spectral_centroid_mean"] == pytest.approx(hertz, rel=0.02)
    assert found["rolloff_mean"] == pytest.approx(hertz, abs=2 * SAMPLE_RATE / 2048)  # two bins
    assert found["zero_crossing_rate_mean"] == pytest.approx(2 * hertz / SAMPLE_RATE, rel=0.02)
    assert found["rms_mean"] == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_85_percent_of_white_noise_lies_below_85_percent_of_the_band() -> None:
    found = extract(noise())
    assert found["rolloff_mean"] == pytest.approx(0.85 * SAMPLE_RATE / 2, rel=0.01)
    assert found["spectral_centroid_mean"] == pytest.approx(SAMPLE_RATE / 4, rel=0.02)
    assert found["zero_crossing_rate_mean"] == pytest.approx(0.5, abs=0.01)


def test_only_what_depends_on_level_changes_with_it() -> None:
    once, twice = extract(0.4 * melody(4)), extract(0.8 * melody(4))
    for name in NAMES:
        if name.startswith("rms"):
            assert twice[name] == pytest.approx(
                once[name] * (2 if name.endswith("mean") else 4), rel=1e-4
            )
        elif (
            name == "mfcc1_mean"
        ):  # the DCT's first: the sum of 128 bands over √128, each 6.02 dB more
            assert twice[name] - once[name] == pytest.approx(
                20 * np.log10(2) * np.sqrt(128), abs=0.01
            )
        else:
            assert twice[name] == pytest.approx(once[name], rel=1e-3, abs=1e-4), name


def test_a_steady_tone_has_no_flux_and_noise_has() -> None:
    assert extract(tone(1000))["spectral_flux_mean"] < 0.02
    assert 0.2 < extract(noise())["spectral_flux_mean"] < 1


def test_silence_inside_a_track_is_no_division_by_zero() -> None:
    sound = np.concatenate([tone(440), np.zeros(3 * SAMPLE_RATE, np.float32), tone(880)])
    assert np.isfinite(list(extract(sound).values())).all()


def test_silence_is_said_to_be_silence() -> None:
    with pytest.raises(AudioError, match="silent"):
        extract(np.zeros(SAMPLE_RATE, np.float32))


@pytest.mark.parametrize("shape", [(2047,), (2, SAMPLE_RATE), (0,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 2048"):
        extract(np.ones(shape, np.float32))


@pytest.mark.parametrize("samples", [2048, 2205, 5000])
def test_the_shortest_sounds_have_all_features(samples: int) -> None:
    found = extract(noise(1)[:samples])
    assert tuple(found) == NAMES
    assert np.isfinite(list(found.values())).all()


def test_blocks_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = extract(melody(7.3))
    monkeypatch.setattr("crnn.baseline.features._BLOCK_FRAMES", 7)
    for name, value in extract(melody(7.3)).items():
        assert value == pytest.approx(whole[name], rel=1e-5, abs=1e-7), name
