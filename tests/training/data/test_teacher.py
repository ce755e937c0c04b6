"""The teacher of pre-training: MusiCNN's weights from its wheel, and its outputs on a crop."""

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import torch

from tests.training.conftest import buzz
from training.data import musicnn
from training.data.collection import DataError, moods
from training.data.teacher import TeacherOutputs, teacher_outputs
from training.engine.experiment import Experiment
from training.engine.recipes import RECIPES

# The variables of the published checkpoint by name, in alphabetical order, in TensorFlow's shapes.
# Each trained one is followed by two averages of Adam's; beta1_power and beta2_power are Adam's.
_KERNELS = {
    "conv2d": (7, 38, 1, 204),
    "conv2d_1": (7, 67, 1, 204),
    "conv2d_2": (128, 1, 1, 51),
    "conv2d_3": (64, 1, 1, 51),
    "conv2d_4": (32, 1, 1, 51),
    "conv2d_5": (7, 561, 1, 64),
    "conv2d_6": (7, 64, 1, 64),
    "conv2d_7": (7, 64, 1, 64),
    "dense": (1506, 200),
    "dense_1": (200, 50),
}
_NORMS = (1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200)


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    found = {"beta1_power": np.zeros(1), "beta2_power": np.zeros(1)}

    def trained(name: str, values: np.ndarray) -> None:
        found[name] = values
        for slot in ("Adam", "Adam_1"):
            found[f"{name}/{slot}"] = np.full(values.shape, np.nan)

    for name, shape in _KERNELS.items():
        scale = np.prod(shape[:-1]) ** -0.5
        trained(f"{name}/kernel", random.standard_normal(shape) * scale)
        trained(f"{name}/bias", random.standard_normal(shape[-1]) * 0.1)
    for number, width in enumerate(_NORMS):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        trained(f"{name}/gamma", random.uniform(0.5, 1.5, width))
        trained(f"{name}/beta", random.standard_normal(width) * 0.1)
        found[f"{name}/moving_mean"] = random.standard_normal(width) * 0.1
        found[f"{name}/moving_variance"] = random.uniform(0.5, 1.5, width)
    return found


@pytest.fixture(scope="module")
def wheel(variables: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with a checkpoint of random weights."""
    file = tmp_path_factory.mktemp("wheel") / musicnn.WHEEL
    content = b"".join(variables[name].astype("<f4").tobytes() for name in sorted(variables))
    with zipfile.ZipFile(file, "w") as archive:
        for model in musicnn.MODELS:
            archive.writestr(f"musicnn/{model}/.data-00000-of-00001", content)
    return file


class TestMusicnn:
    def test_a_dense_layer_and_a_norm_have_the_checkpoints_weights(
        self, wheel: Path, variables: dict[str, np.ndarray]
    ) -> None:
        network = musicnn.load(wheel, "MSD_musicnn")
        given = torch.randn(3, 200)
        kernel, bias = variables["dense_1/kernel"], variables["dense_1/bias"]
        expected = given.numpy() @ kernel + bias
        assert network.tags(given).detach().numpy() == pytest.approx(expected, abs=1e-5)
        mean, variance, gamma, beta = (
            variables[f"batch_normalization_10/{name}"]
            for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        expected = (given.numpy() - mean) / np.sqrt(variance + 1e-3) * gamma + beta
        assert network.dense_norm(given).detach().numpy() == pytest.approx(expected, abs=1e-5)

    def test_a_convolution_slides_over_time_and_bands(
        self, wheel: Path, variables: dict[str, np.ndarray]
    ) -> None:
        """One value by hand: the first filter of 64 frames, at frame 40 of band 5."""
        block = musicnn.load(wheel, "MSD_musicnn").front[3]
        given = torch.randn(1, 1, 187, 96)
        found = block(given)[0, 0, 40, 5].item()
        kernel, bias = variables["conv2d_3/kernel"], variables["conv2d_3/bias"]
        frames = given[0, 0, 40 - 31 : 40 + 33, 5].numpy()  # 31 before, 32 after: `same` padding
        value = max(0.0, float(frames @ kernel[:, 0, 0, 0] + bias[0]))
        mean, variance, gamma, beta = (
            variables[f"batch_normalization_4/{name}"][0]
            for name in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        assert found == pytest.approx(
            (value - mean) / np.sqrt(variance + 1e-3) * gamma + beta, abs=1e-4
        )

    def test_windows_are_excerpts_of_librosas_spectrogram(self) -> None:
        samples = buzz(200, 5, seed=0)[: 5 * musicnn.SAMPLE_RATE]
        windows = musicnn.windows(samples, 0.5)
        whole = np.log10(
            10_000
            * librosa.feature.melspectrogram(
                y=samples, sr=16_000, n_fft=512, hop_length=256, n_mels=96
            )
            + 1
        ).T
        assert windows.shape == (5, 187, 96)
        assert windows[2] == pytest.approx(whole[62:249], abs=1e-5)

    def test_a_clip_shorter_than_a_window_is_repeated(self) -> None:
        windows = musicnn.windows(buzz(200, 1, seed=0)[: musicnn.SAMPLE_RATE], 1.0)
        assert windows.shape == (1, 187, 96)
        assert (windows[0, 63:126] == windows[0, :63]).all()

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"pip download --no-deps musicnn==0\.1\.0"):
            musicnn.load(tmp_path / musicnn.WHEEL, "MSD_musicnn")
        with zipfile.ZipFile(tmp_path / musicnn.WHEEL, "w") as archive:
            archive.writestr("musicnn/MSD_musicnn/.data-00000-of-00001", b"1234")
        with pytest.raises(DataError, match="take 4 bytes"):
            musicnn.load(tmp_path / musicnn.WHEEL, "MSD_musicnn")


class TestOfCrop:
    """Ten windows of 3 s, one a second; output 0 is the second in which a window begins."""

    outputs = TeacherOutputs((np.arange(10, dtype=np.float32)[:, None],), 1)

    @pytest.mark.parametrize(
        ("start", "expected"),
        [(0.0, [0, 1, 2, 3]), (2.4, [2, 3, 4, 5]), (2.6, [3, 4, 5, 6]), (30.0, [9])],
    )
    def test_it_is_the_mean_of_the_windows_inside(self, start: float, expected: list[int]) -> None:
        assert float(self.outputs.of_crop(0, start, 6.0)) == np.mean(expected)

    def test_a_crop_shorter_than_a_window_has_the_nearest(self) -> None:
        assert float(self.outputs.of_crop(0, 4.1, 1.0)) == 3


class TestOutputs:
    @pytest.fixture
    def folder(self, data: Path, wheel: Path, tmp_path: Path) -> Path:
        (tmp_path / musicnn.WHEEL).symlink_to(wheel)
        (tmp_path / "moods4q").symlink_to(data / "moods4q")
        return tmp_path

    def test_they_are_standardised_over_the_tracks_asked_for(self, folder: Path) -> None:
        collection = moods(folder, None, folder / "cache", "quadrant")
        tracks = [3, 4, 7, 11, 12]
        outputs = teacher_outputs(folder, folder / "cache", collection, tracks)
        assert [i for i, rows in enumerate(outputs.tracks) if len(rows)] == tracks
        joined = np.concatenate(outputs.tracks)
        assert joined.shape[1] == outputs.size
        assert joined.mean(axis=0) == pytest.approx(0, abs=1e-5)
        varying = joined.std(axis=0) > 0.5
        assert varying.mean() > 0.9
        assert joined.std(axis=0)[varying] == pytest.approx(1, abs=1e-4)

    def test_they_are_computed_once(self, folder: Path) -> None:
        collection = moods(folder, None, folder / "cache", "quadrant")
        first = teacher_outputs(folder, folder / "cache", collection, [3, 4])
        (folder / musicnn.WHEEL).unlink()
        again = teacher_outputs(folder, folder / "cache", collection, [3, 4])
        assert first.digest == again.digest
        assert (first.tracks[3] == again.tracks[3]).all()
        with pytest.raises(DataError, match="pip download"):
            teacher_outputs(folder, folder / "cache", collection, [3, 5])

    def test_a_damaged_clip_is_named(self, folder: Path) -> None:
        collection = moods(folder, None, folder / "cache", "quadrant")
        (folder / "moods4q").unlink()
        (folder / "moods4q" / "audio").mkdir(parents=True)
        (folder / "moods4q" / "audio" / f"{collection.names[3]}.opus").write_bytes(b"no audio")
        with pytest.raises(DataError, match=f"{collection.names[3]}.opus can't be decoded"):
            teacher_outputs(folder, folder / "cache", collection, [3])

    def test_missing_audio_is_named(self, folder: Path) -> None:
        collection = moods(folder, None, folder / "cache", "quadrant")
        (folder / "moods4q").unlink()
        (folder / "moods4q").mkdir()
        with pytest.raises(
            DataError, match=f"lacks 1 of 1 clips, the first: {collection.names[3]}"
        ):
            teacher_outputs(folder, folder / "cache", collection, [3])


def test_a_finished_run_needs_no_teacher(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = replace(RECIPES["distilled-tags"], epochs=1, channels=(2, 2, 2, 2), gru=4, batch_size=8)
    monkeypatch.setitem(RECIPES, "tiny", tiny)
    asked = []

    def outputs(*given: Any) -> TeacherOutputs:
        asked.append(given)
        rows = np.ones((30, 1), np.float32)
        return TeacherOutputs((rows,) * len(given[2].names), 1)

    monkeypatch.setattr("training.engine.experiment.teacher_outputs", outputs)
    experiment = Experiment(data, tmp_path, "tiny", precision="32-true", progress=False)
    spec = experiment.spec("quadrant", "known", 0)
    assert experiment.train(spec) == experiment.train(spec)
    assert len(asked) == 1
