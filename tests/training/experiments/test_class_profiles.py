"""Portraits of sounds whose spectrum and modulation are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.audio.front_end import GTZAN_FRONT_END, band_frequencies
from crnn.audio.mel import log_mel
from training.cli import main
from training.data.collection import Collection
from training.data.feature_store import FeatureStore
from training.experiments.class_profiles import (
    GROUP,
    class_profiles,
    modulation_frequencies,
    track_profile,
)

RATE = 22_050


def trembling(hertz: float, times: float, seconds: float = 20) -> np.ndarray:
    """A tone whose loudness rises and falls so many times a second, over soft steady noise: [T]."""
    time = np.arange(int(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).standard_normal(len(time))
    tone = (1 + 0.5 * np.sin(2 * np.pi * times * time)) * np.sin(2 * np.pi * hertz * time)
    return np.asarray(0.3 * tone + 0.001 * noise, dtype=np.float32)


@pytest.mark.parametrize("hertz", [440.0, 3000.0])
@pytest.mark.parametrize("times", [1.0, 2.5, 5.0])
def test_a_trembling_tone_peaks_at_its_band_and_its_rate(hertz: float, times: float) -> None:
    drawn = track_profile(
        log_mel(trembling(hertz, times), GTZAN_FRONT_END).double().numpy(), GTZAN_FRONT_END
    )
    rates, bands = modulation_frequencies(GTZAN_FRONT_END), band_frequencies(GTZAN_FRONT_END)
    band = int(np.abs(bands - hertz).argmin())
    assert abs(int(drawn.spectrum.argmax()) - band) <= 1
    row, column = np.unravel_index(int(drawn.map.argmax()), drawn.map.shape)
    assert rates[int(column)] == pytest.approx(times, abs=rates[0])  # a step of the frequencies
    assert abs(int(row) - band // GROUP) <= 1


def test_loudness_drops_out_and_stillness_does_not_fluctuate() -> None:
    mel = log_mel(trembling(440, 2), replace(GTZAN_FRONT_END, reference=1.0)).double().numpy()
    one, louder = track_profile(mel, GTZAN_FRONT_END), track_profile(mel + 12, GTZAN_FRONT_END)
    assert np.allclose(one.spectrum, louder.spectrum)
    assert np.allclose(one.map, louder.map)
    assert one.spectrum.mean() == pytest.approx(0)
    still = track_profile(np.tile(np.linspace(-60, 0, 128)[:, None], 100), GTZAN_FRONT_END)
    assert still.swing == pytest.approx(0)
    assert still.map.max() == still.map.min() == pytest.approx(-2)


def test_power_under_the_modulation_spectrum_is_the_variance() -> None:
    """Parseval: white fluctuation of variance v has v as the area under its density."""
    random = np.random.default_rng(1)
    drawn = track_profile(-40 + 3 * random.standard_normal((128, 2000)), GTZAN_FRONT_END)
    rates = modulation_frequencies(GTZAN_FRONT_END)
    assert (10**drawn.modulation).mean() * rates[-1] == pytest.approx(9, rel=0.08)
    assert drawn.swing == pytest.approx(3, rel=0.02)


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="64 frames"):
        track_profile(np.zeros((128, 63)), GTZAN_FRONT_END)


def test_copies_count_once_and_short_tracks_not() -> None:
    random = np.random.default_rng(2)
    mels = [-40 + random.standard_normal((128, frames)) for frames in (80, 80, 80, 80, 50)]
    toy = Collection(
        "toy",
        ("a", "b"),
        GTZAN_FRONT_END,
        tuple("vwxyz"),
        np.array([0, 0, 0, 1, 0]),
        tuple("ppqrs"),
        FeatureStore.from_mels(mels),
    )
    assert {
        label: found["tracks"]
        for label, found in class_profiles(toy, without_duplicates=True).items()
    } == {"a": 2}
    assert class_profiles(toy, without_duplicates=False)["a"]["tracks"] == 3


def test_the_command_writes_what_the_page_reads(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four-second clips are too short for any class; an empty folder is an error in one line."""
    assert (
        main(["portraits", "--data", str(data), "--runs", str(tmp_path), "--out", str(tmp_path)])
        == 0
    )
    table = json.loads((tmp_path / "portraits.json").read_text())
    assert set(table["classes"]) == {"genre", "mood"}
    assert table["front_end"] == GTZAN_FRONT_END.to_dict()
    assert len(table["hertz"]) == 128
    (tmp_path / "empty").mkdir()
    assert main(["portraits", "--data", str(tmp_path / "empty"), "--runs", str(tmp_path)]) == 1
    assert "No GTZAN" in capsys.readouterr().err
