"""The SVM baseline through its command, on a made-up table and made-up clips."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from crnn.baseline.features import NAMES, extract
from crnn.baseline.svm import SVM
from crnn.labels import GENRES
from tests.conftest import encode, melody
from training.baseline import svm
from training.baseline.features import SHARED, TABLE, agreement, gtzan_table, moods_table
from training.cli import main
from training.data import splits
from training.data.collection import DataError

# Clips that have audio too: one whole, one only in part, one that is no audio.
WHOLE, PARTIAL, BROKEN = "jazz.00000", "jazz.00001", "jazz.00054"


def write_table(file: Path, rows: list[dict[str, object]]) -> None:
    with file.open("w", newline="") as out:
        table = csv.DictWriter(out, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def made_up_rows() -> list[dict[str, object]]:
    """1000 rows in the published form (with an unused column); every genre has its own values."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((10, len(SHARED)))
    heard = extract(melody(3))
    rows: list[dict[str, object]] = []
    for number in random.permutation(1000):
        name = f"{GENRES[number // 100]}.{number % 100:05d}"
        values = centres[number // 100] + 0.7 * random.standard_normal(len(SHARED))
        shown = [heard[column] for column in SHARED] if name == WHOLE else values.tolist()
        row = {"filename": f"{name}.wav", "length": 3 * 22_050, "tempo": 120}
        rows.append(row | dict(zip(SHARED, shown, strict=True)) | {"label": name.split(".")[0]})
    return rows


@pytest.fixture(scope="module")
def both(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with GTZAN as a table and three clips, and moods4q as audio."""
    root = tmp_path_factory.mktemp("both")
    shutil.copytree(data / "moods4q", root / "moods4q")
    clips = root / "gtzan" / "audio" / "jazz"
    clips.mkdir(parents=True)
    (clips / f"{WHOLE}.wav").write_bytes(encode(melody(3), subtype="FLOAT"))
    (clips / f"{PARTIAL}.wav").write_bytes(encode(melody(2)))
    (clips / f"{BROKEN}.wav").write_bytes(b"RIFF and nothing else")
    write_table(root / "gtzan" / TABLE, made_up_rows())
    return root


@pytest.fixture(scope="module")
def made(both: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command left: out/svm.json, checkpoints/svm-genre, runs/."""
    work = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svm, "C_GRID", (10.0,))
        patch.setattr(svm, "GAMMA_GRID", (0.02,))
        options = [
            "--data",
            both,
            "--runs",
            work / "runs",
            "--out",
            work / "out",
            "--checkpoints",
            work / "checkpoints",
        ]
        assert main(["svm", "--seeds", "0", "1", "--no-progress", *map(str, options)]) == 0
    return work


def test_the_command_measures_every_protocol(made: Path) -> None:
    found = json.loads((made / "out" / "svm.json").read_text())
    protocols = found["protocols"]
    assert list(protocols) == ["F", "P", "N", "M", "M-quadrants"]
    assert [len(protocols[name]["runs"]) for name in ("F", "P", "M", "M-quadrants")] == [2, 2, 5, 5]
    assert [protocols[name]["runs"][0]["tracks"] for name in ("F", "P")] == [290, 100]
    assert (protocols["M"]["pooled"]["tracks"], protocols["M-quadrants"]["pooled"]["tracks"]) == (
        50,
        60,
    )
    assert protocols["N"]["tracks"] == 4
    for name in ("F", "P"):
        assert protocols[name]["summary"]["track_accuracy"]["mean"] > 0.95
        assert set(protocols[name]["summary"]["track_accuracy"]) == {"mean", "sd"}
    assert protocols["M"]["pooled"]["track_accuracy"] > 0.9
    assert np.sum(protocols["M"]["pooled"]["confusion"]) == 50
    assert not any("segment" in key for key in protocols["F"]["runs"][0])
    assert "lacks spectral flux" in found["note"]
    assert not any("flux" in name for name in found["features"]["genre"])
    assert any("flux" in name for name in found["features"]["mood"])
    assert found["agreement"]["clips"] == [WHOLE]
    assert found["agreement"]["unreadable"] == [BROKEN]
    assert max(found["agreement"]["largest_relative_difference"].values()) < 1e-3


def test_the_checkpoint_is_that_of_all_tracks(made: Path, both: Path) -> None:
    bundled = SVM.load(made / "checkpoints" / "svm-genre")
    table = gtzan_table(both)
    assert bundled.labels == GENRES
    assert bundled.features == SHARED
    assert bundled.data == "gtzan, 1000 tracks"
    said = bundled.probabilities(table.values).argmax(axis=1)
    assert (said == table.collection.targets).mean() > 0.95
    jazz = table.values[table.collection.targets == GENRES.index("jazz")]
    assert bundled.percentiles("rms_mean")["jazz"][1] == pytest.approx(
        np.median(jazz[:, SHARED.index("rms_mean")])
    )
    found = json.loads((made / "out" / "svm.json").read_text())["protocols"]
    assert bundled.results["F"]["track_accuracy"] == round(
        found["F"]["summary"]["track_accuracy"]["mean"], 4
    )
    assert found["N"]["weights"] == bundled.digest
    card = " ".join((made / "checkpoints" / "svm-genre" / "README.md").read_text().split())
    assert f"| N | {100 * bundled.results['N']['track_accuracy']:.1f}" in card
    assert "without spectral flux" in card


def test_a_rerun_gives_the_same_svm_and_extracts_nothing(
    made: Path, both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("extracted again")

    monkeypatch.setattr("training.baseline.features.features.extract", refuse)
    again = moods_table(both, made / "runs", "mood", NAMES)
    assert again.values.shape == (50, len(NAMES))
    table = gtzan_table(both)
    setting = json.loads((made / "out" / "svm.json").read_text())["protocols"]["F"]["runs"][0][
        "setting"
    ]
    fresh = svm.train(table, np.arange(1000), svm.Setting(setting["C"], setting["gamma"]))
    assert fresh.digest == SVM.load(made / "checkpoints" / "svm-genre").digest


def test_rows_are_found_by_name_in_whatever_order(both: Path) -> None:
    table = gtzan_table(both)
    assert table.collection.names == tuple(sorted(table.collection.names))
    row = next(row for row in made_up_rows() if row["filename"] == "metal.00034.wav")
    place = table.collection.names.index("metal.00034")
    np.testing.assert_allclose(table.values[place], [row[column] for column in SHARED])
    assert table.collection.labels[table.collection.targets[place]] == "metal"
    assert (
        table.collection.groups[place]
        == table.collection.groups[table.collection.names.index("metal.00094")]
    )


def test_settings_are_chosen_on_the_validation_part_alone(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spoiled test tracks change nothing."""
    monkeypatch.setattr(svm, "C_GRID", (1.0, 10.0))
    monkeypatch.setattr(svm, "GAMMA_GRID", (0.02,))
    table = gtzan_table(both)
    split = splits.filtered(table.collection)
    chosen = svm.choose(table, split)
    table.values[split.test] = 1e6
    assert svm.choose(table, split) == chosen


def test_a_table_made_otherwise_is_refused(both: Path, tmp_path: Path) -> None:
    shutil.copytree(both / "gtzan", tmp_path / "gtzan")
    rows = made_up_rows()
    for row in rows:
        row["rolloff_mean"] = 1.02 * float(str(row["rolloff_mean"]))
    write_table(tmp_path / "gtzan" / TABLE, rows)
    with pytest.raises(DataError, match=r"rolloff_mean of jazz\.00000 is .* more than 1% apart"):
        agreement(tmp_path)


def test_what_is_missing_is_named(
    both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["svm", "--data", str(tmp_path)]) == 1
    assert f"No {TABLE} in {tmp_path}" in capsys.readouterr().err
    rows = [
        {key: value for key, value in row.items() if key != "mfcc7_var"}
        for row in made_up_rows()[:3]
    ]
    write_table(tmp_path / TABLE, rows)
    with pytest.raises(DataError, match="lacks column mfcc7_var"):
        gtzan_table(tmp_path)
    write_table(tmp_path / TABLE, [made_up_rows()[0] | {"filename": "polka.00000.wav"}])
    with pytest.raises(DataError, match=r"lacks a genre for polka\.00000"):
        gtzan_table(tmp_path)
    write_table(tmp_path / TABLE, [made_up_rows()[0] | {"rms_var": "nan"}])
    with pytest.raises(DataError, match="a value that is not a number"):
        gtzan_table(tmp_path)


def test_too_few_tracks_of_a_class_are_said_to_be_too_few(both: Path) -> None:
    table = gtzan_table(both)
    few = np.concatenate([np.arange(300), [950]])
    with pytest.raises(ValueError, match="too few tracks"):
        svm.train(table, few, svm.Setting(1, 0.02))
