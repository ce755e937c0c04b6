"""Laws of the detector: its threshold, independence of loudness, storage without loss."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.errors import CheckpointError
from crnn.inference.analysis import decode_and_predict
from crnn.inference.classifier import Classifier
from crnn.inference.export import to_csv, to_record
from crnn.inference.prediction import Prediction
from crnn.model import metadata, ood
from crnn.model.checkpoint import BUNDLED, Checkpoint
from crnn.model.ood import N_FEATURES, OODDetector, OODScore
from tests.conftest import encode, melody
from training.ood.fit import fit, threshold

ZERO = "0 " * N_FEATURES
UNIT = ["0 " * i + "1" for i in range(N_FEATURES)]


def features(samples: np.ndarray) -> ood.Array:
    found = ood.features(log_mel(samples, GTZAN_FRONT_END), GTZAN_FRONT_END)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def detector() -> OODDetector:
    """What forty melodies sound like; a fifth of other ones lies above the threshold."""
    learned = fit(np.concatenate([features(melody(12, seed=seed)) for seed in range(40)]))
    others = np.array([learned.score(features(melody(12, seed=seed))) for seed in range(100, 110)])
    return replace(learned, threshold=threshold([others], 0.2), origin="melodies")


def gaussians(weights: tuple[float, ...], seed: int = 1) -> tuple[Any, Any, Any]:
    """Weights, means and covariances of a mixture, and nothing special about them."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((len(weights), N_FEATURES, N_FEATURES)) / 5 + np.eye(N_FEATURES)
    means = 3 * rng.standard_normal((len(weights), N_FEATURES))
    return np.array(weights), means, mixing.transpose(0, 2, 1) @ mixing


def test_the_distance_from_one_gaussian_is_that_of_mahalanobis() -> None:
    weights, means, covariances = gaussians((1.0,))
    detector = OODDetector.from_gaussians(weights, means, covariances)
    x = means[0] + np.random.default_rng(2).standard_normal(N_FEATURES)
    expected = mahalanobis(x, means[0], np.linalg.inv(covariances[0])) / np.sqrt(N_FEATURES)
    assert detector.score(x[None]) == pytest.approx(expected, rel=1e-9)
    data = np.random.default_rng(3).multivariate_normal(means[0], covariances[0], 2000)
    assert detector.score(data) == pytest.approx(1, abs=0.1)


def test_the_distance_from_a_mixture_follows_its_density() -> None:
    """SciPy's densities: two windows' squared distances differ as their log-densities do."""
    weights, means, covariances = gaussians((0.6, 0.3, 0.1))
    detector = OODDetector.from_gaussians(weights, means, covariances)
    windows = np.random.default_rng(2).standard_normal((5, N_FEATURES)) * 4
    log_densities = logsumexp(
        [
            np.log(w) + multivariate_normal(mean, covariance).logpdf(windows)
            for w, mean, covariance in zip(weights, means, covariances, strict=True)
        ],
        axis=0,
    )
    squares = np.array([detector.score(window[None]) ** 2 for window in windows])
    np.testing.assert_allclose(
        np.diff(squares), -2 / N_FEATURES * np.diff(log_densities), rtol=1e-6
    )


@pytest.mark.parametrize("front_end", [GTZAN_FRONT_END, PAPER_FRONT_END], ids=["gtzan", "paper"])
def test_loudness_does_not_matter(front_end: object) -> None:
    loud = melody(11)
    one, other = (ood.features(log_mel(loud * gain, front_end), front_end) for gain in (1.0, 0.05))  # type: ignore[arg-type]
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_windows_are_five_seconds_and_there_are_none_below_one() -> None:
    assert features(melody(5)).shape == (1, N_FEATURES)
    assert features(melody(30)).shape == (9, N_FEATURES)
    assert features(melody(1.2)).shape == (1, N_FEATURES)
    assert ood.features(log_mel(melody(0.8), GTZAN_FRONT_END), GTZAN_FRONT_END) is None
    assert np.isfinite(
        features(np.eye(1, 200_000, 90_000, dtype=np.float32)[0])
    ).all()  # one click, else digital silence


def test_autocorrelation_is_one_for_a_constant_shape_and_near_zero_for_noise() -> None:
    still = (
        np.repeat(np.random.default_rng(0).standard_normal((1, 32, 1)), 65, axis=2).astype(
            np.float32
        )
        * 10
    )
    noise = np.random.default_rng(1).standard_normal((1, 32, 65)).astype(np.float32) * 10
    lags = (1, 2, 4)
    for constant, random in zip(
        ood.autocorrelation(still, lags), ood.autocorrelation(noise, lags), strict=True
    ):
        assert constant == pytest.approx(1, abs=0.01)
        assert abs(random[0]) < 0.1


def test_noise_and_a_click_are_out_of_distribution_for_melodies(detector: OODDetector) -> None:
    rng = np.random.default_rng(2)
    white = (0.1 * rng.standard_normal(22_050 * 12)).astype(np.float32)
    click = np.eye(1, 22_050 * 12, 90_000, dtype=np.float32)[0]
    same = [
        detector.score(features(melody(12, seed=seed))) > detector.threshold
        for seed in range(200, 220)
    ]
    assert np.mean(same) < 0.5
    for strange in (white, click, 1e-2 * white):
        found = detector.detect(features(strange))
        assert found is not None
        assert found.is_ood
        assert found.score > 2 * found.threshold
    assert detector.detect(None) is None


def test_a_checkpoint_carries_it(tiny: Checkpoint, detector: OODDetector, tmp_path: Path) -> None:
    replace(tiny, ood=detector).save(tmp_path)
    loaded = Checkpoint.load(tmp_path).ood
    assert loaded is not None
    assert (loaded.threshold, loaded.origin) == (detector.threshold, "melodies")
    sound = features(melody(8))
    assert loaded.score(sound) == pytest.approx(detector.score(sound), rel=1e-4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    stored = metadata.read(tmp_path)
    assert (stored.ood_threshold, stored.ood_origin) == (
        detector.threshold,
        "melodies",
    )


def test_a_checkpoint_without_it_gives_no_score(tiny: Checkpoint, tmp_path: Path) -> None:
    replace(tiny, ood=None).save(tmp_path)
    loaded = Checkpoint.load(tmp_path)
    assert loaded.ood is None
    assert metadata.read(tmp_path).ood_threshold is None
    white = np.random.default_rng(0).standard_normal(22_050 * 4).astype(np.float32) * 0.1
    _, analysis = decode_and_predict(encode(white), [Classifier(loaded)])
    assert analysis.predictions[0].ood is None
    assert "doubt" not in to_record("x", 4, analysis.predictions)


@pytest.mark.parametrize(
    "damage",
    [
        {"threshold": "high"},
        {"threshold": -1},
        {"components": []},
        {"components": 7},
        {"components": [{"weight": 1, "centre": "1 2 3", "whitening": UNIT}]},
        {"components": [{"weight": 1, "centre": "nan " * N_FEATURES, "whitening": UNIT}]},
        {"components": [{"weight": 1, "centre": ZERO, "whitening": ["1"] * N_FEATURES}]},
        {"components": [{"weight": 1, "centre": ZERO, "whitening": 7}]},
        {"components": [{"weight": 0.5, "centre": ZERO, "whitening": UNIT}]},
        {"components": [{"weight": 1 / 17, "centre": ZERO, "whitening": UNIT}] * 17},
        {"components": [{"weight": 1, "centre": ZERO, "whitening": [*UNIT[:-1], "0 " * 45]}]},
    ],
)
def test_one_that_is_damaged_is_refused(
    tiny: Checkpoint, detector: OODDetector, tmp_path: Path, damage: dict[str, object]
) -> None:
    replace(tiny, ood=detector).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["doubt"] |= damage
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="does not describe a network of ours"):
        Checkpoint.load(tmp_path)


def test_one_of_a_single_gaussian_is_read_as_it_was_stored(
    tiny: Checkpoint, detector: OODDetector, tmp_path: Path
) -> None:
    replace(tiny, ood=detector).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["doubt"] = {"threshold": 1.5, "origin": "", "centre": ZERO, "whitening": UNIT}
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = Checkpoint.load(tmp_path).ood
    assert loaded is not None
    x = np.random.default_rng(0).standard_normal((1, N_FEATURES))
    assert loaded.score(x) == pytest.approx(np.sqrt(np.square(x).mean()))


def test_an_analysis_has_the_score_of_each_network(tiny: Checkpoint, detector: OODDetector) -> None:
    strict, lenient = (
        Classifier(replace(tiny, ood=replace(detector, threshold=limit))) for limit in (0.0, 1e6)
    )
    _, analysis = decode_and_predict(encode(melody(9)), [strict, lenient, Classifier(tiny)])
    first, second, third = (prediction.ood for prediction in analysis.predictions)
    assert first is not None
    assert second is not None
    assert (first.is_ood, second.is_ood, third) == (True, False, None)
    assert first.score == second.score
    assert first.score == pytest.approx(
        detector.score(features(melody(9))), rel=1e-2
    )  # through a 16-bit file


def prediction(task: str, found: OODScore | None) -> Prediction:
    row = np.array([0.7, 0.3])
    return Prediction(task, ("a", "b"), row[None], np.zeros(1), 3.0, row, ood=found)


def test_exports_carry_it() -> None:
    strange, known = (
        prediction("genre", OODScore(2.345, 1.2)),
        prediction("mood", OODScore(0.9, 1.3)),
    )
    result = to_record("a.mp3", 3, [strange, known])
    assert result["doubt"] == {
        "genre": {"score": 2.345, "threshold": 1.2, "doubted": True},
        "mood": {"score": 0.9, "threshold": 1.3, "doubted": False},
    }
    import csv

    whole, segment = csv.DictReader(io.StringIO(to_csv([result])))
    assert (whole["genre:doubt"], whole["genre:doubted"], whole["mood:doubted"]) == (
        "2.345",
        "yes",
        "no",
    )
    assert segment["genre:doubted"] == ""
    plain = to_csv([to_record("a.mp3", 3, [prediction("genre", None)])])
    assert "doubt" not in plain


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_bundled_detectors_flag_noise_and_name_their_origin(task: str) -> None:
    checkpoint = Checkpoint.load(task)
    if checkpoint.ood is None:
        pytest.skip("bundled without a detector")
    brown = np.cumsum(np.random.default_rng(3).standard_normal(22_050 * 10)).astype(np.float32)
    found = checkpoint.ood.detect(features(brown / np.abs(brown).max()))
    assert found is not None
    assert found.is_ood
    assert "validation" in checkpoint.ood.origin
    assert checkpoint.ood.origin in " ".join((BUNDLED / task / "README.md").read_text().split())
