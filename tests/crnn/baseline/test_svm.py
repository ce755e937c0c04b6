"""scikit-learn as the oracle of the stored SVM; folders that are damaged say so."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.baseline.features import NAMES
from crnn.baseline.svm import SVM
from crnn.errors import CheckpointError
from training.baseline import svm as training
from training.baseline.features import FeatureTable
from training.data.collection import Collection
from training.data.feature_store import FeatureStore


def clouds(classes: int, spread: float, seed: int = 0) -> FeatureTable:
    """Thirty tracks a class around centres of their own, seven features of very different size."""
    random = np.random.default_rng(seed)
    targets = np.repeat(np.arange(classes), 30)
    values = random.standard_normal((classes, 7))[targets] + spread * random.standard_normal(
        (len(targets), 7)
    )
    labels = tuple("abcdefghij"[:classes])
    names = tuple(f"t{i}" for i in range(len(targets)))
    no_mels = FeatureStore((np.zeros((0, 128), np.float16),) * len(names), (0,) * len(names))
    collection = Collection("clouds", labels, GTZAN_FRONT_END, names, targets, names, no_mels)
    return FeatureTable(
        "genre", collection, tuple(f"f{i}" for i in range(7)), values * np.logspace(-4, 6, 7) + 3
    )


def fitted(
    classes: int, spread: float, setting: training.Setting
) -> tuple[Pipeline, SVM, FeatureTable]:
    table = clouds(classes, spread)
    everyone = np.arange(len(table.values))
    model = training.fit(table, everyone, setting)
    return model, training.export(model, table, everyone, setting), table


@pytest.mark.parametrize("classes", [3, 4, 10])
@pytest.mark.parametrize(
    "setting", [training.Setting(1, 0.02), training.Setting(100, 0.3)], ids=["smooth", "sharp"]
)
@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_scikit_learn_says_the_same(classes: int, setting: training.Setting, spread: float) -> None:
    model, svm, table = fitted(classes, spread, setting)
    random = np.random.default_rng(1)
    # Seen, between, and far away from anything: there every kernel is 0, only intercepts count.
    far = table.values.mean(axis=0) + 50 * table.values.std(axis=0) * random.standard_normal(
        (20, 7)
    )
    for values in (table.values, 0.5 * (table.values[:40] + table.values[20:60]), far):
        np.testing.assert_allclose(
            svm.probabilities(values), model.predict_proba(values), atol=1e-6, rtol=0
        )


@pytest.fixture(scope="module")
def svm() -> SVM:
    return fitted(4, 1.0, training.Setting(3, 0.1))[1]


def test_rows_sum_to_1_and_batch_equals_single(svm: SVM) -> None:
    values = clouds(4, 1.0, seed=5).values
    together = svm.probabilities(values)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    for row, alone in zip(together[:5], values[:5], strict=True):
        np.testing.assert_allclose(svm.probabilities(alone[None])[0], row, atol=1e-12)
        named = svm.predict(dict(zip(svm.features, alone, strict=True)) | {"another": 1.0})
        assert list(named) == list(svm.labels)
        np.testing.assert_allclose(list(named.values()), row, atol=1e-12)


def test_a_round_trip_changes_nothing(svm: SVM, tmp_path: Path) -> None:
    described = replace(svm, results={"F": {"track_accuracy": 0.5}}, data="clouds", revision="abc")
    described.save(tmp_path / "svm")
    again = SVM.load(tmp_path / "svm")
    values = clouds(4, 1.0, seed=6).values
    assert (again.probabilities(values) == svm.probabilities(values)).all()
    assert again.digest == svm.digest
    assert (again.results, again.data, again.revision) == (described.results, "clouds", "abc")
    assert again.percentiles("f3") == svm.percentiles("f3")


def test_the_usual_range_is_the_percentiles_of_each_class() -> None:
    _, svm, table = fitted(3, 1.0, training.Setting(1, 0.1))
    for k, (label, three) in enumerate(svm.percentiles("f2").items()):
        assert label == svm.labels[k]
        assert three == pytest.approx(
            np.percentile(table.values[table.collection.targets == k, 2], [5, 50, 95])
        )


def test_a_folder_holds_arrays_and_json_and_nothing_is_unpickled(
    svm: SVM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    svm.save(tmp_path / "svm")
    files = sorted(f.name for f in (tmp_path / "svm").iterdir())
    assert files == ["config.json", "model.safetensors"]
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, lambda *_, **__: pytest.fail("unpickled"))
    assert SVM.load(tmp_path / "svm").digest == svm.digest


def test_the_bundled_svm_reads_what_the_extractor_gives() -> None:
    bundled = SVM.load("genre")
    assert set(bundled.features) < set(NAMES)
    assert not any("flux" in name for name in bundled.features)
    middle = {name: bundled.percentiles(name)["classical"][1] for name in bundled.features}
    assert max(bundled.predict(middle).items(), key=lambda pair: pair[1])[0] == "classical"


@pytest.mark.parametrize(
    "values", [np.zeros((2, 6)), np.zeros(7), np.full((1, 7), np.nan)], ids=["6", "flat", "nan"]
)
def test_values_that_do_not_fit_are_refused(svm: SVM, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"finite \[N, 7\] are needed"):
        svm.probabilities(values)


def test_missing_and_unknown_features_are_named(svm: SVM) -> None:
    with pytest.raises(ValueError, match="6 of 7 features are missing, the first: f1"):
        svm.predict({"f0": 1.0})
    with pytest.raises(ValueError, match="feature 'f9': one of f0, f1"):
        svm.percentiles("f9")


def test_two_classes_are_refused() -> None:
    with pytest.raises(CheckpointError, match="3 or more"):
        fitted(2, 1.0, training.Setting(1, 0.1))


def test_damaged_folders_say_what_is_wrong(svm: SVM, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no config\.json there"):
        SVM.load(tmp_path / "nothing")
    folder = tmp_path / "svm"
    svm.save(folder)
    config = json.loads((folder / "config.json").read_text())
    changes = [
        ({"kind": "network"}, "kind 'network'"),
        ({"labels": ["a", "b", "c"]}, "shape"),
        ({"parts": 9}, "damaged or no SVM"),
        ({"features": ["f0"]}, "shape"),
        ({"gamma": -1}, "above 0"),
        ({"gamma": None}, "damaged or no SVM"),
    ]
    for change, words in changes:
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(CheckpointError, match=words):
            SVM.load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        SVM.load(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"no arrays")
    with pytest.raises(CheckpointError, match="damaged"):
        SVM.load(folder)
