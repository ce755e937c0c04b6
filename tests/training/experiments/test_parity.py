"""Parity with published spectrograms: no more apart than their quantisation, where they agree."""

from pathlib import Path

import numpy as np
import pytest
import torch

from crnn.audio.mel import mel_power
from tests.conftest import encode, melody
from training.data.collection import HOP_1024, DataError
from training.experiments.parity import measure


def publish(folder: Path, samples: np.ndarray, off_by: int) -> None:
    """A clip as audio and as 128 steps of mels_1024.npz, every other column off by some steps."""
    (folder / "gtzan/audio/jazz").mkdir(parents=True)
    (folder / "gtzan/audio/jazz/jazz.00000.flac").write_bytes(encode(samples, kind="FLAC"))
    decibels = 10 * torch.log10(mel_power(samples, HOP_1024).clamp(min=1e-10)).numpy()
    peak = decibels.max()
    steps = np.floor((decibels - peak + 80) / 80 * 128).clip(0, 127)
    measured = np.arange(steps.shape[1]) % 2 == 0
    steps[:, ~measured] = np.minimum(steps[:, ~measured] + off_by, 127)
    np.savez(
        folder / "gtzan/mels_1024.npz",
        X=steps.astype(np.uint8)[None],
        name=["jazz.00000"],
        n_samples=np.array([len(samples)]),
        peak_db=np.array([peak]),
        measured=np.packbits(measured[None], axis=1),
    )


def test_the_same_frames_differ_by_the_quantisation_and_predict_the_same(tmp_path: Path) -> None:
    publish(tmp_path, melody(12), off_by=0)
    found = measure(tmp_path, tmp_path / "cache")
    step = 80 / 128
    assert found["clips"] == found["same_top_genre"] == 1
    assert found["mean_absolute_error_db"] < step
    assert found["mean_absolute_error_of_interpolated_db"] < step
    assert found["total_variation_max"] < 0.3  # the nearest columns lie up to half a column off


def test_interpolated_columns_are_counted_apart(tmp_path: Path) -> None:
    publish(tmp_path, melody(12), off_by=16)
    found = measure(tmp_path, tmp_path / "cache")
    assert found["mean_absolute_error_db"] < 80 / 128
    assert found["mean_absolute_error_of_interpolated_db"] == pytest.approx(10, abs=2)


def test_without_the_published_file_it_says_which(tmp_path: Path) -> None:
    publish(tmp_path, melody(3), off_by=0)
    (tmp_path / "gtzan/mels_1024.npz").unlink()
    with pytest.raises(DataError, match=r"Parity needs .*mels_1024\.npz"):
        measure(tmp_path, tmp_path / "cache")
