"""A manifest becomes a collection, its faults are listed at once; from tones to a prediction."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.cli import main as serve
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode
from tests.training.conftest import buzz
from training.cli import main
from training.data import splits
from training.data.collection import Collection, DataError, gtzan, moods
from training.data.manifest import manifest, read
from training.release.custom import default_recipe

TONES = {"low": 110.0, "high": 1760.0}


def write(
    folder: Path,
    rows: list[tuple[str, ...]],
    header: str = "path,label,group,split",
    name: str = "tones.csv",
) -> Path:
    with (folder / name).open("w", newline="", encoding="utf-8") as out:
        out.write(header + "\n")
        csv.writer(out).writerows(rows)
    return folder / name


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tracks of 4 s of each of two labels, by eight artists; a hidden file and a text."""
    root = tmp_path_factory.mktemp("tones")
    for label, hertz in TONES.items():
        for i in range(8):
            folder = root / label / f"artist {i}"
            folder.mkdir(parents=True)
            (folder / f"{i}.wav").write_bytes(encode(buzz(hertz * (1 + i / 50), 4, seed=i)))
    (root / "low" / "._0.wav").write_bytes(b"not audio")
    (root / "low" / "notes.txt").write_text("not audio")
    return root


def rows(tones: Path) -> list[tuple[str, ...]]:
    return [
        (
            f"{label}/artist {i}/{i}.wav",
            label,
            f"artist {i}",
            "test" if i == 7 else "valid" if i == 6 else "train",
        )
        for label in TONES
        for i in range(8)
    ]


LOADERS: dict[str, Callable[[Path, Path, Path], Collection]] = {
    "gtzan": lambda data, tones, cache: gtzan(data, None, cache),
    "gtzan on the paper's front end": lambda data, tones, cache: gtzan(
        data, PAPER_FRONT_END, cache
    ),
    "moods": lambda data, tones, cache: moods(data, None, cache),
    "quadrants": lambda data, tones, cache: moods(data, None, cache, "quadrant"),
    "a folder": lambda data, tones, cache: manifest(tones, None, cache),
    "a table": lambda data, tones, cache: manifest(
        write(tones, rows(tones)), PAPER_FRONT_END, cache
    ),
}


@pytest.mark.parametrize("loader", LOADERS)
def test_what_every_loader_owes(loader: str, data: Path, tones: Path, tmp_path: Path) -> None:
    """Columns agree, no name is there twice, and the digest follows the content."""
    found = LOADERS[loader](data, tones, tmp_path)
    count = len(found.names)
    assert count == len(found.targets) == len(found.groups) == len(found.features) > 0
    assert len(set(found.names)) == count
    assert all(found.groups)
    assert found.targets.dtype == np.int64
    assert set(found.targets) == set(range(len(found.labels)))  # each label is somebody's
    for track in range(count):
        mel = found.features.mel(track)
        assert mel.shape == (found.front_end.n_mels, found.features.count(track))
        assert found.features.count(track) >= 1
        assert bool(mel.isfinite().all())
    assert (
        found.digest
        == LOADERS[loader](data, tones, tmp_path).digest
        == LOADERS[loader](data, tones, tmp_path / "other").digest
    )
    changed = [
        replace(found, targets=np.roll(found.targets, 1)),
        replace(found, groups=("somebody else", *found.groups[1:])),
        replace(found, names=("another", *found.names[1:])),
        replace(
            found,
            features=replace(
                found.features,
                tracks=(found.features.mel(0).numpy().T + 1, *found.features.tracks[1:]),
            ),
        ),
        replace(found, subsets=("train",) * count if not found.subsets else ()),
    ]
    assert len({other.digest for other in changed} | {found.digest}) == len(changed) + 1


class TestReading:
    def test_a_folder_and_a_table_of_it_say_the_same(self, tones: Path, tmp_path: Path) -> None:
        one, other = (
            manifest(tones, None, tmp_path),
            manifest(write(tones, rows(tones)), None, tmp_path),
        )
        assert one.labels == other.labels == ("high", "low")  # sorted
        told = {name: one.labels[t] for name, t in zip(one.names, one.targets, strict=True)}
        assert told == {
            name: other.labels[t] for name, t in zip(other.names, other.targets, strict=True)
        }
        assert one.groups[0] == "high/artist 0"
        assert (other.groups[0], other.subsets[7]) == ("artist 0", "test")

    def test_frames_are_what_serving_computes(self, tones: Path, tmp_path: Path) -> None:
        found = manifest(tones, PAPER_FRONT_END, tmp_path)
        waveform = decode(tones / found.names[3], downmix="normalised")
        np.testing.assert_allclose(
            found.features.mel(3), log_mel(waveform.samples, PAPER_FRONT_END), atol=0.05
        )

    @pytest.mark.parametrize(
        "header", ["path;label", "path\tlabel", "\ufeffPath, Label", "title,path,label"]
    )
    def test_tables_as_spreadsheets_save_them(self, header: str, tones: Path) -> None:
        mark = next((c for c in ";\t" if c in header), ",")
        first = ("a title",) if "title" in header else ()
        lines = [mark.join((*first, row[0], row[1])) for row in rows(tones)]
        (tones / "other.csv").write_text("\r\n".join([header, *lines]), encoding="utf-8")
        found = read(tones / "other.csv")
        assert len(found.rows) == 16
        assert found.rows[0].group == found.rows[0].name  # its own

    @pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
    def test_only_line_ends_end_a_row(self, mark: str, tones: Path) -> None:
        """As titles of playlists have them, written by pandas as the playlists' table is."""
        table = pd.DataFrame(rows(tones), columns=["path", "label", "group", "split"])
        table.insert(2, "title", f"One{mark}Two")
        table.to_csv(tones / "marked.csv", index=False)
        assert len(read(tones / "marked.csv").rows) == 16

    @pytest.mark.parametrize("stored", ["NFC", "NFD"])
    def test_names_of_another_system(self, stored: str, tmp_path: Path) -> None:
        """Backslashes, and accents that are composed or not, name the files that are there."""
        names = ("Fröhlich/Café.wav", "Düster/Öde.wav")
        for name in names:
            file = tmp_path / normalize(stored, name)
            file.parent.mkdir()
            file.touch()
        for form in ("NFC", "NFD"):
            for slash in ("/", "\\"):
                listed = [normalize(form, name).replace("/", slash) for name in names]
                lines = [f"{path},{path.split(slash)[0]}" for path in listed]
                (tmp_path / "t.csv").write_text("\n".join(["path,label", *lines]), "utf-8")
                table = read(tmp_path / "t.csv")
                assert all(row.file.is_file() for row in table.rows)
                assert set(table.labels) == {"Fröhlich", "Düster"}
        (tmp_path / "t.csv").write_text("path,label\n" + "x" * 5000 + ",a\nno\\such.wav,b\n")
        with pytest.raises(DataError, match=r"(?s)2 of the rows.*no such file.*no such file"):
            read(tmp_path / "t.csv")

    def test_a_folder_with_a_table_is_read_by_it(self, tones: Path, tmp_path: Path) -> None:
        (tmp_path / "My Moods").mkdir()
        absolute = [(str(tones / path), *rest) for path, *rest in rows(tones)]
        write(tmp_path / "My Moods", absolute, name="manifest.csv")
        assert (read(tmp_path / "My Moods").task, len(read(tmp_path / "My Moods").rows)) == (
            "my-moods",
            16,
        )


class TestRefusals:
    def test_missing_files_and_labels_are_named_together(
        self, tones: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        table = write(
            tones,
            [
                *rows(tones),
                ("gone.wav", "low", "", "train"),
                ("low/artist 0/0.mp3", "", "", "train"),
            ],
        )
        with pytest.raises(
            DataError,
            match=r"2 of the rows .*(\n.*)*gone\.wav: no such file\n.*no label\n.*--skip-broken",
        ):
            read(table)
        assert len(read(table, skip_broken=True).rows) == 16
        assert "2 left out" in capsys.readouterr().err

    def test_files_that_are_no_audio_are_named_together(
        self, tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in ("noise.wav", "empty.wav"):
            (tmp_path / name).write_bytes(b"x" * 1000 if name == "noise.wav" else b"")
        bad = [(str(tmp_path / name), "low", "", "train") for name in ("noise.wav", "empty.wav")]
        table = write(tones, [*bad, *rows(tones)])
        with pytest.raises(
            DataError, match=r"2 of 18 files can't be decoded.*(\n.*)*noise\.wav.*\n.*empty\.wav"
        ) as caught:
            manifest(table, None, tmp_path)
        assert "--skip-broken" in str(caught.value)
        found = manifest(table, None, tmp_path, skip_broken=True)
        assert len(found.names) == 16
        straight = manifest(write(tones, rows(tones)), None, tmp_path / "other")
        np.testing.assert_array_equal(found.features.mel(5), straight.features.mel(5))
        assert "2 of 18 files can't be decoded" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda r: [*r, (r[0][0], "high", "", "train")], "is there more than once"),
            (
                lambda r: [(*r[0][:3], "half"), *r[1:]],
                "line 2: split is 'half'; train, valid or test",
            ),
            (
                lambda r: [(*r[0][:3], ""), *r[1:]],
                "rows without a split: 1, the first: low/artist 0/0.wav",
            ),
            (
                lambda r: [row for row in r if row[1] == "low"],
                "have the label 'low'; two",
            ),
            (
                lambda r: [(row[0], "<b>" if row[1] == "low" else "high", *row[2:]) for row in r],
                "without markup",
            ),
            (
                lambda r: [(*row[:3], "test" if row[1] == "low" else "train") for row in r],
                "nothing to train on for low",
            ),
        ],
    )
    def test_rows_that_contradict(self, change, words: str, tones: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        with pytest.raises(DataError, match=words):
            manifest(write(tones, change(rows(tones))), None, tmp_path)

    def test_files_that_are_no_tables(self, tmp_path: Path) -> None:
        for content, words in (
            (b"\xff\xfe\x00", "UTF-8"),
            (b"file,genre\n", "columns path and label"),
            (b"", "columns path"),
        ):
            (tmp_path / "x.csv").write_bytes(content)
            with pytest.raises(DataError, match=words):
                read(tmp_path / "x.csv")
        with pytest.raises(DataError, match="no such file or folder"):
            read(tmp_path / "nowhere")
        (tmp_path / "nothing").mkdir()
        with pytest.raises(DataError, match="no audio in it"):
            read(tmp_path / "nothing")

    def test_audio_beside_the_label_folders_is_named(self, tones: Path, tmp_path: Path) -> None:
        (tmp_path / "low").mkdir()
        (tmp_path / "astray.mp3").write_bytes(b"")
        with pytest.raises(DataError, match=r"astray\.mp3: not in a subfolder"):
            read(tmp_path)

    def test_system_files_are_no_rows(
        self, tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        extra = ("low/._0.wav", "low", "artist 0", "train")
        assert len(read(write(tones, [*rows(tones), extra])).rows) == 16
        assert "1 rows name system files" in capsys.readouterr().err

    def test_a_label_alone_is_named_with_the_layout(self, tones: Path, tmp_path: Path) -> None:
        shutil.copytree(tones / "low", tmp_path / "low")
        with pytest.raises(DataError, match=r"label 'low'.*one subfolder a label.*path,label"):
            read(tmp_path)

    def test_fields_too_long_are_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text('path,label\na,"b' + "c" * 140_000)
        with pytest.raises(DataError, match=r"x\.csv, line .*quotation mark"):
            read(tmp_path / "x.csv")

    def test_a_task_that_could_not_be_served(self, tones: Path) -> None:
        with pytest.raises(DataError, match="--task-name"):
            read(tones, "Ünlike")


class TestSplits:
    def test_given_sides_are_kept(self, tones: Path, tmp_path: Path) -> None:
        found = manifest(write(tones, rows(tones)), None, tmp_path)
        split = splits.from_name("given", found)
        assert {found.names[i] for i in split.test} == {"low/artist 7/7.wav", "high/artist 7/7.wav"}
        assert [len(side) for side in (split.train, split.valid, split.test)] == [12, 2, 2]

    def test_without_validation_one_is_cut_from_training(self, tones: Path, tmp_path: Path) -> None:
        table = write(tones, [(*row[:3], row[3].replace("valid", "train")) for row in rows(tones)])
        found = manifest(table, None, tmp_path)
        split = splits.from_name("given", found)
        assert len(split.valid) > 0
        assert len(split.train) + len(split.valid) == 14
        assert not {found.groups[i] for i in split.train} & {found.groups[i] for i in split.valid}

    def test_groups_on_two_sides_are_told(
        self, tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        manifest(
            write(tones, [(row[0], row[1], "the same", row[3]) for row in rows(tones)]),
            None,
            tmp_path,
        )
        assert (
            "groups in several parts of the split, which flatters the figures: 1"
            in capsys.readouterr().err
        )

    def test_otherwise_groups_stay_whole_and_every_label_is_on_every_side(
        self, toy: Collection
    ) -> None:
        pairs = replace(
            toy, groups=tuple(f"g{i % 4}-{i // 8}" for i in range(40))
        )  # ten a label, two tracks each
        for seed in range(3):
            split = splits.from_name(f"grouped:{seed}", pairs)
            sides = [
                {pairs.groups[i] for i in side} for side in (split.train, split.valid, split.test)
            ]
            assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]  # noqa: PT018
            assert all(
                set(pairs.targets[side]) == {0, 1, 2, 3}
                for side in (split.train, split.valid, split.test)
            )

    def test_too_few_groups_are_counted(self, toy: Collection) -> None:
        with pytest.raises(DataError, match=r"fewer than 5 groups .*low \(1\)"):
            splits.from_name("grouped:0", replace(toy, groups=tuple(f"g{t}" for t in toy.targets)))
        with pytest.raises(DataError, match="has no split of its own"):
            splits.from_name("given", toy)


SMALL = [
    "epochs=12",
    "batch_size=4",
    "channels=[4,8,8,8]",
    "gru=8",
    "learning_rate=0.01",
    "averaging=0",
    "mixup=0",
    "dropout=0",
    "conv_dropout=0",
    "time_mask=0",
    "frequency_mask=0",
]


def train(source: Path, runs: Path, *more: str) -> int:
    return main(
        [
            "train",
            "manifest",
            "--data",
            str(source),
            "--runs",
            str(runs),
            "--no-progress",
            "--precision",
            "32-true",
            *more,
            "--tag",
            "small",
            "--set",
            *SMALL,
        ]
    )


@pytest.mark.parametrize("front_end", ["gtzan-mels", "paper"])
def test_from_tones_to_a_served_answer(
    front_end: str, tones: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command; its checkpoint tells new low tones from high ones on the command line."""
    table = write(tones, rows(tones))
    assert train(table, tmp_path, "--front-end", front_end, "--task-name", "mood") == 0
    said = capsys.readouterr()
    folder = Path(said.out.splitlines()[-1])
    assert folder.name == "mood-mood-start-small-given-seed0"
    assert "2 test tracks, track accuracy 1.000" in said.out
    checkpoint = Checkpoint.load(folder / "checkpoint")
    assert (checkpoint.task, checkpoint.labels) == ("mood", ("high", "low"))
    assert (
        checkpoint.front_end == {"paper": PAPER_FRONT_END, "gtzan-mels": GTZAN_FRONT_END}[front_end]
    )
    assert checkpoint.temperature != 1
    assert checkpoint.results["test"]["track_accuracy"] == 1
    assert "groups disjoint" in checkpoint.results["test"]["context"]
    assert "high 8, low 8; 8 groups" in (folder / "checkpoint" / "README.md").read_text()
    for label, hertz in TONES.items():
        (tmp_path / f"{label}.wav").write_bytes(encode(buzz(hertz * 1.1, 5, seed=99)))
        assert (
            serve(["--json", "--mood", str(folder / "checkpoint"), str(tmp_path / f"{label}.wav")])
            == 0
        )
        answer = json.loads(capsys.readouterr().out)
        assert answer["mood"]["low"] > 0.5 if label == "low" else answer["mood"]["high"] > 0.5
    assert (
        train(table, tmp_path, "--front-end", front_end, "--task-name", "mood") == 0
    )  # finished: found again, not measured again
    assert "test tracks" not in capsys.readouterr().out


def test_what_can_be_known_to_fail_fails_before_anything_is_decoded(
    tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "training.data.feature_store.decode", lambda *_, **__: pytest.fail("decoded")
    )
    arguments = ["train", "manifest", "--data", str(tones), "--runs", str(tmp_path)]
    assert main([*arguments, "--recipe", "mood"]) == 1
    assert "needs a run on another collection first" in capsys.readouterr().err
    assert main([*arguments, "--tag", "x", "--set", "channels=[4000,8,8,8]"]) == 1
    assert "largest feature map" in capsys.readouterr().err


def test_mood_is_averaged_by_default() -> None:
    assert (default_recipe("mood"), default_recipe("anything")) == ("mood-start", "genre-alone")
