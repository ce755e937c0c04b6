"""One rule says which names are songs'."""

from pathlib import Path

import pytest

from crnn.audio.names import NESTED_ZIP, NOT_AUDIO, SYSTEM, skip_reason, songs


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("album/song.mp3", None),
        ("SONG.WAV", None),
        ("...Baby One More Time.mp3", None),
        ("../elsewhere/song.ogg", None),
        ("._song.wav", SYSTEM),
        ("album\\._song.wav", SYSTEM),
        ("__MACOSX/album/song.wav", SYSTEM),
        (".DS_Store", SYSTEM),
        ("album/Thumbs.db", SYSTEM),
        ("desktop.ini", SYSTEM),
        (".Trash-1000/song.wav", SYSTEM),
        ("cover.jpg", NOT_AUDIO),
        ("more.zip", NESTED_ZIP),
        ("", NOT_AUDIO),
    ],
)
def test_names(path: str, reason: str | None) -> None:
    assert skip_reason(path) == reason


def test_songs_of_a_folder(tmp_path: Path) -> None:
    names = ("b/two.flac", "a.wav", "b/._two.flac", ".hidden/x.wav", "Thumbs.db", "c.mp3/d.wav")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    inside = [file.relative_to(tmp_path).as_posix() for file in songs(tmp_path)]
    assert inside == ["a.wav", "b/two.flac", "c.mp3/d.wav"]
    assert songs(tmp_path / "nowhere") == []
