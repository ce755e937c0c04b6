"""From playlists to a manifest, with the real spotipy and requests against services on this machine."""

import csv
import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from crnn import fetch
from tests.fakes.playlists import FOREIGN, HAPPY, SAD, PlaylistServices, song
from tests.fakes.services import CLIENT, Answer, as_json, error
from training import splits
from training.__main__ import main
from training.manifest import manifest
from training.playlists import login, polite


class Place:
    """The services, an output folder, and a way to run the command."""

    def __init__(self, services: PlaylistServices, out: Path, port: int) -> None:
        self.services, self.out, self.port = services, out, port
        self.slept: list[float] = []

    def run(self, *more: str, moods: dict[str, str] | None = None) -> int:
        wishes = [f"{mood}={link}" for mood, link in (moods or {"Happy": HAPPY, "Sad": SAD}).items()]
        redirect = f"http://127.0.0.1:{self.port}/callback"
        return main([
            "playlists", "--out", str(self.out), "--redirect", redirect, "--i-have-read-the-terms", *more,
            *(part for wish in wishes for part in ("--playlist", wish)),
        ])  # fmt: skip

    def rows(self) -> list[dict[str, str]]:
        with (self.out / "manifest.csv").open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))

    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "properties.json").read_text())
        return found

    def asked(self, host: str) -> list[str]:
        return [address for address in self.services.asked if urlsplit(address).hostname == host]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    services = PlaylistServices()
    services.lists[HAPPY] = [song(n) for n in range(4)]
    services.lists[SAD] = [song(n) for n in range(10, 13)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = Place(services, tmp_path / "out", port)
    monkeypatch.setattr(polite, "new_session", services.polite_session)
    monkeypatch.setattr(polite, "sleep", made.slept.append)
    monkeypatch.setattr(fetch, "sleep", lambda seconds: None)
    monkeypatch.setattr("webbrowser.open", services.browser)
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", CLIENT[1])
    yield made
    services.stop()


class TestTheWholeWay:
    def test_previews_and_a_manifest_by_artist(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        assert place.run() == 0
        rows = place.rows()
        assert [(row["label"], row["title"], row["group"]) for row in rows] == [
            ("Happy", "Song 0", "Artist 0"), ("Happy", "Song 1", "Artist 0"), ("Happy", "Song 2", "Artist 1"),
            ("Happy", "Song 3", "Artist 1"),
            ("Sad", "Song 10", "Artist 5"), ("Sad", "Song 11", "Artist 5"), ("Sad", "Song 12", "Artist 6"),
        ]  # fmt: skip
        assert all((place.out / row["path"]).stat().st_size > 1000 for row in rows)
        assert rows[0]["page"] == "https://www.deezer.com/track/1"
        assert rows[0]["spotify"] == f"https://open.spotify.com/track/{0:022d}"
        happy = place.properties()["moods"]["Happy"]
        assert (happy["songs"], happy["previews"], happy["services"], happy["artists"]) == (4, 4, {"Deezer": 4}, 2)
        assert happy["song_seconds_mean"] == 200.0
        assert happy["preview_minutes"] == pytest.approx(4 * 3 / 60, abs=0.06)
        said = capsys.readouterr().out
        assert "Happy – from Deezer: 4." in said
        assert "Fewer than 5 artists: Happy, Sad" in said
        assert f"train manifest --data {place.out / 'manifest.csv'} --task-name mood" in said

    def test_training_takes_it_and_splits_by_artist(self, place: Place, tmp_path: Path) -> None:
        for playlist, first in ((HAPPY, 0), (SAD, 100)):
            place.services.lists[playlist] = [song(first + n) for n in range(12)]
        assert place.run() == 0
        found = manifest(place.out, None, tmp_path / "frames")
        assert found.labels == ("Happy", "Sad")
        split = splits.named("grouped:0", found)
        sides = [{found.groups[i] for i in side} for side in (split.train, split.valid, split.test)]
        assert not sides[0] & sides[1] | sides[0] & sides[2] | sides[1] & sides[2]
        assert sorted(np.concatenate([split.train, split.valid, split.test])) == list(range(24))

    def test_no_audio_of_spotifys_is_ever_asked_for(self, place: Place) -> None:
        place.services.deezer = set()  # not even where nobody else has any
        assert place.run() == 0
        hosts = {str(urlsplit(address).hostname) for address in place.services.asked}
        assert hosts == {"accounts.spotify.com", "api.spotify.com", "api.deezer.com", "itunes.apple.com"}
        assert "scdn" not in (place.out / "journal.jsonl").read_text()
        assert place.properties()["moods"]["Sad"]["missing"] == {"nobody has a preview of it": 3}

    def test_pages_are_asked_for_by_number_and_never_where_next_points(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(login, "PAGE", 3)
        place.services.lists[HAPPY] = [song(n) for n in range(8)]
        assert place.run() == 0
        assert len([row for row in place.rows() if row["label"] == "Happy"]) == 8
        offsets = [
            address.split("offset=")[1].split("&")[0] for address in place.asked("api.spotify.com") if HAPPY in address
        ]
        assert offsets == ["0", "3", "6"]
        assert not any(address.endswith("/next") for address in place.services.asked)

    def test_what_is_no_song_is_counted(self, place: Place) -> None:
        old = song(5)
        old["track"] = old.pop("item")  # as before February 2026
        place.services.lists[HAPPY] = [
            song(1), old, {"is_local": True, "item": {"name": "demo.mp3", "id": None, "is_local": True}},
            {"item": None}, {"track": None},
            {"item": {"type": "episode", "id": f"{7:022d}", "name": "A podcast"}}, song(8) | {"item": {"id": "", "name": ""}},
            "text",
            {"item": {"id": 5, "name": []}}, song(9, artists=5), {"item": 3},
        ]  # fmt: skip
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert happy["kinds"] == {"song": 2, "local": 1, "removed": 3, "episode": 1, "unreadable": 4}
        assert happy["previews"] == 2

    def test_apple_is_asked_where_deezer_has_none(self, place: Place) -> None:
        place.services.deezer = {f"GBAAA{n:07d}" for n in (0, 1, 10)}
        place.services.apple = {"Song 2": ("Artist 1", 200_002), "Song 3": ("Another Artist", 200_003)}
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert (happy["services"], happy["missing"]) == ({"Deezer": 2, "Apple": 1}, {"nobody has a preview of it": 1})
        assert next(row["path"] for row in place.rows() if row["title"] == "Song 2").endswith(".m4a")
        assert place.properties()["moods"]["Sad"]["previews"] == 1
        assert place.properties()["largest_to_smallest"] == 3.0

    def test_what_comes_but_is_no_sound_is_missing(self, place: Place) -> None:
        mp3 = {"Content-Type": "audio/mpeg"}
        place.services.answers |= {
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000000"): Answer(200, b"noise" * 100, mp3),
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000001"): Answer(403),  # expired, even when asked for anew
            ("cdnt-preview.dzcdn.net", "/stream/GBAAA0000002"): Answer(200, b"<html>", {"Content-Type": "text/html"}),
        }
        assert place.run() == 0
        happy = place.properties()["moods"]["Happy"]
        assert happy["previews"] == 1
        assert happy["missing"] == {
            "audio that can't be heard": 1, "its preview's address had expired": 1, "an answer of another form": 1,
        }  # fmt: skip


class TestDuplicates:
    @pytest.fixture
    def doubled(self, place: Place) -> Place:
        place.services.lists[HAPPY] = [
            song(1), song(2, "Both"), song(3, "Also", "A"), song(1), song(4, "Once (Remastered 2011)", "B"), song(5, "Once", "B"),
        ]  # fmt: skip
        place.services.lists[SAD] = [
            song(6, isrc="GBAAA0000002"),
            song(7, "Also - 2009 Remaster", "a"),
            song(8),
            song(9, "Also", "C"),
        ]
        return place

    def test_songs_under_two_moods_are_listed_and_left_out(
        self, doubled: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert doubled.run() == 0
        assert [(row["label"], row["title"]) for row in doubled.rows()] == [
            ("Happy", "Song 1"), ("Happy", "Once (Remastered 2011)"), ("Sad", "Song 8"), ("Sad", "Also"),
        ]  # fmt: skip
        assert [row["title"] for row in doubled.properties()["under_two_moods"]] == ["Both", "Also"]
        happy = doubled.properties()["moods"]["Happy"]
        assert (happy["repeated"], happy["under_another_mood"]) == (2, 2)
        said = capsys.readouterr().out
        assert "Artist 1: Both (Happy, Sad)" in said
        assert "left out of all" in said

    def test_or_kept_under_both(self, doubled: Place, capsys: pytest.CaptureFixture[str]) -> None:
        assert doubled.run("--keep-duplicates") == 0
        assert len(doubled.rows()) == 8
        assert len({row["path"] for row in doubled.rows()}) == 8
        assert "kept under each" in capsys.readouterr().out


class TestTerms:
    def test_nothing_happens_before_they_are_confirmed(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as left:
            main(["playlists", "--out", str(place.out), "--playlist", f"Happy={HAPPY}"])
        assert left.value.code == 2
        said = capsys.readouterr().out
        assert all(
            words in said
            for words in ("III.14", "15 May 2025", "--i-have-read-the-terms", "November 2026", "Deezer", "Apple")
        )
        assert not place.services.asked
        assert not place.out.exists()


class TestLogin:
    def test_nothing_is_kept_of_it_unless_a_file_is_named(self, place: Place) -> None:
        assert place.run() == 0
        assert place.services.logins == 1
        assert list(Path.cwd().iterdir()) == []
        assert not any("token-" in file.read_text(errors="replace") for file in place.out.iterdir() if file.is_file())

    def test_a_named_file_serves_for_the_next_start(self, place: Place, tmp_path: Path) -> None:
        token = tmp_path / "token.json"
        assert place.run("--token-file", str(token)) == 0
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert place.run("--token-file", str(token), "--again") == 0
        assert place.services.logins == 1
        assert place.run("--token-file", str(tmp_path / "no" / "token.json"), "--again") == 1

    def test_by_hand_where_no_browser_can_open(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def paste(prompt: str) -> str:
            state = prompt.split("state=")[1].split()[0].split("&")[0]
            return f"http://127.0.0.1:{place.port}/callback?code=a-code-of-the-tests&state={state}"

        monkeypatch.setattr("builtins.input", paste)
        assert place.run("--no-browser") == 0
        assert place.services.logins == 0

    def test_an_expired_token_is_refreshed(self, place: Place) -> None:
        place.services.expires_in = 30  # spotipy takes less than a minute for expired
        assert place.run() == 0
        assert (place.services.logins, place.services.given > 1) == (1, True)

    def test_a_token_that_is_refused_too_early_is_refreshed(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = place.services._items

        def once(*arguments: Any) -> Answer:
            monkeypatch.setattr(place.services, "_items", real)
            place.services.valid.clear()
            return real(*arguments)

        monkeypatch.setattr(place.services, "_items", once)
        assert place.run() == 0
        assert (place.services.logins, place.services.given) == (1, 2)

    def test_a_login_that_was_withdrawn_is_asked_for_again(self, place: Place, tmp_path: Path) -> None:
        token = tmp_path / "token.json"
        assert place.run("--token-file", str(token)) == 0
        place.services.valid.clear()
        place.services.refreshable = False
        assert place.run("--token-file", str(token), "--again") == 0
        assert place.services.logins == 2

    @pytest.mark.parametrize(
        ("case", "words"),
        [
            ("denied", "did not allow"), ("forged", "does not belong to this login"), ("secret", "refused this app's credentials"),
            ("port", "can't be received at http://127.0.0.1"), ("nobody", "Nobody is there to log in"),
            ("unset", "SPOTIPY_CLIENT_ID"),
            ("down", "could not be reached"), ("garbage", "can't be read"),
        ],
    )  # fmt: skip
    def test_what_can_go_wrong_is_one_sentence(
        self, case: str, words: str, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        more: list[str] = []
        if case == "denied":
            place.services.allow = False
        elif case == "forged":
            place.services.forged = True
        elif case == "secret":
            monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "another")
        elif case == "unset":
            monkeypatch.delenv("SPOTIPY_CLIENT_ID")
        elif case == "nobody":
            more = ["--no-browser"]
            monkeypatch.setattr("builtins.input", lambda prompt: (_ for _ in ()).throw(EOFError()))
        elif case == "down":
            place.services.answers["accounts.spotify.com", "/"] = Answer(200, b"{" * 100, short=50)
        elif case == "garbage":
            place.services.answers["accounts.spotify.com", "/"] = as_json(["a list"])
        with socket.socket() as taken:
            if case == "port":
                taken.bind(("127.0.0.1", place.port))
                taken.listen()
            assert place.run(*more) == 1
        said = capsys.readouterr().err
        assert words in said
        assert "Traceback" not in said
        assert CLIENT[1] not in said


class TestRefusals:
    def test_a_playlist_of_somebody_else_is_told_how_to_copy(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert place.run(moods={"Dark": FOREIGN, "Happy": HAPPY, "Calm": "Nobody0000000000000000"}) == 1
        said = capsys.readouterr().err
        assert "Dark: Spotify serves a playlist's songs only to whoever owns it" in said
        assert "“Add to other playlist”" in said
        assert "Calm: Spotify knows no playlist with the id Nobody0000000000000000" in said

    @pytest.mark.parametrize(
        ("message", "words"),
        [
            ("User not registered in the Developer Dashboard", "User Management"),
            ("Active premium subscription required", "Premium"),
        ],
    )
    def test_other_refusals_are_told_apart(
        self, message: str, words: str, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.answers["api.spotify.com", "/"] = error(403, message)
        assert place.run() == 1
        said = capsys.readouterr().err
        assert "Happy, Sad: " in said
        assert words in said

    @pytest.mark.parametrize("body", [{"items": None}, {"error": "text"}, [1], {}])
    def test_answers_of_another_form(self, body: Any, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        place.services.answers["api.spotify.com", "/"] = as_json(body)
        assert place.run() == 1
        assert "not a page of a playlist" in capsys.readouterr().err


class TestPatience:
    def test_a_wait_is_waited_and_asked_once_more(self, place: Place) -> None:
        busy = iter([error(429, "slow", **{"Retry-After": "17"})])
        real = place.services._items
        place.services._items = lambda *a: next(busy, None) or real(*a)  # type: ignore[method-assign]
        assert place.run() == 0
        assert any(16 < seconds <= 17 for seconds in place.slept)
        assert len(place.rows()) == 7

    def test_a_long_wait_ends_the_run_which_goes_on_later(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.answers["api.spotify.com", "/"] = error(429, "slow", **{"Retry-After": "7200"})
        assert place.run() == 1
        assert "asks to wait 7200 s" in capsys.readouterr().err
        assert max(place.slept, default=0) < polite.LONGEST
        del place.services.answers["api.spotify.com", "/"]
        assert place.run() == 0

    def test_services_are_not_asked_more_often_than_they_want(self, place: Place) -> None:
        place.services.deezer = set()
        assert place.run() == 0
        searches = len(place.asked("itunes.apple.com"))
        assert searches == 7
        assert sum(2 < seconds <= 3.1 for seconds in place.slept) == searches - 1

    def test_deezers_own_way_of_saying_wait_is_not_no(self, place: Place) -> None:
        """A quota is told with status 200: the song is asked for again, not written off."""
        place.services.answers["api.deezer.com", "/"] = as_json(
            {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
        )
        assert place.run() == 1
        assert (
            place.properties()["moods"]["Happy"] | {"later": 4, "missing": {}} == place.properties()["moods"]["Happy"]
        )
        del place.services.answers["api.deezer.com", "/"]
        assert place.run() == 0
        assert len(place.rows()) == 7


class TestGoingOn:
    def test_a_second_start_fetches_only_what_is_missing(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.lists[HAPPY] = [song(n) for n in range(4)]
        place.services.lists[SAD] = [song(n) for n in range(10, 20)]
        down = Answer(503)
        for number in range(10, 20):
            place.services.answers["api.deezer.com", f"/track/isrc:GBAAA{number:07d}"] = down
        assert place.run() == 1
        said = capsys.readouterr()
        assert "10 songs are left; the same command goes on" in said.err
        assert "Sad – to be asked for again: 10." in said.out
        assert len(place.rows()) == 4
        assert len(set(place.asked("api.deezer.com"))) == 4 + 5  # it gave up after five in a row
        place.services.answers.clear()
        place.services.asked.clear()
        assert place.run() == 0
        assert len(place.rows()) == 14
        assert len(place.asked("api.deezer.com")) == 10
        assert not place.asked("api.spotify.com")
        assert not place.asked("accounts.spotify.com")  # no login either

    def test_nothing_is_asked_when_nothing_is_missing(self, place: Place) -> None:
        place.services.deezer = {"GBAAA0000000"}
        assert place.run() == 0
        place.services.asked.clear()
        assert place.run() == 0
        assert place.services.asked == []
        place.services.deezer = None
        assert place.run("--again") == 0  # what nobody had is asked for again
        assert len(place.rows()) == 7

    def test_a_stop_in_the_middle_costs_one_song(self, place: Place, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
        heard: list[int] = []

        def stop_at_three(*arguments: Any, **more: Any) -> Any:
            heard.append(1)
            if len(heard) == 3:
                raise KeyboardInterrupt
            return real(*arguments, **more)

        from training.playlists import building

        real = building.decode
        monkeypatch.setattr(building, "decode", stop_at_three)
        assert place.run() == 1
        assert "The same command goes on from here" in capsys.readouterr().err
        with (place.out / "journal.jsonl").open("a") as journal:
            journal.write('{"kind": "preview", "mood": "Ha')  # as a crash leaves it
        place.services.asked.clear()
        assert place.run() == 0
        assert len(place.rows()) == 7
        assert len(place.asked("api.deezer.com")) == 5

    def test_a_preview_that_is_gone_from_the_folder_is_fetched_again(self, place: Place) -> None:
        assert place.run() == 0
        (place.out / place.rows()[2]["path"]).unlink()
        place.services.asked.clear()
        assert place.run() == 0
        assert len(place.asked("api.deezer.com")) == 1
        assert (place.out / place.rows()[2]["path"]).is_file()

    def test_two_runs_do_not_share_a_folder(self, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
        from filelock import FileLock

        place.out.mkdir()
        with FileLock(place.out / ".lock"):
            assert place.run() == 1
        assert "another run is at work" in capsys.readouterr().err


class TestWishes:
    @pytest.mark.parametrize(
        "link",
        [
            HAPPY, f"https://open.spotify.com/playlist/{HAPPY}?si=abc", f"spotify:playlist:{HAPPY}",
            f"https://open.spotify.com/intl-de/playlist/{HAPPY}/", f"open.spotify.com/user/somebody/playlist/{HAPPY}",
        ],
    )  # fmt: skip
    def test_links_of_all_forms(self, link: str, place: Place) -> None:
        assert place.run(moods={"Happy": link, "Sad": SAD}) == 0

    @pytest.mark.parametrize(
        ("moods", "words"),
        [
            ({"Happy": HAPPY}, "1 labels; 2 to 100"),
            ({"Happy": HAPPY, "Sad": HAPPY}, "another mood's too"),
            ({"Happy": HAPPY, "Sad": f"https://open.spotify.com/album/{SAD}"}, "not the link of a playlist"),
            ({"Happy": HAPPY, "Sad": f"https://evil.example/playlist/{SAD}"}, "not the link of a playlist"),
            ({"Happy": HAPPY, "Sad": f"https://openXspotify.com/playlist/{SAD}"}, "not the link of a playlist"),
            ({"Happy": HAPPY, "": SAD}, "printable characters"),
        ],
    )
    def test_others_are_refused(
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
    def test_all_in_a_file(self, name: str, content: str, place: Place, tmp_path: Path) -> None:
        (tmp_path / name).write_text(content)
        arguments = ["playlists", "--out", str(place.out), "--redirect", f"http://127.0.0.1:{place.port}/callback"]
        assert main([*arguments, "--i-have-read-the-terms", "--list", str(tmp_path / name)]) == 0
        assert len(place.rows()) == 7

    @pytest.mark.parametrize("content", ["not = toml = at all", "playlists = 3", "Happy = 3"])
    def test_files_of_another_form(self, content: str, place: Place, tmp_path: Path) -> None:
        (tmp_path / "moods.toml").write_text(content)
        assert (
            main(
                [
                    "playlists",
                    "--out",
                    str(place.out),
                    "--i-have-read-the-terms",
                    "--list",
                    str(tmp_path / "moods.toml"),
                ]
            )
            == 1
        )
