"""Scores against scikit-learn and by hand; a temperature that is known is found again."""

import json
from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from crnn.model.checkpoint import Checkpoint
from crnn.model.segments import plan_segments
from training.evaluation import significance
from training.evaluation.metrics import (
    TrackLogits,
    calibration_error,
    fit_decision,
    fit_temperature,
    reliability,
    scores,
)
from training.release import card
from training.release.bundle import write_card


def made_up(count: int, temperature: float = 1.0, seed: int = 0) -> TrackLogits:
    """One-segment tracks whose targets are drawn from the softmax of their logits / temperature."""
    random = np.random.default_rng(seed)
    logits = 3 * random.standard_normal((count, 4))
    odds = np.exp(logits / temperature)
    odds /= odds.sum(axis=1, keepdims=True)
    targets = (odds.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return TrackLogits(
        tuple(logits[:, None]), (plan_segments(39, 39),) * count, targets, np.arange(count)
    )


def test_scores_are_scikit_learns() -> None:
    given = made_up(300)
    result = scores(given, 1.0, tuple("abcd"))
    said = np.concatenate(given.logits).argmax(axis=1)
    assert (
        result["track_accuracy"]
        == result["segment_accuracy"]
        == accuracy_score(given.targets, said)
    )
    assert result["track_macro_f1"] == pytest.approx(f1_score(given.targets, said, average="macro"))
    confusion = np.array(result["confusion"])
    assert confusion.trace() / confusion.sum() == pytest.approx(result["track_accuracy"])
    assert result["track_mean_recall"] == pytest.approx(
        (confusion.diagonal() / confusion.sum(axis=1)).mean()
    )


def test_a_track_is_the_mean_of_its_segments() -> None:
    """Two segments narrowly favour class 0, one is certain of class 1: the mean decides for 1."""
    logits = np.array([[0.2, 0.0], [0.2, 0.0], [-9.0, 9.0]])
    given = TrackLogits((logits,), (plan_segments(30, 10),), np.array([1]), np.array([0]))
    assert scores(given, 1.0, ("a", "b"))["track_accuracy"] == 1.0
    assert scores(given, 1.0, ("a", "b"))["segment_accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature: float) -> None:
    assert fit_temperature(made_up(4000, temperature)) == pytest.approx(temperature, rel=0.08)


def test_sets_of_tracks_count_alike_and_candidates_by_their_total_probability() -> None:
    many, few = made_up(6000, 0.5), made_up(600, 2.0)
    alike = fit_temperature(many, few)
    assert 0.5 < fit_temperature(TrackLogits.join([many, few])) < alike < 2.0
    one_hot = replace(few, targets=np.eye(4)[few.targets])
    assert one_hot.loss(1.3) == pytest.approx(few.loss(1.3))
    anything = replace(few, targets=np.ones((600, 4)))
    assert anything.loss(1.3) == pytest.approx(0, abs=1e-12)


def test_a_known_decision_is_found_and_equal_classes_do_not_depend_on_their_counts() -> None:
    given, bias = made_up(3000, 2.0), np.array([0.9, -0.5, -0.3, -0.1])
    shifted = given.scaled(1.0, (-2.0 * bias).tolist())
    temperature, found = fit_decision(shifted, 0.0)
    assert temperature == pytest.approx(2.0, rel=0.1)
    assert found == pytest.approx(bias, abs=0.15)
    balanced = fit_decision(given, 1.0)
    twice = TrackLogits.join([given, *[only(given, 0)] * 2])  # three times as many of class 0
    assert fit_decision(twice, 1.0)[1] == pytest.approx(balanced[1], abs=0.01)
    assert fit_decision(twice, 0.0)[1][0] > balanced[1][0] + 0.2


def test_a_network_at_chance_gets_a_temperature_that_checkpoints_accept() -> None:
    given = made_up(300, 1.0).scaled(-1.0, [0.0] * 4)  # worse than chance
    for temperature in (fit_temperature(given), fit_decision(given, 1.0)[0]):
        assert 5 < temperature <= 100


def only(given: TrackLogits, target: int) -> TrackLogits:
    """The tracks of one class."""
    chosen = np.flatnonzero(given.targets == target)
    parts = (tuple(x[i] for i in chosen) for x in (given.logits, given.segments))
    return TrackLogits(*parts, given.targets[chosen], given.tracks[chosen])


def test_calibration_error_of_a_network_that_is_always_as_sure_as_it_is_right() -> None:
    given = made_up(20_000)
    assert calibration_error(given.probabilities(), given.targets) < 0.02
    assert calibration_error(given.probabilities(0.2), given.targets) > 0.1


def test_scores_say_what_the_temperature_was_worth() -> None:
    given = made_up(300, temperature=3.0)
    result = scores(given, 3.0, tuple("abcd"))
    assert (
        result["calibration_error_before"] == scores(given, 1.0, tuple("abcd"))["calibration_error"]
    )
    assert result["calibration_error"] < result["calibration_error_before"]


def test_calibration_error_by_hand() -> None:
    distributions = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    targets = np.array([0, 1, 0])  # in the bin of 0.9 half right, in that of 0.6 all
    assert calibration_error(distributions, targets) == pytest.approx(
        (abs(1.8 - 1) + abs(0.6 - 1)) / 3
    )


def test_bootstrap_is_wider_when_an_artist_is_right_or_wrong_as_a_whole() -> None:
    right = np.repeat([1.0, 0.0], 50)
    alone = significance.bootstrap_by_group(right, tuple(map(str, range(100))))
    together = significance.bootstrap_by_group(right, tuple(str(i // 10) for i in range(100)))
    assert alone[0] < 0.5 < alone[1]
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


FIGURES = {
    "track_accuracy": 0.6,
    "track_macro_f1": 0.59,
    "track_mean_recall": 0.61,
    "segment_accuracy": 0.55,
    "calibration_error": 0.05,
}


def test_card_shows_what_was_measured(tiny: Checkpoint, tmp_path: Path) -> None:
    from dataclasses import replace

    results = {
        "F": {
            "context": "Filtered.",
            "runs": [1, 2],
            "summary": {key: {"mean": value, "sd": 0.01} for key, value in FIGURES.items()},
        },
        "N": {"context": "New songs.", "interval_95_by_artist": [0.4, 0.7], **FIGURES},
    }
    for name, result in results.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    folder = tmp_path / "genre"
    replace(tiny, task="genre").save(folder)
    write_card(folder, tmp_path)
    loaded = Checkpoint.load(folder)
    assert loaded.results["F"]["track_accuracy"] == 0.6
    text = (folder / "README.md").read_text()
    assert text == card.network(loaded)
    assert "| F | 60.0 ± 1.0 | 59.0 ± 1.0 |" in " ".join(text.split())
    assert "0.400 to 0.700" in text
    assert "Filtered." in text


def test_card_leaves_out_figures_of_other_weights_and_recipes(
    tiny: Checkpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    new_songs = {
        "context": "New songs.",
        "interval_95_by_artist": [0.4, 0.7],
        "weights": "0123456789ab",
        **FIGURES,
    }
    filtered = {"context": "", "recipe": "paper-genre", "runs": [1], "summary": {}}
    (tmp_path / "N.json").write_text(json.dumps(new_songs))
    (tmp_path / "F.json").write_text(json.dumps(filtered))
    folder = tmp_path / "genre"
    replace(tiny, task="genre").save(folder)
    write_card(folder, tmp_path)
    assert Checkpoint.load(folder).results == {}
    assert capsys.readouterr().out.count("is left out") == 2
    (tmp_path / "N.json").write_text(json.dumps(new_songs | {"weights": tiny.digest}))
    write_card(folder, tmp_path)
    assert list(Checkpoint.load(folder).results) == ["N"]


def test_pooled_folds_show_the_pooled_figure() -> None:
    result = {
        "context": "",
        "runs": [{}] * 5,
        "pooled": FIGURES,
        "summary": {key: {"mean": 0.0, "sd": 0.02} for key in FIGURES},
    }
    assert card.summary(result)["track_accuracy"] == 0.6
    assert card.summary(result)["track_accuracy_sd"] == 0.02


def test_two_networks_are_compared_track_by_track() -> None:
    ours, theirs = (
        np.array([1, 1, 1, 1, 0, 1], dtype=bool),
        np.array([1, 0, 0, 0, 1, 0], dtype=bool),
    )
    found = significance.mcnemar(ours, theirs)
    assert (found["tracks_won"], found["tracks_lost"]) == (4, 1)
    # Both tails of five tosses: 0, 1, 4 or 5 heads.
    assert found["p_value"] == pytest.approx(2 * (comb(5, 0) + comb(5, 1)) / 2**5)
    back = significance.mcnemar(theirs, ours)
    assert (back["tracks_won"], back["tracks_lost"], back["p_value"]) == (1, 4, found["p_value"])
    assert significance.mcnemar(ours, ours) == {"tracks_won": 0, "tracks_lost": 0, "p_value": 1.0}
    with pytest.raises(ValueError, match="6 and 5"):
        significance.mcnemar(ours, theirs[:5])


def test_standard_error_is_the_spread_of_samples_of_that_size() -> None:
    right = np.arange(100) < 80
    shares = np.random.default_rng(0).choice(right, (4000, 100)).mean(axis=1)
    assert significance.standard_error(right) == pytest.approx(shares.std(), rel=0.05)


def test_reliability_sums_to_the_calibration_error() -> None:
    rng = np.random.default_rng(0)
    distributions, targets = rng.dirichlet(np.ones(4) / 2, 200), rng.integers(0, 4, 200)
    points = reliability(distributions, targets)
    assert sum(point["tracks"] for point in points) == 200
    gap = sum(point["tracks"] * abs(point["confidence"] - point["right"]) for point in points) / 200
    assert gap == pytest.approx(calibration_error(distributions, targets))
