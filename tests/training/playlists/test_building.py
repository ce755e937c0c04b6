"""From playlists to a manifest; songs of two moods; terms of use; links."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.playlists import HAPPY, SAD, song
from tests.fakes.services import Answer
from tests.training.playlists.conftest import Place
from training.cli import main
from training.data import splits
from training.data.manifest import manifest
from training.playlists import spotify_login


class TestBuilding:
    def test_previews_and_a_manifest_by_artist(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert place.run() == 0
        rows = place.rows()
        assert [(row["label"], row["title"], row["group"]) for row in rows] == [
            ("Happy", "Song 0", "Artist 0"),
            ("Happy", "Song 1", "Artist 0"),
            ("Happy", "Song 2", "Artist 1"),
            ("Happy", "Song 3", "Artist 1"),
            ("Sad", "Song 10", "Artist 5"),
            ("Sad", "Song 11", "Artist 5"),
            ("Sad", "Song 12", "Artist 6"),
        ]
        assert all((place.out / row["path"]).stat().st_size > 1000 for row in rows)
        assert rows[0]["page"] == "https://www.deezer.com/track/1"
        assert rows[0]["spotify"] == f"https://open.spotify.com/track/{0:022d}"
        happy = place.properties()["moods"]["Happy"]
        assert (happy["songs"], happy["previews"], happy["services"], happy["artists"]) == (
            4,
            4,
            {"Deezer": 4},
            2,
        )
        assert happy["song_seconds_mean"] == 200.0
        assert happy["preview_minutes"] == pytest.approx(4 * 3 / 60, abs=0.06)
        output = capsys.readouterr().out
        assert "Happy – from Deezer: 4." in output
        assert "Fewer than 5 artists: Happy, Sad" in output
        assert f"train manifest --data {place.out / 'manifest.csv'} --task-name mood" in output

    def test_the_manifest_splits_by_artist(self, place: Place, tmp_path: Path) -> None:
        for playlist, first in ((HAPPY, 0), (SAD, 100)):
            place.services.lists[playlist] = [song(first + n) for n in range(12)]
        assert place.run() == 0
        collection = manifest(place.out, None, tmp_path / "frames")
        assert collection.labels == ("Happy", "Sad")
        split = splits.from_name("grouped:0", collection)
        sides = [
            {collection.groups[i] for i in side} for side in (split.train, split.valid, split.test)
        ]
        assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
        assert sorted(np.concatenate([split.train, split.valid, split.test])) == list(range(24))

    def test_spotifys_audio_is_never_requested(self, place: Place) -> None:
        place.services.deezer = set()  # not even if no other service has any
        assert place.run() == 0
        hosts = set(place.services.hosts())
        assert hosts == {
            "accounts.spotify.com",
            "api.spotify.com",
            "api.deezer.com",
            "itunes.apple.com",
        }
        assert "scdn" not in (place.out / "journal.jsonl").read_text()
        assert place.properties()["moods"]["Sad"]["missing"] == {
            "no service has a preview of it": 3
        }

    def test_pages_are_requested_by_offset_and_next_is_not_followed(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spotify_login, "PAGE", 3)
        place.services.lists[HAPPY] = [song(n) for n in range(8)]
        assert place.run() == 0
        assert len([row for row in place.rows() if row["label"] == "Happy"]) == 8
        offsets = [
            address.split("offset=")[1].split("&")[0]
            for address in place.asked("api.spotify.com")
            if HAPPY in address
        ]
        assert offsets == ["0", "3", "6"]
        assert not any(address.endswith("/next") for address in place.services.asked)

    def test_other_entries_are_counted(self, place: Place) -> None:
        old = song(5)
        old["track"] = old.pop("item")  # as before February 2026
        place.services.lists[HAPPY] = [
            song(1),
            old,
            {"is_local": True, "item": {"name": "demo.mp3", "id": None, "is_local": True}},
            {"item": None},
            {"track": None},
            {"item": {"type": "episode", "id": f"{7:022d}", "name": "A podcast"}},
            song(8) | {"item": {"id": "", "name": ""}},
            "text",
            {"item": {"id": 5, "name": []}},
            song(9, artists=5),
            {"item": 3},
        ]
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert happy["kinds"] == {
            "song": 3,  # one without artists, found by its ISRC
            "local": 1,
            "removed": 3,
            "episode": 1,
            "unreadable": 3,
        }
        assert happy["previews"] == 3

    def test_apple_serves_what_deezer_lacks(self, place: Place) -> None:
        place.services.deezer = {f"GBAAA{n:07d}" for n in (0, 1, 10)}
        place.services.apple = {
            "Song 2": ("Artist 1", 200_002),
            "Song 3": ("Another Artist", 200_003),
        }
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert (happy["services"], happy["missing"]) == (
            {"Deezer": 2, "Apple": 1},
            {"no service has a preview of it": 1},
        )
        assert next(row["path"] for row in place.rows() if row["title"] == "Song 2").endswith(
            ".m4a"
        )
        assert place.properties()["moods"]["Sad"]["previews"] == 1
        assert place.properties()["largest_to_smallest"] == 3.0

    def test_downloads_that_are_no_audio_are_missing(self, place: Place) -> None:
        mp3 = {"Content-Type": "audio/mpeg"}
        place.services.answers |= {
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000000"): Answer(200, b"noise" * 100, mp3),
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000001"): Answer(
                403
            ),  # expired, even when requested again
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000002"): Answer(
                200, b"<html>", {"Content-Type": "text/html"}
            ),
        }
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert happy["previews"] == 1
        assert happy["missing"] == {
            "audio that can't be decoded": 1,
            "its preview's address had expired": 1,
            "an answer of another form": 1,
        }


class TestDuplicates:
    @pytest.fixture
    def doubled(self, place: Place) -> Place:
        place.services.lists[HAPPY] = [
            song(1),
            song(2, "Both"),
            song(3, "Also", "A"),
            song(1),
            song(4, "Once (Remastered 2011)", "B"),
            song(5, "Once", "B"),
        ]
        place.services.lists[SAD] = [
            song(6, isrc="GBAAA0000002"),
            song(7, "Also - 2009 Remaster", "a"),
            song(8),
            song(9, "Also", "C"),
        ]
        return place

    def test_songs_of_two_moods_are_listed_and_left_out(
        self, doubled: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert doubled.run() == 0
        assert [(row["label"], row["title"]) for row in doubled.rows()] == [
            ("Happy", "Song 1"),
            ("Happy", "Once (Remastered 2011)"),
            ("Sad", "Song 8"),
            ("Sad", "Also"),
        ]
        assert [row["title"] for row in doubled.properties()["under_two_moods"]] == ["Both", "Also"]
        happy = doubled.properties()["moods"]["Happy"]
        assert (happy["repeated"], happy["under_another_mood"]) == (2, 2)
        output = capsys.readouterr().out
        assert "Artist 1: Both (Happy, Sad)" in output
        assert "left out of all" in output

    def test_songs_of_two_moods_can_be_kept(
        self, doubled: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert doubled.run("--keep-duplicates") == 0
        assert len(doubled.rows()) == 8
        assert len({row["path"] for row in doubled.rows()}) == 8
        assert "kept in each" in capsys.readouterr().out


class TestTerms:
    def test_nothing_is_requested_before_they_are_confirmed(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(["playlists", "--out", str(place.out), "--playlist", f"Happy={HAPPY}"])
        assert exit_.value.code == 2
        output = capsys.readouterr().out
        assert all(
            words in output
            for words in (
                "III.14",
                "15 May 2025",
                "--i-have-read-the-terms",
                "November 2026",
                "Deezer",
                "Apple",
            )
        )
        assert not place.services.asked
        assert not place.out.exists()


class TestLinks:
    @pytest.mark.parametrize(
        "link",
        [
            HAPPY,
            f"https://open.spotify.com/playlist/{HAPPY}?si=abc",
            f"spotify:playlist:{HAPPY}",
            f"https://open.spotify.com/intl-de/playlist/{HAPPY}/",
            f"open.spotify.com/user/somebody/playlist/{HAPPY}",
        ],
    )
    def test_links_of_all_forms(self, link: str, place: Place) -> None:
        assert place.run(moods={"Happy": link, "Sad": SAD}) == 0

    @pytest.mark.parametrize(
        ("moods", "words"),
        [
            ({"Happy": HAPPY}, "1 labels; 2 to 100"),
            ({"Happy": HAPPY, "Sad": HAPPY}, "another mood's too"),
            (
                {"Happy": HAPPY, "Sad": f"https://open.spotify.com/album/{SAD}"},
                "not the link of a playlist",
            ),
            (
                {"Happy": HAPPY, "Sad": f"https://evil.example/playlist/{SAD}"},
                "not the link of a playlist",
            ),
            (
                {"Happy": HAPPY, "Sad": f"https://openXspotify.com/playlist/{SAD}"},
                "not the link of a playlist",
            ),
            ({"Happy": HAPPY, "": SAD}, "printable characters"),
        ],
    )
    def test_invalid_playlists_are_refused(
        self, moods: dict[str, str], words: str, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert place.run(moods=moods) == 1
        assert words in capsys.readouterr().err
        assert not place.services.asked

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("moods.toml", f'[playlists]\nHappy = "{HAPPY}"\nSad = "{SAD}"\n'),
            ("moods.toml", f'Happy = "{HAPPY}"\nSad = "{SAD}"\n'),
            ("moods.json", json.dumps({"Happy": HAPPY, "Sad": SAD})),
        ],
    )
    def test_all_playlists_in_a_file(
        self, name: str, content: str, place: Place, tmp_path: Path
    ) -> None:
        (tmp_path / name).write_text(content)
        assert place.command(f"--list={tmp_path / name}") == 0
        assert len(place.rows()) == 7

    @pytest.mark.parametrize("content", ["not = toml = at all", "playlists = 3", "Happy = 3"])
    def test_invalid_files_are_refused(self, content: str, place: Place, tmp_path: Path) -> None:
        (tmp_path / "moods.toml").write_text(content)
        assert place.command(f"--list={tmp_path / 'moods.toml'}") == 1
