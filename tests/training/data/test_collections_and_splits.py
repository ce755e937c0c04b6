"""Collections hold what their folders hold, and no split puts a group on two sides."""

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn.audio.decode import decode
from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END
from crnn.audio.mel import log_mel
from crnn.labels import GENRES, MOODS
from training.data import splits
from training.data.collection import (
    HOP_1024,
    QUADRANTS,
    Collection,
    DataError,
    gtzan,
    gtzan_groups,
    load,
    moods,
)
from training.data.feature_store import BrokenFiles, FeatureStore
from training.data.partial_labels import auxiliary_clips


def test_gtzan_from_audio_files(data: Path, tmp_path: Path) -> None:
    collection = gtzan(data, None, tmp_path)
    assert collection.labels == GENRES
    assert collection.names[:3] == ("blues.00000", "blues.00001", "classical.00000")
    assert [GENRES[t] for t in collection.targets[:3]] == ["blues", "blues", "classical"]


def test_system_files_are_no_tracks(data: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    for folder in ("gtzan/blues", "moods4q/audio"):
        for name in ("._blues.00000.wav", "Thumbs.db", ".DS_Store", "C0.txt"):
            (tmp_path / "data" / folder / name).write_bytes(b"no audio")
    for task in ("genre", "quadrant"):
        cache = tmp_path / "cache"
        assert load(task, tmp_path / "data", cache).names == load(task, data, cache).names


def test_broken_and_missing_tracks_may_be_skipped(data: Path, tmp_path: Path) -> None:
    root, cache = tmp_path / "data", tmp_path / "cache"
    shutil.copytree(data, root)
    (root / "gtzan/jazz/jazz.00001.wav").write_bytes(b"no audio")
    (root / "moods4q/audio/C3.flac").write_bytes(b"no audio")
    (root / "moods4q/audio/C9.flac").unlink()
    for task, lost in (("genre", {"jazz.00001"}), ("quadrant", {"C3", "C9"})):
        with pytest.raises((DataError, BrokenFiles)):
            load(task, root, cache)
        found, whole = load(task, root, cache, skip_broken=True), load(task, data, cache)
        assert set(whole.names) - set(found.names) == lost
        labels = dict(zip(whole.names, whole.targets, strict=True))
        assert [labels[name] for name in found.names] == found.targets.tolist()
    skipped = auxiliary_clips(root, cache, skip_broken=True)
    assert len(skipped.features) == len(auxiliary_clips(data, cache).features) - 1  # C3 is N's


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("quadrant", "q", 1), "lacks the columns quadrant"),
        (lambda text: "", "is not a table"),
        (lambda text: text.replace("Happy", "Glad"), "mood is 'Glad'; one of"),
    ],
)
def test_annotations_of_another_form(
    change: Callable[[str], str], words: str, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "moods4q").mkdir()
    (tmp_path / "moods4q/audio").symlink_to(data / "moods4q/audio")
    text = (data / "moods4q/annotations.csv").read_text()
    (tmp_path / "moods4q/annotations.csv").write_text(change(text))
    with pytest.raises(DataError, match=words):
        moods(tmp_path, None, tmp_path / "cache")


@pytest.mark.parametrize("name", ["mels.npz", "mels_1024.npz"])
def test_damaged_archives_are_a_sentence_without_advice(name: str, tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.savez_compressed(whole, name=np.array(["blues.00000"]), X=np.zeros((1, 128, 9)))
    objects, array = io.BytesIO(), io.BytesIO()
    np.savez(objects, name=np.array([{}], dtype=object), X=np.zeros(1))
    np.save(array, np.zeros(3))
    contents = [whole.getvalue(), whole.getvalue()[:-40], objects.getvalue(), array.getvalue()]
    contents += [b"", b"\x80\x04N."]
    for content in contents:  # the first lacks a key
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} is damaged or not the published") as caught:
            gtzan(tmp_path, GTZAN_FRONT_END, tmp_path)
        assert "pickle" not in str(caught.value)


def test_frames_are_what_serving_computes(data: Path, tmp_path: Path) -> None:
    collection = gtzan(data, PAPER_FRONT_END, tmp_path)
    waveform = decode(data / "gtzan/jazz/jazz.00001.wav", downmix="normalised")
    ours = collection.features.mel(collection.names.index("jazz.00001"))
    np.testing.assert_allclose(
        ours, log_mel(waveform.samples, PAPER_FRONT_END), atol=0.05
    )  # dB; stored as float16


def test_frames_are_computed_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gtzan(data, None, tmp_path)
    monkeypatch.setattr(
        "training.data.feature_store.decode", lambda *_, **__: pytest.fail("decoded again")
    )
    again = gtzan(data, None, tmp_path)
    np.testing.assert_array_equal(again.features.mel(3), first.features.mel(3))


def test_gtzan_from_the_former_mels(tmp_path: Path) -> None:
    """uint8 steps of range_db / 256 below the clip's maximum, on the grid of hop 1709."""
    (tmp_path / "gtzan").mkdir()
    values = np.random.default_rng(0).integers(0, 256, (2, 128, 50), dtype=np.uint8)
    np.savez(
        tmp_path / "gtzan/mels.npz",
        X=values,
        name=["rock.00007", "pop.00001"],
        range_db=np.array([80.0, 72.5]),
    )
    collection = gtzan(tmp_path, None, tmp_path)
    assert collection.names == ("rock.00007", "pop.00001")
    assert collection.front_end == GTZAN_FRONT_END
    expected = (values[1] + 0.5) / 256 * 72.5 - 72.5
    np.testing.assert_allclose(collection.features.mel(1), expected, atol=0.05)


class TestMelsAtHop1024:
    """mels_1024.npz of both collections: a ramp over columns shows which of them were taken."""

    @pytest.fixture
    def published(self, data: Path, tmp_path: Path) -> Path:
        """Two GTZAN tracks of 60 and 31 frames, and all clips of moods4q, of 40."""
        ramp = np.arange(60, dtype=np.uint8)
        (tmp_path / "gtzan").mkdir()
        np.savez(
            tmp_path / "gtzan/mels_1024.npz",
            X=np.broadcast_to(ramp, (2, 128, 60)),
            name=["rock.00007", "pop.00001"],
            n_samples=np.array([70_000, 30 * 1024 + 5]),
            peak_db=np.zeros(2),
        )
        (tmp_path / "gtzan/mels.npz").write_bytes(b"not read")
        (tmp_path / "moods4q").mkdir()
        (tmp_path / "moods4q/annotations.csv").write_bytes(
            (data / "moods4q/annotations.csv").read_bytes()
        )
        clips = np.array([f"C{i}" for i in reversed(range(60))])
        rows = (ramp[:45] + np.arange(60)[:, None] % 2).astype(np.uint8)  # odd rows: even clips
        np.savez(
            tmp_path / "moods4q/mels_1024.npz",
            X=np.broadcast_to(rows[:, None], (60, 128, 45)),
            clip=clips,
            n_frames=np.full(60, 40),
        )
        return tmp_path

    def test_gtzan_at_its_own_grid(self, published: Path) -> None:
        collection = gtzan(published, None, published)
        assert (collection.front_end, collection.front_end.hop_length) == (HOP_1024, 1024)
        assert collection.names == ("rock.00007", "pop.00001")
        # Frames past the end of a clip are left out; the lowest step is silence.
        assert [collection.features.count(i) for i in range(2)] == [60, 31]
        expected = (np.arange(31) + 0.5) / 128 * 80 - 80
        expected[0] = -80
        np.testing.assert_allclose(collection.features.mel(1)[5], expected, atol=0.05)

    def test_the_former_grid_gets_the_nearest_columns(self, published: Path) -> None:
        collection = gtzan(published, GTZAN_FRONT_END, published)
        assert collection.front_end == GTZAN_FRONT_END
        assert collection.features.count(0) == 59 * 1024 // 1709 + 1
        taken = (collection.features.mel(0)[0].numpy() + 80) / 80 * 128 - 0.5
        apart = np.abs(taken[1:] * 1024 - np.arange(1, len(taken)) * 1709)
        assert apart.max() <= 512 + 1024 * 0.05  # half a column; stored as float16

    def test_moods_by_the_names_of_their_clips(self, published: Path) -> None:
        collection = moods(published, None, published, "quadrant")
        assert (collection.front_end, len(collection.names)) == (HOP_1024, 60)
        assert {collection.features.count(i) for i in range(60)} == {40}
        for clip in (4, 5):
            step = collection.features.mel(clip)[0, 7].item()
            assert step == pytest.approx((7 + (clip + 1) % 2 + 0.5) / 64 * 80 - 80, abs=0.05)
        former = moods(published, GTZAN_FRONT_END, published)
        assert (former.front_end, former.features.count(0)) == (GTZAN_FRONT_END, 24)

    def test_auxiliary_clips_share_the_grid(self, published: Path) -> None:
        assert auxiliary_clips(published, published).features.count(0) == 40

    def test_another_front_end_needs_audio(self, published: Path) -> None:
        with pytest.raises(DataError, match="expected mels_1024"):
            gtzan(published, PAPER_FRONT_END, published)
        with pytest.raises(DataError, match="lacks 60 of 60"):
            moods(published, PAPER_FRONT_END, published)

    def test_one_collections_grid_is_the_others_too(self, data: Path, published: Path) -> None:
        """Or a network of one could not be initialised from one of the other."""
        (published / "moods4q/mels_1024.npz").unlink()
        (published / "moods4q/audio").symlink_to(data / "moods4q/audio")
        assert moods(published, None, published).front_end == HOP_1024


def test_moods_keep_the_labelled_clips(data: Path, tmp_path: Path) -> None:
    assert len(moods(data, None, tmp_path).names) == 50
    assert moods(data, None, tmp_path).labels == MOODS
    everyone = load("quadrant", data, tmp_path)
    assert (len(everyone.names), everyone.labels) == (60, QUADRANTS)
    songs = load("new-songs", data, tmp_path)
    assert (songs.names, {GENRES[t] for t in songs.targets}) == (("C0", "C1", "C2", "C3"), {"jazz"})


def test_moods_labels_are_those_of_the_table(data: Path, tmp_path: Path) -> None:
    with (data / "moods4q/annotations.csv").open() as lines:
        table = {row["clip"]: row for row in csv.DictReader(lines)}
    collection = moods(data, None, tmp_path)
    for name, target, group in zip(
        collection.names, collection.targets, collection.groups, strict=True
    ):
        assert (MOODS[target], group) == (table[name]["mood"], table[name]["artist"])


@pytest.mark.parametrize("task", ["genre", "mood"])
def test_an_empty_folder_says_what_was_expected(task: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected"):
        load(task, tmp_path, tmp_path)


def thousand() -> Collection:
    """GTZAN's names with one frame each."""
    names = tuple(f"{genre}.{i:05d}" for genre in GENRES for i in range(100))
    targets = np.repeat(np.arange(10), 100)
    frames = FeatureStore.from_mels([np.zeros((1, 1))] * 1000)
    return Collection("gtzan", GENRES, GTZAN_FRONT_END, names, targets, gtzan_groups(names), frames)


def sides(split: splits.Split) -> list[set[int]]:
    return [set(side.tolist()) for side in (split.train, split.valid, split.test)]


@pytest.mark.parametrize("seed", range(2))
def test_paper_split_is_90_10_then_80_20_with_copies_together(seed: int) -> None:
    collection = thousand()
    split = splits.paper(collection, seed)
    train, valid, test = sides(split)
    assert len(train | valid | test) == 1000 == len(train) + len(valid) + len(test)
    assert len(test) == pytest.approx(100, abs=5)
    assert len(valid) == pytest.approx(180, abs=8)
    per_genre = np.bincount(collection.targets[split.test], minlength=10)
    assert per_genre.min() >= 8
    groups = np.array(collection.groups)
    for one, other in ((train, test), (train, valid), (valid, test)):
        assert not set(groups[list(one)]) & set(groups[list(other)])


def test_paper_splits_differ_by_seed_and_repeat_with_it() -> None:
    collection = thousand()
    first = sides(splits.paper(collection, 1))
    assert sides(splits.paper(collection, 1)) == first
    assert sides(splits.paper(collection, 2)) != first


def test_copies_are_one_group_even_across_genres() -> None:
    collection = thousand()
    group = dict(zip(collection.names, collection.groups, strict=True))
    assert group["metal.00058"] == group["rock.00016"]
    assert group["jazz.00046"] == group["jazz.00072"]
    assert group["hiphop.00039"] == group["hiphop.00045"] != group["hiphop.00040"]
    assert len(set(collection.groups)) == 1000 - 28


def test_filtered_lists_have_their_published_sizes() -> None:
    split = splits.filtered(thousand())
    assert [len(side) for side in sides(split)] == [443, 197, 290]
    assert not set.intersection(*sides(split))


def test_filtered_folds_validate_on_everything_but_the_test_tracks_and_keep_artists_whole() -> None:
    """Artists of up to four tracks, in two genres; of every tenth track none is known."""
    collection = thousand()
    artists = tuple("" if i % 10 == 0 else f"artist {i % 500 // 2}" for i in range(1000))
    folds = [
        splits.from_name(f"filtered:{fold}", replace(collection, artists=artists))
        for fold in range(5)
    ]
    filtered = splits.filtered(collection)
    validated = np.concatenate([fold.valid for fold in folds])
    assert len(validated) == 640
    assert not set(validated) & set(filtered.test)
    for fold in folds:
        assert set(fold.train) | set(fold.valid) == set(validated)
        assert not {artists[i] for i in fold.train} & {artists[i] for i in fold.valid} - {""}
        assert len(fold.test) == 0


def test_filtered_folds_need_artists(tmp_path: Path, data: Path) -> None:
    assert load("genre", data, tmp_path).artists == ()
    with pytest.raises(DataError, match=r"gtzan/annotations\.csv"):
        splits.from_name("filtered:0", thousand())


def test_artists_of_gtzan_come_from_its_annotations(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    table = "name,artist,title\nblues.00001,B. B. King,Why I Sing the Blues\nrock.00000,Queen,\n"
    (folder / "gtzan" / "annotations.csv").write_text(table)
    collection = load("genre", folder, tmp_path / "frames")
    known = dict(zip(collection.names, collection.artists, strict=True))
    assert (known["blues.00001"], known["rock.00000"], known["blues.00000"]) == (
        "B. B. King",
        "Queen",
        "",
    )


def test_filtered_lists_need_all_their_tracks(toy: Collection) -> None:
    with pytest.raises(
        DataError, match="930 tracks of the filtered lists are missing, the first: blues"
    ):
        splits.filtered(toy)


def test_mood_folds_test_everyone_once_and_no_artist_twice(data: Path, tmp_path: Path) -> None:
    collection = moods(data, None, tmp_path)
    folds = splits.folds(collection)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(
        range(len(collection.names))
    )
    artists = np.array(collection.groups)
    for fold in folds:
        assert not set(artists[fold.train]) & set(artists[fold.test])
        inside = splits.within(collection, fold)
        assert not set(artists[inside.train]) & set(artists[inside.valid])
        assert set(inside.train) | set(inside.valid) == set(fold.train)


@pytest.mark.parametrize("name", ["half", "paper:x", "fold:5", "fold:9/valid", "fold:"])
def test_unknown_splits_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is needed"):
        splits.from_name(name, thousand())


def test_tags_are_the_words_that_enough_clips_carry(data: Path, tmp_path: Path) -> None:
    collection = moods(data, None, tmp_path, "quadrant")
    assert collection.tag_names == ("Calm", "Jazz")
    assert collection.tags is not None
    np.testing.assert_array_equal(collection.tags, [[i % 2, i % 2] for i in range(60)])
    other = replace(collection, tags=1 - collection.tags)
    assert other.digest != collection.digest


def test_artists_of_new_songs_are_kept_out_with_all_their_clips(data: Path, tmp_path: Path) -> None:
    """C0 and C1 … have one artist: training for protocol N never meets a new song's artist."""
    collection = moods(data, None, tmp_path, "quadrant")
    songs = moods(data, None, tmp_path, "genre")
    taught = splits.from_name("known", collection).train
    assert not {collection.groups[i] for i in taught} & set(songs.groups)
    assert (
        len(taught)
        == 60 - sum(group in songs.groups for group in collection.groups)
        < 60 - len(songs.names)
    )
