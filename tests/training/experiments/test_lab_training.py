"""The Lab's small training, measured over seeds."""

from crnn.augment.comparison import NAMES, SETS
from training.experiments import lab_training


def test_each_set_is_measured_with_every_seed_and_without_once() -> None:
    result = lab_training.measure([0, 1], steps=1)
    assert [row["name"] for row in result["rows"]] == [NAMES[0], *SETS]
    for row in result["rows"]:
        assert len(row["segment_accuracy"]["each"]) == 2
        assert row["validation_loss"]["mean"] > 0
