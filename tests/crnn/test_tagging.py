"""Tags are written, kept and undone as planned; FFmpeg, in a process of its own, reads them."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TCON, TIT2, TYER

from crnn import tagging
from crnn.cli import main
from crnn.errors import CrnnError
from crnn.inference import Analysis, Prediction, to_audacity
from crnn.model.ood import OODScore
from crnn.tagging import COLUMNS, Row
from tests.conftest import encode, encode_av, melody

READER = """
import hashlib, json, sys
import av

for name in sys.argv[1:]:
    with av.open(name) as media:
        stream = media.streams.audio[0]
        tags = {**media.metadata, **stream.metadata}
        stored, decoded = hashlib.md5(), hashlib.md5()
        for packet in media.demux(stream):
            stored.update(bytes(packet))
            for frame in packet.decode():
                decoded.update(frame.to_ndarray().tobytes())
    tags = {key.lower(): value for key, value in tags.items()}
    mood = tags.get("mood", tags.get("tmoo"))
    audio = stored.hexdigest() + decoded.hexdigest()
    print(json.dumps([tags.get("title"), tags.get("genre"), mood, audio]))
"""
RESULTS = Path(__file__).parents[2] / "assets" / "results"
ROCK = {"genre": "Hip-hop", "mood": "Sad"}


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    samples = melody(3, 44_100)
    for name, content in {
        "a.mp3": encode(samples, 44_100, "MP3"),
        "b.flac": encode(samples, 44_100, "FLAC"),
        "c.ogg": encode(samples, 44_100, "OGG"),
        "d.opus": encode(melody(3, 48_000), 48_000, "OGG", "OPUS"),
        "e.m4a": encode_av(samples, 44_100, "ipod", "aac", title="Title"),
    }.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def music(originals: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(originals, tmp_path / "music"))


def read(files: list[Path]) -> list[list[str | None]]:
    """Title, genre, mood, audio of each file, by FFmpeg."""
    command = [sys.executable, "-c", READER, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(file: str = "a.mp3", **cells: str) -> Row:
    return dict.fromkeys(COLUMNS, "") | {"file": file} | cells


def analysis(genre: float = 0.8, mood: float = 0.8, ood: bool = False) -> Analysis:
    score = OODScore(2.0, 1.0) if ood else OODScore(0.5, 1.0)
    overall = {"genre": np.array([1 - genre, genre]), "mood": np.array([mood, 1 - mood])}
    labels = {"genre": ("rock", "hiphop"), "mood": ("Sad", "Happy")}
    predictions = tuple(
        Prediction(task, labels[task], p[None], np.zeros(1), 3.0, p, ood=score)
        for task, p in overall.items()
    )
    return Analysis(None, None, predictions)  # type: ignore[arg-type]


def test_ffmpeg_reads_the_tags_and_the_same_audio_in_every_format(music: Path) -> None:
    files = sorted(music.iterdir())
    before = read(files)
    for file in files:
        assert tagging.read(file) == {"genre": "", "mood": ""}
        tagging.write(file, ROCK)
        assert tagging.read(file) == ROCK
    written = read(files)
    assert [each[1:3] for each in written] == [["Hip-hop", "Sad"]] * len(files)
    for file in files:
        tagging.write(file, {"genre": "", "mood": ""})
    undone = read(files)
    for old, new, last in zip(before, written, undone, strict=True):
        assert new[0] == last[0] == old[0]  # the title
        assert new[3] == last[3] == old[3]  # the audio
        assert last[1:3] == old[1:3] == [None, None]
    assert sorted(music.iterdir()) == files


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["a.mp3", "b.flac", "e.m4a"])
@pytest.mark.parametrize("before", ["", "Jazz", "Jazz\\\\Hip-hop", "Electronic; 100% =fun"])
def test_what_was_there_stays_unless_told_and_comes_back(
    name: str, before: str, overwrite: bool, music: Path
) -> None:
    file = music / name
    tagging.write(file, {"genre": before})
    planned = tagging.plan(name, file, analysis())
    assert planned["genre_before"] == before
    changed = tagging.apply(planned, file, overwrite)
    kept = bool(before) and not overwrite
    assert changed == ({} if kept else {"genre": "Hip-hop"}) | {"mood": "Sad"}
    assert tagging.read(file) == {"genre": before if kept else "Hip-hop", "mood": "Sad"}
    assert tagging.apply(planned, file, overwrite) == {}  # once is enough
    tagging.undo(planned, file)
    assert tagging.read(file) == {"genre": before, "mood": ""}
    assert tagging.undo(planned, file) == {}


def test_what_others_changed_since_the_plan_is_left_alone(music: Path) -> None:
    file = music / "a.mp3"
    planned = tagging.plan("a.mp3", file, analysis())
    tagging.write(file, {"genre": "Polka"})
    with pytest.raises(CrnnError, match="changed since the plan"):
        tagging.apply(planned, file, overwrite=True)
    assert tagging.read(file) == {"genre": "Polka", "mood": ""}
    assert tagging.undo(planned, file) == {}


@pytest.mark.parametrize(
    ("probability", "ood", "written"), [(0.71, False, True), (0.69, False, False), (1, True, False)]
)
def test_only_confident_predictions_of_familiar_music_are_planned(
    probability: float, ood: bool, written: bool, music: Path
) -> None:
    planned = tagging.plan("a.mp3", music / "a.mp3", analysis(genre=probability, ood=ood))
    assert planned["genre"] == ("Hip-hop" if written else "")
    assert planned["genre_predicted"] == "Hip-hop" + " ?" * ood


@pytest.mark.parametrize("protocol", ["F", "M"])
def test_the_default_confidence_is_what_help_says(protocol: str) -> None:
    """More than four in five correct, for about half of the tracks of artist-disjoint tests."""
    runs = json.loads((RESULTS / f"{protocol}.json").read_text())["runs"]
    bins = [each for run in runs for each in run["reliability"]]
    sure = [each for each in bins if each["confidence"] >= tagging.MIN_CONFIDENCE]
    tracks = sum(each["tracks"] for each in sure)
    assert sum(each["right"] * each["tracks"] for each in sure) / tracks > 0.8
    assert 0.4 < tracks / sum(each["tracks"] for each in bins) < 0.65


def test_an_id3_tag_keeps_its_version_and_every_frame(music: Path) -> None:
    """mutagen would turn version 2.3 into 2.4 and drop frames that it does not know."""
    file = music / "a.mp3"
    tag = ID3()
    for frame in (
        TYER(encoding=0, text="1999"),
        TCON(encoding=0, text="(17)"),
        TIT2(encoding=0, text=["One", "Two"]),
    ):
        tag.add(frame)
    tag.save(file, v2_version=3, v23_sep=None)
    content = bytearray(file.read_bytes())
    unknown = b"XYZ1\x00\x00\x00\x05\x00\x00\x00abcd"  # in the padding
    place = content.index(b"1999\0") + 5
    content[place : place + len(unknown)] = unknown
    file.write_bytes(content)
    assert tagging.read(file)["genre"] == "Rock"  # number 17 of ID3's list
    before = read([file])
    tagging.write(file, {"mood": "Sad"})
    content = bytearray(file.read_bytes())
    assert content[:4] == b"ID3\x03"
    for piece in (b"TYER", b"(17)", unknown, b"TMOO"):
        assert piece in content
    (title, genre, mood, audio) = read([file])[0]
    assert [title, genre, audio] == [before[0][0], before[0][1], before[0][3]]
    assert mood == "Sad"


def test_a_file_is_never_half_written(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = music / "b.flac"
    content, names = file.read_bytes(), sorted(music.iterdir())

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CrnnError, match=r"can't be written: No space left on device\.$"):
        tagging.write(file, ROCK)
    assert file.read_bytes() == content
    assert sorted(music.iterdir()) == names


def test_nothing_is_written_where_mutagen_would_break_the_audio(tmp_path: Path) -> None:
    """As it does in MP4 files that are made of fragments."""
    file = tmp_path / "fragments.mp4"
    file.write_bytes(encode_av(melody(3), 22_050, "mp4", "aac", index_first=True))
    content = file.read_bytes()
    with pytest.raises(CrnnError, match="the audio would change"):
        tagging.write(file, ROCK)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


@pytest.fixture
def unprivileged(music: Path) -> Iterator[Path]:
    """A folder of someone else's; permissions do not bind root, as whom tests may run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(shutil.copytree(music, Path(name) / "music"))
        for each in (Path(name), folder):
            each.chmod(0o755)
        if root := os.geteuid() == 0:
            os.seteuid(65_534)
        else:
            folder.chmod(0o555)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_read_only_folder_is_one_clear_line(unprivileged: Path) -> None:
    with pytest.raises(CrnnError, match=r"^The file can't be written: Permission denied\.$"):
        tagging.write(unprivileged / "a.mp3", ROCK)


def test_links_stay_links_and_permissions_stay(music: Path) -> None:
    (music / "a.mp3").chmod(0o640)
    link = music / "link.mp3"
    link.symlink_to("a.mp3")
    tagging.write(link, ROCK)
    assert link.is_symlink()
    assert tagging.read(music / "a.mp3") == ROCK
    assert (music / "a.mp3").stat().st_mode & 0o777 == 0o640


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), max_size=12)
VALUES = CELLS.map(str.strip).filter(str.isprintable)


@settings(max_examples=60)
@given(before=CELLS, name=CELLS, genre=VALUES)
def test_a_plan_comes_back_from_its_file_as_it_was(before: str, name: str, genre: str) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        first = row(f"\udcff{name}.mp3", genre=genre, genre_before=before, error=name)
        second = row(f"={name}.mp3", genre=f"'={genre}".strip())
        files = [Path(folder) / each["file"] for each in (first, second)]
        patch.setattr(tagging, "songs", lambda _: files)
        plan = Path(folder) / "plan.csv"
        plan.write_bytes(tagging.to_csv([first, second]))
        assert tagging.from_csv(plan, Path(folder)) == [first, second]
        with plan.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            cells = [cell for line in csv.reader(stream) for cell in line]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]


def test_a_plan_that_a_spreadsheet_saved_is_read(music: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    text = ";".join(COLUMNS) + "\r\na.mp3; Jazz ;;;;;;;;\r\n../a.mp3;Jazz\r\n"
    plan.write_text(text, "utf-8-sig", newline="")
    first, second = tagging.from_csv(plan, music)
    assert (first["genre"], first["error"]) == ("Jazz", "")
    assert second == row("../a.mp3", error="No such file in the folder.")
    for content in ("", "file,genre\na,b\n"):
        plan.write_text(content)
        with pytest.raises(CrnnError, match=r"is no plan: it has no column .*mood"):
            tagging.from_csv(plan, music)


def test_playlists_name_the_files_as_they_will_be_tagged(tmp_path: Path) -> None:
    folder, target = tmp_path / "music", tmp_path / "lists"
    rows = [
        row("x/音楽.mp3", genre="Rock", mood="Sad"),
        row("b.mp3", genre="Rock", genre_before="rock\\\\AC/DC"),
        row("c.mp3", mood="../../Sad", error="none"),
    ]
    lists = tagging.playlists(rows, folder, target)
    assert set(lists) == {
        "Genre - Rock.m3u8",
        "Genre - AC_DC.m3u8",
        "Mood - Sad.m3u8",
        "Mood - ______Sad.m3u8",
    }
    header, *paths = lists["Genre - Rock.m3u8"].decode().splitlines()
    assert header == "#EXTM3U"
    files = [(target / path).resolve() for path in paths]
    assert files == [folder / "x/音楽.mp3", folder / "b.mp3"]
    assert "Genre - AC_DC.m3u8" not in tagging.playlists(rows, folder, target, overwrite=True)
    assert tagging.playlists([row("#1.mp3", mood="Sad")], folder, folder) == {
        "Mood - Sad.m3u8": b"#EXTM3U\n./#1.mp3\n"
    }


def test_labels_for_audacity_are_the_sections_of_the_timeline() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.25, 0.75]])
    prediction = Prediction(
        *("genre", ("rock", "hiphop"), probabilities, np.array([0.0, 3, 6]), 3.0),
        probabilities.mean(0),
        seconds=9.0,
    )
    lines = [line.split("\t") for line in to_audacity(prediction).splitlines()]
    assert [label for _, _, label in lines] == ["Rock 85%", "Hip-hop 75%"]
    edges = [(float(start), float(end)) for start, end, _ in lines]
    assert edges == [(0, 6), (6, 9)]
    assert all(one[1] == other[0] for one, other in pairwise(edges))


def test_the_command_plans_writes_and_undoes(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (music / "sub").mkdir()
    (music / "e.m4a").rename(music / "sub" / "音楽.m4a")
    (music / "link.mp3").symlink_to("a.mp3")
    (music / "empty.mp3").touch()
    (music / "x.wav").write_bytes(encode(melody(3)))
    (music / "notes.txt").write_text("no song")
    tagging.write(music / "b.flac", {"mood": "Wistful"})
    content = {file: file.read_bytes() for file in music.rglob("*") if file.is_file()}
    plan, lists, labels = (tmp_path / name for name in ("plan.csv", "lists", "labels"))
    command = ["tag", str(music), "--plan", str(plan), "--min-confidence", "0"]

    assert main([*command, "--m3u", str(lists), "--labels", str(labels)]) == 1
    output = capsys.readouterr().out
    assert {file: file.read_bytes() for file in content} == content  # nothing is written yet
    assert "empty.mp3  The file is empty" in output
    assert "x.wav  Tags can be written to MP3, FLAC, Ogg, Opus and MP4 files only." in output
    assert "Wistful (kept)" in output
    assert "notes" not in output
    assert len(list(labels.rglob("*.txt"))) == 2 * 7
    assert (labels / "sub/音楽.m4a.mood.txt").read_text().startswith("0.000\t")
    songs = [line for file in lists.iterdir() for line in file.read_text().splitlines()[1:]]
    assert all((lists / song).resolve() in content for song in songs)

    rows = tagging.from_csv(plan, music)
    edited = [each | ({"genre": "Polka"} if each["file"] == "c.ogg" else {}) for each in rows]
    edited = [each | {"mood": "Sad"} for each in edited if each["file"] != "x.wav"]
    plan.write_bytes(tagging.to_csv(edited))
    assert main([*command, "--write"]) == 1  # the empty file
    assert "Written: 4 of 7 files." in capsys.readouterr().out
    files = [music / "b.flac", music / "c.ogg", music / "sub" / "音楽.m4a"]
    assert [each[2] for each in read(files)] == ["Wistful", "Sad", "Sad"]
    assert tagging.read(files[1])["genre"] == "Polka"
    assert (music / "link.mp3").is_symlink()

    assert main([*command, "--undo"]) == 1
    assert tagging.read(files[0]) == {"genre": "", "mood": "Wistful"}
    assert tagging.read(files[1]) == {"genre": "", "mood": ""}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--overwrite", "--write"], "--overwrite needs --plan"),
        (["--undo", "--plan", "nowhere.csv"], "--undo needs --plan with the plan"),
        ([], "No audio files in this folder"),
        (["--plan", "."], "The plan . can't be read: Is a directory."),
    ],
)
def test_wrong_commands_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tag", str(tmp_path), *arguments]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("crnn: ")
    assert message in output.err
    assert output.err.count("\n") == 1


def test_without_mutagen_only_tagging_says_so() -> None:
    code = """
import sys
sys.modules["mutagen"] = None
import crnn.cli
print(crnn.cli.main(["tag", "."]), {"torch", "librosa"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1 set()\n"
    assert done.stderr == "crnn: Tags need the package mutagen: pip install mutagen\n"
