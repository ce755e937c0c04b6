"""Logging in, and refusals."""

import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.playlists import FOREIGN, HAPPY
from tests.fakes.services import CLIENT, Answer, as_json, error
from tests.training.playlists.conftest import Place


class TestLogin:
    def test_it_is_stored_only_on_request(self, place: Place) -> None:
        assert place.run() == 0
        assert place.services.logins == 1
        assert list(Path.cwd().iterdir()) == []
        assert not any(
            "token-" in file.read_text(errors="replace")
            for file in place.out.iterdir()
            if file.is_file()
        )

    def test_a_stored_login_serves_the_next_start(self, place: Place, tmp_path: Path) -> None:
        token = tmp_path / "token.json"
        assert place.run("--token-file", str(token)) == 0
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert place.run("--token-file", str(token), "--again") == 0
        assert place.services.logins == 1
        assert place.run("--token-file", str(tmp_path / "no" / "token.json"), "--again") == 1

    def test_without_a_browser(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def paste(prompt: str) -> str:
            state = prompt.split("state=")[1].split()[0].split("&")[0]
            return f"http://127.0.0.1:{place.port}/callback?code=a-code-of-the-tests&state={state}"

        monkeypatch.setattr("builtins.input", paste)
        assert place.run("--no-browser") == 0
        assert place.services.logins == 0

    def test_an_expired_token_is_refreshed(self, place: Place) -> None:
        place.services.expires_in = 30  # spotipy counts less than a minute as expired
        assert place.run() == 0
        assert (place.services.logins, place.services.given > 1) == (1, True)

    def test_a_token_that_is_refused_early_is_refreshed(
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

    def test_a_revoked_login_is_repeated(self, place: Place, tmp_path: Path) -> None:
        token = tmp_path / "token.json"
        assert place.run("--token-file", str(token)) == 0
        place.services.valid.clear()
        place.services.refreshable = False
        assert place.run("--token-file", str(token), "--again") == 0
        assert place.services.logins == 2

    @pytest.mark.parametrize(
        ("case", "words"),
        [
            ("denied", "did not allow"),
            ("forged", "does not belong to this login"),
            ("secret", "refused this app's credentials"),
            ("port", "can't be received at http://127.0.0.1"),
            ("nobody", "Nobody is there to log in"),
            ("unset", "SPOTIPY_CLIENT_ID"),
            ("down", "could not be reached"),
            ("garbage", "can't be read"),
        ],
    )
    def test_errors_are_one_sentence(
        self,
        case: str,
        words: str,
        place: Place,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
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
        output = capsys.readouterr().err
        assert words in output
        assert "Traceback" not in output
        assert CLIENT[1] not in output


class TestRefusals:
    def test_somebody_elses_playlist_can_be_copied(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert (
            place.run(moods={"Dark": FOREIGN, "Happy": HAPPY, "Calm": "Nobody0000000000000000"})
            == 1
        )
        output = capsys.readouterr().err
        assert "Dark: Spotify serves a playlist's songs only to its owner" in output
        assert "“Add to other playlist”" in output
        assert "Calm: Spotify has no playlist Nobody0000000000000000" in output

    @pytest.mark.parametrize(
        ("message", "words"),
        [
            ("User not registered in the Developer Dashboard", "User Management"),
            ("Active premium subscription required", "Premium"),
        ],
    )
    def test_other_refusals_are_explained(
        self, message: str, words: str, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.answers["api.spotify.com", "/"] = error(403, message)
        assert place.run() == 1
        output = capsys.readouterr().err
        assert "Happy, Sad: " in output
        assert words in output

    @pytest.mark.parametrize("body", [{"items": None}, {"error": "text"}, [1], {}])
    def test_answers_of_an_unknown_form(
        self, body: Any, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.answers["api.spotify.com", "/"] = as_json(body)
        assert place.run() == 1
        assert "in a form that can't be read" in capsys.readouterr().err
