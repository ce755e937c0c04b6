"""Rate limits, and runs that continue after a stop."""

from typing import Any

import pytest
from filelock import FileLock

from tests.fakes.playlists import HAPPY, SAD, song
from tests.fakes.services import Answer, as_json, error
from tests.training.playlists.conftest import Place
from training.playlists import download, rate_limit


class TestRateLimits:
    def test_a_request_is_repeated_after_the_requested_wait(self, place: Place) -> None:
        busy = iter([error(429, "slow", **{"Retry-After": "17"})])
        real = place.services._items
        place.services._items = lambda *a: next(busy, None) or real(*a)  # type: ignore[method-assign]
        assert place.run() == 0
        assert any(16 < seconds <= 17 for seconds in place.slept)
        assert len(place.rows()) == 7

    def test_a_long_wait_stops_the_run_until_later(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.answers["api.spotify.com", "/"] = error(
            429, "slow", **{"Retry-After": "7200"}
        )
        assert place.run() == 1
        assert "asks to wait 7200 s" in capsys.readouterr().err
        assert max(place.slept, default=0) < rate_limit.LONGEST_WAIT
        del place.services.answers["api.spotify.com", "/"]
        assert place.run() == 0

    def test_requests_to_a_service_are_spaced(self, place: Place) -> None:
        place.services.deezer = set()
        assert place.run() == 0
        searches = len(place.asked("itunes.apple.com"))
        assert searches == 7
        assert sum(2 < seconds <= 3.1 for seconds in place.slept) == searches - 1

    def test_deezers_quota_error_is_not_a_missing_song(self, place: Place) -> None:
        """Its status is 200: the song is retried later."""
        place.services.answers["api.deezer.com", "/"] = as_json(
            {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
        )
        assert place.run() == 1
        assert (
            place.properties()["moods"]["Happy"] | {"later": 4, "missing": {}}
            == place.properties()["moods"]["Happy"]
        )
        del place.services.answers["api.deezer.com", "/"]
        assert place.run() == 0
        assert len(place.rows()) == 7


class TestContinuing:
    def test_a_second_start_fetches_only_what_is_missing(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.services.lists[HAPPY] = [song(n) for n in range(4)]
        place.services.lists[SAD] = [song(n) for n in range(10, 20)]
        down = Answer(503)
        for number in range(10, 20):
            place.services.answers["api.deezer.com", f"/track/isrc:GBAAA{number:07d}"] = down
        assert place.run() == 1
        output = capsys.readouterr()
        assert "10 songs are left; the same command continues" in output.err
        assert "Sad – to be retried: 10." in output.out
        assert len(place.rows()) == 4
        assert (
            len(set(place.asked("api.deezer.com"))) == 4 + 5
        )  # stops after five failures in a row
        place.services.answers.clear()
        place.services.asked.clear()
        assert place.run() == 0
        assert len(place.rows()) == 14
        assert len(place.asked("api.deezer.com")) == 10
        assert not place.asked("api.spotify.com")
        assert not place.asked("accounts.spotify.com")  # no login either

    def test_nothing_is_requested_when_nothing_is_missing(self, place: Place) -> None:
        place.services.deezer = {"GBAAA0000000"}
        assert place.run() == 0
        place.services.asked.clear()
        assert place.run() == 0
        assert place.services.asked == []
        place.services.deezer = None
        assert place.run("--again") == 0  # songs without a preview are retried
        assert len(place.rows()) == 7

    def test_a_stop_in_the_middle_costs_one_song(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, capsys
    ) -> None:  # type: ignore[no-untyped-def]
        decoded: list[int] = []

        def stop_at_three(*arguments: Any, **more: Any) -> Any:
            decoded.append(1)
            if len(decoded) == 3:
                raise KeyboardInterrupt
            return real(*arguments, **more)

        real = download.decode
        monkeypatch.setattr(download, "decode", stop_at_three)
        assert place.run() == 1
        assert "The same command continues from here" in capsys.readouterr().err
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

    def test_two_runs_do_not_share_a_folder(
        self, place: Place, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place.out.mkdir()
        with FileLock(place.out / ".lock"):
            assert place.run() == 1
        assert "another run is at work" in capsys.readouterr().err
