"""The paper's tables as rows, the reproduction of everything, and music that comes re-encoded."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd, band_frequencies
from crnn.audio.mel import log_mel
from crnn.augment.plan import Strengths
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode, melody
from training.cli import main
from training.data import splits
from training.data.collection import Collection
from training.engine.experiment import Experiment
from training.engine.recipes import PAPER, RECIPES, Recipe
from training.engine.run import RunSpec
from training.experiments import codecs, paper_tables
from training.experiments.ablation import ABLATIONS
from training.release.reproduce import Step, duration, reproduce, steps, write

TINY = Recipe(epochs=1, batch_size=8, channels=(4, 4, 4, 4), gru=4, patience=0)


@pytest.mark.parametrize("width", ["narrow", "paper"])
def test_rows_differ_in_what_they_are_about_and_equal_names_are_equal_runs(width: str) -> None:
    by_name = {}
    for table in paper_tables.TABLES.values():
        for row in table.rows(width):
            spec = row.spec(0)
            assert by_name.setdefault(spec.name, spec) == spec
            assert spec.recipe.channels == (
                paper_tables.NARROW if width == "narrow" else PAPER.channels
            )
    assert (
        len(by_name) == 4 + 4 + 3 + 2 + 1 + 2
    )  # V, VII's own, choices of genre, of mood, the grid's own, optimism's own


def test_rows_keep_the_papers_settings_but_for_one() -> None:
    for row in paper_tables.TABLES["VII-trained"].rows("paper"):
        changed = {
            key for key, value in row.recipe.to_dict().items() if value != PAPER.to_dict()[key]
        }
        assert len(changed) == (row.name != "none (baseline)")


def test_a_rows_figures_are_means_over_its_seeds(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Experiment, "collection", lambda self, task, front_end=None: toy)
    experiment = Experiment(tmp_path, tmp_path, precision="32-true", progress=False)
    row = paper_tables.Row(
        "tiny", TINY, "tiny", "toy", "paper:{seed}", corruption=Strengths(snr_db=0.0)
    )
    found, right = paper_tables.measure(experiment, row, [0, 1])
    assert found["runs"] == ["toy-tiny-paper0-seed0", "toy-tiny-paper1-seed1"]
    for key in (*paper_tables.METRICS, "track_accuracy_spoilt_alike"):
        assert found[key]["mean"] == pytest.approx(np.mean(found[key]["each"]))
        assert found[key]["sd"] == pytest.approx(np.std(found[key]["each"], ddof=1))
    assert found["track_accuracy"]["mean"] == pytest.approx(right.mean())  # test parts of one size


def test_rows_of_one_table_are_compared_track_by_track(
    toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Experiment, "collection", lambda self, task, front_end=None: toy)
    experiment = Experiment(tmp_path, tmp_path, precision="32-true", progress=False)
    other = replace(TINY, gru=5)
    rows = [
        paper_tables.Row("one", TINY, "one", "toy"),
        paper_tables.Row("other", other, "other", "toy", reference="one"),
    ]
    monkeypatch.setattr(paper_tables.Table, "rows", lambda self, width: rows)
    tiny = paper_tables.Table("Tiny", "Made up.", ())
    monkeypatch.setitem(paper_tables.TABLES, "tiny", tiny)
    found = paper_tables.table(experiment, "tiny", [0, 1])
    one, two = found["rows"]
    assert "p_value" not in one
    difference = (two["tracks_won"] - two["tracks_lost"]) / (2 * len(splits.paper(toy, 0).test))
    assert two["track_accuracy"]["mean"] - one["track_accuracy"]["mean"] == pytest.approx(
        difference
    )
    assert "against “one”" in found["context"]


@pytest.mark.parametrize("width", ["narrow", "paper"])
def test_a_row_is_compared_with_one_of_its_table_on_the_same_tracks(width: str) -> None:
    for table in paper_tables.TABLES.values():
        by_name = {row.name: row for row in table.rows(width)}
        for row in by_name.values():
            if row.reference:
                assert by_name[row.reference].task == row.task
                assert by_name[row.reference].split == row.split


def test_copies_fall_on_both_sides_only_where_that_is_measured(toy: Collection) -> None:
    paired = replace(
        toy, groups=tuple(f"g{i // 2}" for i in range(40)), targets=np.arange(40) // 2 % 4
    )

    def shared(name: str) -> int:
        split = splits.from_name(name, paired)
        sides = [
            {paired.groups[i] for i in side} for side in (split.train, split.valid, split.test)
        ]
        return sum(
            len(a & b)
            for a, b in ((sides[0], sides[1]), (sides[0], sides[2]), (sides[1], sides[2]))
        )

    assert shared("paper:0") == shared("fold:0") == shared("fold:0/both") == 0
    assert shared("paper:0/copies") > 0
    assert shared("fold:0/mixed") > 0


def test_both_is_validation_of_valid_and_test_of_the_fold(toy: Collection) -> None:
    both, valid, fold = (
        splits.from_name(name, toy) for name in ("fold:1/both", "fold:1/valid", "fold:1")
    )
    assert np.array_equal(both.valid, valid.valid)
    assert np.array_equal(both.train, valid.train)
    assert np.array_equal(both.test, fold.test)


class TestReproduce:
    def test_every_result_knows_its_runs(self, tmp_path: Path) -> None:
        plan = {
            step.name: step for step in steps(Experiment(tmp_path, tmp_path), [0, 1], [0], "narrow")
        }
        assert set(plan) == {
            "F",
            "VII",
            "P",
            "M",
            "M-quadrants",
            "curves",
            *ABLATIONS,
            "noise",
            "codecs",
            "doubt",
            *paper_tables.TABLES,
            "F-genre-alone",
            "F-genre-unmixed",
            "F-genre-mixstyle",
            "F-genre-six-seconds",
            "P-genre-six-seconds",
            "P-genre-mixstyle",
            "P-genre-unmixed",
            "P-genre-loose",
            "M-mood-labels",
            "M-mood-tags",
            "M-quadrants-mood-labels",
            "M-quadrants-mood-tags",
            "M-quadrants-mixed-mood-tags",
            "M-mood-mixstyle",
            "M-quadrants-mood-mixstyle",
        }
        assert {front_end for _, front_end in plan["mood-grid"].runs} == {
            GTZAN_FRONT_END,
            PAPER_FRONT_END,
        }
        assert [spec.split for spec, _ in plan["P"].runs] == ["paper:0", "paper:1"]
        assert plan["VII"].runs == plan["F"].runs
        assert {spec.recipe_name for spec, _ in plan["P-genre-loose"].runs} == {"genre-loose"}
        assert [spec.split for spec, _ in plan["M-quadrants-mixed-mood-tags"].runs] == [
            f"fold:{k}/mixed" for k in range(5)
        ]
        assert {(spec.task, spec.recipe_name) for spec, _ in plan["M-mood-labels"].runs} == {
            ("mood", "mood-labels")
        }

    def test_each_run_has_the_hop_of_its_recipe_and_one_front_end(self, tmp_path: Path) -> None:
        experiment = Experiment(tmp_path, tmp_path)
        front_ends: dict[str, set[FrontEnd]] = {}
        for step in steps(experiment, [0, 1], [0], "narrow"):
            for spec, front_end in step.runs:
                assert front_end is not None
                if spec.recipe.hop_length is not None:
                    assert front_end.hop_length == spec.recipe.hop_length
                for run in (spec, experiment.init_from(spec)):
                    if run is not None:
                        front_ends.setdefault(run.name, set()).add(front_end)
        assert {name: found for name, found in front_ends.items() if len(found) > 1} == {}

    def test_a_rehearsal_trains_runs_of_its_own(self, toy: Collection, tmp_path: Path) -> None:
        experiment = Experiment(
            tmp_path, tmp_path, progress=False, precision="32-true", max_epochs=1
        )
        spec = replace(
            experiment.spec("genre", "all", 0),
            recipe=replace(TINY, epochs=3),
            recipe_name="tiny",
            task="toy",
        )
        assert not experiment.finished(spec)
        assert experiment.train(spec, toy).name == "toy-tiny-1epochs-all-seed0"
        assert experiment.finished(spec)
        assert not replace(experiment, max_epochs=None).finished(spec)

    def test_each_run_is_trained_on_its_front_end_then_measured(
        self, toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            Experiment,
            "collection",
            lambda self, task, front_end=None: (
                toy if front_end is None else replace(toy, front_end=front_end)
            ),
        )
        ours, theirs = (RunSpec("toy", name, TINY, "all", 0) for name in ("ours", "theirs"))
        plan = [Step("first", ((ours, None), (theirs, PAPER_FRONT_END)), lambda: {"rows": [1]})]
        monkeypatch.setattr("training.release.reproduce.steps", lambda *_: plan)
        said: list[str] = []
        experiment = Experiment(tmp_path, tmp_path, progress=False, precision="32-true")
        (file,) = reproduce(experiment, [0], [0], "narrow", tmp_path / "out", said.append)
        assert json.loads(file.read_text()) == {"rows": [1]}
        assert Checkpoint.load(tmp_path / theirs.name / "checkpoint").front_end == PAPER_FRONT_END
        assert Checkpoint.load(tmp_path / ours.name / "checkpoint").front_end == GTZAN_FRONT_END
        assert said[0] == "2 runs, 0 of them finished already."
        assert "left" in said[2]
        said.clear()
        reproduce(experiment, [0], [0], "narrow", tmp_path / "out", said.append)
        assert said[0] == "2 runs, 2 of them finished already."

    def test_what_a_run_begins_from_is_a_run_of_the_plan(
        self, toy: Collection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = {"toy": GTZAN_FRONT_END, "other": PAPER_FRONT_END}  # each task's front end
        monkeypatch.setattr(
            Experiment,
            "collection",
            lambda self, task, front_end=None: replace(toy, front_end=front_end or own[task]),
        )
        monkeypatch.setitem(RECIPES, "first", replace(TINY, epochs=1))
        later = RunSpec(
            "toy", "later", replace(TINY, epochs=1, init_from="other/first/all"), "all", 0
        )
        monkeypatch.setattr(
            "training.release.reproduce.steps",
            lambda *_: [Step("one", ((later, None),), lambda: {})],
        )
        said: list[str] = []
        reproduce(
            Experiment(tmp_path, tmp_path, progress=False, precision="32-true"),
            [0],
            [0],
            "narrow",
            tmp_path,
            said.append,
        )
        assert said[:2] == ["2 runs, 0 of them finished already.", "[1/2] other-first-all-seed0"]
        assert said[2].endswith("left] toy-later-all-seed0")
        begun = Checkpoint.load(tmp_path / "other-first-all-seed0" / "checkpoint")
        assert begun.front_end == GTZAN_FRONT_END  # that of the run that begins from it

    def test_what_somebody_wrote_on_a_result_stays(self, tmp_path: Path) -> None:
        write(tmp_path, "V", {"rows": [1], "note": "why"})
        assert json.loads(write(tmp_path, "V", {"rows": [2], "note": ""}).read_text()) == {
            "rows": [2],
            "note": "why",
        }

    def test_durations_read_like_durations(self) -> None:
        assert [duration(s) for s in (3, 600, 3600, 7500)] == [
            "1 min",
            "10 min",
            "1 h 00 min",
            "2 h 05 min",
        ]

    def test_an_unknown_table_is_named(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert main(["tables", "IX", "--data", str(tmp_path)]) == 1
        assert "'IX'" in capsys.readouterr().err


class TestCodecs:
    @pytest.mark.parametrize("codec", codecs.CODECS, ids=lambda codec: codec.container)
    def test_re_encoded_music_is_the_same_music(self, codec: codecs.Codec) -> None:
        samples = melody(5)
        data = codecs.encode(samples, 22_050, codec)
        again = decode(data).samples
        assert len(data) < 2.0 * 5 * codec.bits / 8
        assert abs(len(again) - len(samples)) < 0.2 * 22_050
        # A telephone carries the lower bands alone.
        kept = band_frequencies(GTZAN_FRONT_END) < 0.4 * codec.sample_rate
        before, after = (
            log_mel(each, GTZAN_FRONT_END).numpy()[kept, :60] for each in (samples, again)
        )
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.9

    def test_distance_is_between_nought_and_one_and_of_every_network(
        self, tmp_path: Path, tiny: Checkpoint
    ) -> None:
        (tmp_path / "audio" / "jazz").mkdir(parents=True)
        for i in range(2):
            (tmp_path / "audio" / "jazz" / f"jazz.{i:05d}.flac").write_bytes(
                encode(melody(4, seed=i), kind="FLAC")
            )
        tiny.save(tmp_path / "net")
        found = codecs.measure(tmp_path, [tmp_path / "net"], progress=False)
        assert [row["name"] for row in found["rows"]] == [
            f"{tiny.task.capitalize()}: {codec.name}" for codec in codecs.CODECS
        ]
        assert all(
            0 <= row["total_variation"]["mean"] <= row["total_variation_max"]["mean"] <= 1
            for row in found["rows"]
        )

    def test_without_lossless_clips_it_says_where_it_looked(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["codecs", "--data", str(tmp_path)]) == 1
        assert "*.flac" in capsys.readouterr().err
