"""Laws of the detector: its threshold, independence of loudness, storage without loss."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import ShrunkCovariance

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


def features(samples: np.ndarray) -> ood.Array:
    found = ood.features(log_mel(samples, GTZAN_FRONT_END), GTZAN_FRONT_END)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def detector() -> OODDetector:
    """What forty melodies sound like; a fifth of other ones lies above the threshold."""
    learned = ood.fit(np.concatenate([features(melody(12, seed=seed)) for seed in range(40)]))
    others = np.array([learned.score(features(melody(12, seed=seed))) for seed in range(100, 110)])
    return replace(learned, threshold=ood.threshold(others, 0.2), origin="melodies")


@pytest.mark.parametrize(
    ("count", "share", "above"), [(100, 0.05, 5), (197, 0.05, 9), (20, 0.05, 1), (19, 0.05, 0)]
)
def test_the_threshold_gives_the_promised_rate_where_it_was_calibrated(
    count: int, share: float, above: int
) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(count, dtype=float))
    limit = ood.threshold(scores, share)
    assert (scores > limit).sum() == above
    # The smallest that does: one lower, and more would lie above.
    assert (scores > limit - 1).sum() == above + 1


def test_distance_is_that_of_mahalanobis(detector: OODDetector) -> None:
    """Against the textbook formula, on data whose covariance is known."""
    rng = np.random.default_rng(1)
    mixing = rng.standard_normal((N_FEATURES, N_FEATURES)) / 5 + np.eye(N_FEATURES)
    data = rng.standard_normal((20_000, N_FEATURES)) @ mixing
    x = rng.standard_normal(N_FEATURES) @ mixing * 2
    textbook = np.sqrt(x @ np.linalg.inv(mixing.T @ mixing) @ x / N_FEATURES)
    # 5 % of the covariance is shrunk, so that the two are near, not equal.
    assert ood.fit(data).score(x[None]) == pytest.approx(textbook, rel=0.15)
    assert ood.fit(data).score(data[:2000]) == pytest.approx(1, abs=0.1)


def test_the_fit_is_scikit_learns_shrunk_covariance() -> None:
    windows = np.concatenate([features(melody(30, seed=seed)) for seed in range(8)])
    scaled = (windows - windows.mean(axis=0)) / windows.std(axis=0)
    distances = ShrunkCovariance(shrinkage=0.05).fit(scaled).mahalanobis(scaled)
    expected = np.median(np.sqrt(distances / N_FEATURES))
    assert ood.fit(windows).score(windows) == pytest.approx(expected, rel=1e-6)


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
        {"centre": "1 2 3"},
        {"centre": " ".join(["nan"] * N_FEATURES)},
        {"whitening": ["1"] * N_FEATURES},
        {"whitening": 7},
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
