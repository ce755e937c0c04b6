"""From a link to metadata: requests, refusals, messages, with real clients and local services."""

import logging

import pytest

from crnn.errors import SourceError
from crnn.sources import http
from crnn.sources.spotify import Credentials, TrackInfo, look_up, track_id
from tests.crnn.conftest import CREDENTIALS
from tests.fakes.services import (
    ARTIST,
    CLIENT,
    ISRC,
    SECONDS,
    TITLE,
    TRACK,
    UNTITLED,
    Answer,
    Services,
    api_track,
    as_json,
    error,
    redirect,
)

API, TOKENS = "api.spotify.com", "accounts.spotify.com"
FAILURES = {
    "wrong secret": (TOKENS, as_json({"error": "invalid_client"}, 400), "refused"),
    "401": (API, error(401, "Bad token"), "refused"),
    "403 Premium": (API, error(403, "Premium required"), "Premium"),
    "429 for an hour": (API, error(429, "slow", **{"Retry-After": "3600"}), "3600 s"),
    "500": (API, error(500, "oops"), "status 500"),
    "not JSON": (API, Answer(200, b"<html>"), "not a track"),
    "redirect with the token": (API, redirect("https://open.spotify.com/oembed"), "not a track"),
    "redirect elsewhere": (API, redirect("https://evil.example/"), "not a track"),
    "half a body": (API, Answer(200, b"{" * 100, short=50), "could not be reached"),
}


class TestMetadata:
    def test_with_credentials_all_is_known(self, services: Services) -> None:
        info = look_up(TRACK, CREDENTIALS, services.session())
        assert info == TrackInfo(
            TRACK, TITLE, (ARTIST,), SECONDS, ISRC, "https://i.scdn.co/image/fake", None, ""
        )
        assert info.link == f"https://open.spotify.com/track/{TRACK}"

    def test_without_credentials_only_title_and_cover_are(self, services: Services) -> None:
        info = look_up(TRACK, None, services.session())
        assert (info.title, info.artists, info.isrc, info.seconds) == (TITLE, (), None, None)
        assert services.hosts() == ["open.spotify.com"]

    @pytest.mark.parametrize("credentials", [CREDENTIALS, None])
    def test_an_unknown_track_is_named(
        self, services: Services, credentials: Credentials | None
    ) -> None:
        with pytest.raises(SourceError, match="no track with the id 0000"):
            look_up(UNTITLED, credentials, services.session())

    @pytest.mark.parametrize("case", FAILURES)
    def test_where_the_web_api_fails_oembed_answers_and_the_reason_is_given(
        self, services: Services, case: str
    ) -> None:
        host, answer, words = FAILURES[case]
        services.answers[host, "/"] = answer
        info = look_up(TRACK, CREDENTIALS, services.session())
        assert (info.title, info.artists) == (TITLE, ())
        assert words in info.notice
        assert "Only its title is known" in info.notice

    @pytest.mark.parametrize(
        "body",
        [
            {"error": "text"},
            {"name": "x", "artists": "y"},
            {"name": "x", "album": []},
            {"name": "x", "external_ids": 3},
        ],
    )
    def test_answers_of_any_form_are_survived(
        self, services: Services, body: dict[str, object]
    ) -> None:
        services.answers["api.spotify.com", "/"] = as_json(body, 400 if "error" in body else 200)
        assert look_up(TRACK, CREDENTIALS, services.session()).title in (TITLE, "x")

    def test_a_token_serves_for_many_look_ups(self, services: Services) -> None:
        for _ in range(3):
            look_up(TRACK, CREDENTIALS, services.session())
        assert services.hosts().count("accounts.spotify.com") == 1

    @pytest.mark.parametrize("host", [API, TOKENS])
    def test_a_long_wait_holds_for_everyone(self, services: Services, host: str) -> None:
        services.answers[host, "/"] = error(429, "slow", **{"Retry-After": "3600"})
        look_up(TRACK, CREDENTIALS, services.session())
        asked = services.hosts().count(host)
        assert "asks to wait 3600 s" in look_up(TRACK, CREDENTIALS, services.session()).notice
        assert services.hosts().count(host) == asked

    def test_a_trickle_ends(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        services.answers["open.spotify.com", "/"] = Answer(
            200, b" " * 4000, {"Content-Type": "application/json"}, drip=0.05
        )
        monkeypatch.setattr(http, "DEADLINE_SECONDS", 0.5)
        with pytest.raises(SourceError, match="did not answer in time"):
            look_up(TRACK, None, services.session())

    def test_a_short_wait_is_waited_once(
        self, services: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []
        monkeypatch.setattr(http, "sleep", slept.append)
        asked = iter([error(429, "slow", **{"Retry-After": "1"})])
        services.answers["api.spotify.com", "/"] = lambda *_: next(asked, as_json(api_track()))
        assert look_up(TRACK, CREDENTIALS, services.session()).artists == (ARTIST,)
        assert slept == [1.0]

    def test_no_answer_in_time(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "READ_SECONDS", 0.2)
        for host in ("api.spotify.com", "open.spotify.com", "accounts.spotify.com"):
            services.answers[host, "/"] = Answer(delay=0.6)
        with pytest.raises(SourceError, match="did not answer in time"):
            look_up(TRACK, CREDENTIALS, services.session())

    def test_no_network_at_all(self, services: Services) -> None:
        session = services.session()
        services.stop()
        with pytest.raises(SourceError, match="could not be reached"):
            look_up(TRACK, CREDENTIALS, session)

    def test_a_cover_from_elsewhere_is_not_shown(self, services: Services) -> None:
        services.answers["api.spotify.com", "/"] = as_json(
            api_track(album={"images": [{"url": "https://evil.example/x"}]})
        )
        assert look_up(TRACK, CREDENTIALS, services.session()).cover is None


class TestShortLinks:
    def test_they_are_followed_by_hand(self, services: Services) -> None:
        assert track_id("https://spotify.link/AbCdEf", services.session()) == TRACK
        assert services.hosts() == ["spotify.link"]

    def test_not_off_the_list(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = redirect("https://evil.example/track/x")
        with pytest.raises(SourceError, match=r"leads to evil\.example"):
            track_id("https://spotify.link/AbCdEf", services.session())
        assert services.hosts() == ["spotify.link"]

    def test_not_for_ever(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = redirect("https://spotify.link/AbCdEf")
        with pytest.raises(SourceError, match="doesn't lead to a track"):
            track_id("https://spotify.link/AbCdEf", services.session())
        assert len(services.asked) == 3

    def test_dead_ones_are_said_to_be(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = Answer(404)
        with pytest.raises(SourceError, match="doesn't lead to a track"):
            track_id("https://spotify.link/AbCdEf", services.session())


def test_no_secret_reaches_a_log_a_message_or_a_representation(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [repr(CREDENTIALS), str(CREDENTIALS)]
    broken: list[dict[tuple[str, str], Answer]] = [
        {},
        {("accounts.spotify.com", "/"): as_json({"error": "invalid_client"}, 400)},
        {("api.spotify.com", "/"): error(500, "x")},
        {("accounts.spotify.com", "/"): Answer(500)},
        {("api.spotify.com", "/"): Answer(200, b"x")},
    ]
    for answers in broken:
        services.answers = dict(answers)  # type: ignore[assignment]
        texts.append(repr(look_up(TRACK, CREDENTIALS, services.session())))
    session = services.session()
    services.stop()
    with pytest.raises(SourceError) as caught:
        look_up(TRACK, CREDENTIALS, session)
    texts += [str(caught.value), repr(caught.value.__cause__), caplog.text]
    for secret in (*CLIENT, "YW4taWQtb2YtdGhlLXRlc3Rz", "a-token-of-the-tests"):
        assert not any(secret in text for text in texts)
    assert not any(secret in address for secret in CLIENT for address in services.asked)


def test_credentials_come_from_the_first_place_that_has_both() -> None:
    half, whole = (
        {"SPOTIPY_CLIENT_ID": "a"},
        {"SPOTIPY_CLIENT_ID": "b", "SPOTIPY_CLIENT_SECRET": "c"},
    )
    assert Credentials.find(half, whole) == Credentials("b", "c")
    assert Credentials.find(half, {}) is None
