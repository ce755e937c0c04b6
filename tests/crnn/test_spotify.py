"""The whole chain from a link to audio, with real clients against local services: what is asked, tried, refused and said."""

import logging
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crnn import fetch, previews, spotify
from crnn.audio import decode
from crnn.errors import SpotifyError
from crnn.spotify import Credentials, TrackInfo, look_up, track_id
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
    audio,
    deezer_track,
    deezer_unknown,
    error,
    itunes_song,
    redirect,
)  # fmt: skip

CREDENTIALS = Credentials(*CLIENT)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setattr(fetch, "sleep", lambda seconds: None)
    monkeypatch.setattr(spotify, "_tokens", {})
    monkeypatch.setattr(spotify, "_quiet_until", 0.0)
    running = Services()
    yield running
    running.stop()


def chain(
    services: Services, credentials: Credentials | None = CREDENTIALS, spotify_audio: bool = False
) -> previews.Found:
    session = services.session()
    return previews.find(look_up(track_id(TRACK, session), credentials, session), session, spotify_audio)


def hosts(services: Services) -> list[str]:
    return [str(urlsplit(address).hostname) for address in services.asked]


API, TOKENS = "api.spotify.com", "accounts.spotify.com"
FAILURES = {
    "wrong secret": (TOKENS, as_json({"error": "invalid_client"}, 400), "refused"),
    "401": (API, error(401, "Bad token"), "refused"),
    "403 Premium": (API, error(403, "Premium required"), "Premium"),
    "429 for an hour": (API, error(429, "slow", **{"Retry-After": "3600"}), "3600 s"),
    "500": (API, error(500, "oops"), "status 500"),
    "not JSON": (API, Answer(200, b"<html>"), "not a track"),
    "redirect elsewhere": (API, redirect("https://evil.example/"), "not a track"),
    "half a body": (API, Answer(200, b"{" * 100, short=50), "could not be reached"),
}
UNFIT = {
    "HTML instead of audio": (Answer(200, b"<html>", {"Content-Type": "text/html"}), "instead of audio"),
    "50 MB": (Answer(200, bytes(50 * 2**20), {"Content-Type": "audio/mpeg"}), "more than the 10 MB"),
    "half a body": (Answer(200, bytes(20_000), {"Content-Type": "audio/mpeg"}, short=10_000), "broke off"),
    "redirect to another host": (redirect("https://evil.example/song.mp3"), "evil.example"),
    "redirect to http": (redirect("http://cdnt-preview.dzcdn.net/song.mp3"), "not one of the services"),
    "redirect for ever": (redirect("https://cdnt-preview.dzcdn.net/stream/fake.mp3"), "more than 3 times"),
    "nothing": (Answer(200, b"", {"Content-Type": "audio/mpeg"}), "empty file"),
    "500": (Answer(500), "status 500"),
}


class TestMetadata:
    def test_with_credentials_all_is_known(self, services: Services) -> None:
        info = look_up(TRACK, CREDENTIALS, services.session())
        assert info == TrackInfo(TRACK, TITLE, (ARTIST,), SECONDS, ISRC, "https://i.scdn.co/image/fake", None, "")
        assert info.link == f"https://open.spotify.com/track/{TRACK}"

    def test_without_credentials_only_title_and_cover_are(self, services: Services) -> None:
        info = look_up(TRACK, None, services.session())
        assert (info.title, info.artists, info.isrc, info.seconds) == (TITLE, (), None, None)
        assert hosts(services) == ["open.spotify.com"]

    @pytest.mark.parametrize("credentials", [CREDENTIALS, None])
    def test_an_unknown_track_is_named(self, services: Services, credentials: Credentials | None) -> None:
        with pytest.raises(SpotifyError, match="knows no track with the id 0000"):
            look_up(UNTITLED, credentials, services.session())

    @pytest.mark.parametrize("case", FAILURES)
    def test_where_the_web_api_fails_oembed_answers_and_the_reason_is_told(self, services: Services, case: str) -> None:
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
    def test_answers_of_any_form_are_survived(self, services: Services, body: dict[str, object]) -> None:
        services.answers["api.spotify.com", "/"] = as_json(body, 400 if "error" in body else 200)
        assert look_up(TRACK, CREDENTIALS, services.session()).title in (TITLE, "x")

    def test_a_token_serves_for_many_look_ups(self, services: Services) -> None:
        for _ in range(3):
            look_up(TRACK, CREDENTIALS, services.session())
        assert hosts(services).count("accounts.spotify.com") == 1

    def test_a_long_wait_holds_for_everyone(self, services: Services) -> None:
        services.answers["api.spotify.com", "/"] = error(429, "slow", **{"Retry-After": "3600"})
        look_up(TRACK, CREDENTIALS, services.session())
        asked = hosts(services).count("api.spotify.com")
        assert "asks to wait 3600 s" in look_up(TRACK, CREDENTIALS, services.session()).notice
        assert hosts(services).count("api.spotify.com") == asked

    def test_a_trickle_ends(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        services.answers["open.spotify.com", "/"] = Answer(
            200, b" " * 4000, {"Content-Type": "application/json"}, drip=0.05
        )
        monkeypatch.setattr(fetch, "MAX_SECONDS", 0.5)
        with pytest.raises(SpotifyError, match="did not answer in time"):
            look_up(TRACK, None, services.session())

    def test_a_short_wait_is_waited_once(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        slept: list[float] = []
        monkeypatch.setattr(fetch, "sleep", slept.append)
        asked = iter([error(429, "slow", **{"Retry-After": "1"})])
        services.answers["api.spotify.com", "/"] = lambda *_: next(asked, as_json(api_track()))
        assert look_up(TRACK, CREDENTIALS, services.session()).artists == (ARTIST,)
        assert slept == [1.0]

    def test_no_answer_in_time(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetch, "READ_SECONDS", 0.2)
        for host in ("api.spotify.com", "open.spotify.com", "accounts.spotify.com"):
            services.answers[host, "/"] = Answer(delay=0.6)
        with pytest.raises(SpotifyError, match="did not answer in time"):
            look_up(TRACK, CREDENTIALS, services.session())

    def test_no_network_at_all(self, services: Services) -> None:
        session = services.session()
        services.stop()
        with pytest.raises(SpotifyError, match="could not be reached"):
            look_up(TRACK, CREDENTIALS, session)

    def test_a_cover_from_elsewhere_is_not_shown(self, services: Services) -> None:
        services.answers["api.spotify.com", "/"] = as_json(
            api_track(album={"images": [{"url": "https://evil.example/x"}]})
        )
        assert look_up(TRACK, CREDENTIALS, services.session()).cover is None


class TestShortLinks:
    def test_they_are_followed_by_hand(self, services: Services) -> None:
        assert track_id("https://spotify.link/AbCdEf", services.session()) == TRACK
        assert hosts(services) == ["spotify.link"]

    def test_not_off_the_list(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = redirect("https://evil.example/track/x")
        with pytest.raises(SpotifyError, match=r"leads to evil\.example"):
            track_id("https://spotify.link/AbCdEf", services.session())
        assert hosts(services) == ["spotify.link"]

    def test_not_for_ever(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = redirect("https://spotify.link/AbCdEf")
        with pytest.raises(SpotifyError, match="leads on and on"):
            track_id("https://spotify.link/AbCdEf", services.session())
        assert len(services.asked) == 3

    def test_dead_ones_are_said_to_be(self, services: Services) -> None:
        services.answers["spotify.link", "/"] = Answer(404)
        with pytest.raises(SpotifyError, match="leads nowhere"):
            track_id("https://spotify.link/AbCdEf", services.session())


class TestPreviews:
    def test_deezer_is_asked_by_the_recordings_code(self, services: Services) -> None:
        found = chain(services)
        assert (found.preview.service, found.preview.artist, found.tried) == ("Deezer", ARTIST, ())
        assert f"https://api.deezer.com/track/isrc:{ISRC}" in services.asked
        assert decode(found.data, sample_rate=22_050).seconds == pytest.approx(6, abs=0.1)

    def test_spotifys_own_audio_only_where_it_is_switched_on(self, services: Services) -> None:
        services.answers["api.spotify.com", "/"] = as_json(api_track(preview_url="https://p.scdn.co/mp3-preview/x"))
        assert chain(services).preview.service == "Deezer"
        assert not any("scdn.co" in host for host in hosts(services))
        assert chain(services, spotify_audio=True).preview.service == "Spotify"

    @pytest.mark.parametrize(
        "cause", ["no ISRC", "unknown to Deezer", "no preview there", "Deezer is down", "Deezer is busy"]
    )
    def test_apple_is_next(self, services: Services, cause: str) -> None:
        services.answers |= {
            "no ISRC": {("api.spotify.com", "/"): as_json(api_track(external_ids={}))},
            "unknown to Deezer": {("api.deezer.com", "/"): as_json(deezer_unknown())},
            "no preview there": {("api.deezer.com", "/"): as_json(deezer_track(preview=""))},
            "Deezer is down": {("api.deezer.com", "/"): Answer(503)},
            "Deezer is busy": {
                ("api.deezer.com", "/"): as_json({"error": {"message": "Quota limit exceeded", "code": 4}})
            },
        }[cause]  # type: ignore[operator]
        found = chain(services)
        assert found.preview.service == "Apple"
        assert len(found.tried) == 1
        assert "Deezer" in found.tried[0]
        assert ("has no preview" in found.tried[0]) == (cause not in ("Deezer is down", "Deezer is busy"))

    @pytest.mark.parametrize(
        ("song", "matches"),
        [
            (itunes_song(title=f"{TITLE} (Remastered 2009)"), True),
            (itunes_song(title=TITLE.upper(), artist=f"{ARTIST} & Friends"), True),
            (itunes_song(milliseconds=int(SECONDS * 1000) + 2900), True),
            (itunes_song(milliseconds=int(SECONDS * 1000) + 3100), False),
            (itunes_song(artist="A Cover Band"), False),
            (itunes_song(artist=f"The {ARTIST} Tribute"), False),
            (itunes_song(artist=""), False),
            (itunes_song(title=f"{TITLE} (Instrumental)"), False),
            (itunes_song(title=f"{TITLE} (Karaoke Version)"), False),
            (itunes_song(title=f"{TITLE} - Live"), False),
            (itunes_song(title=f"{TITLE} - 2011 Remaster"), True),
            (itunes_song(title=f"{TITLE} (feat. Someone)"), True),
            (itunes_song(title="Another Song"), False),
        ],
    )
    def test_apple_is_matched_on_title_artist_and_length(
        self, services: Services, song: dict[str, object], matches: bool
    ) -> None:
        services.answers["api.deezer.com", "/"] = as_json(deezer_unknown())
        services.answers["itunes.apple.com", "/"] = as_json({"results": [song]})
        if matches:
            assert chain(services).preview.service == "Apple"
        else:
            with pytest.raises(previews.NoPreview, match="Apple has no preview of this recording"):
                chain(services)

    def test_an_expired_signature_is_renewed_once(self, services: Services) -> None:
        fresh = deezer_track(preview="https://cdnt-preview.dzcdn.net/stream/fresh.mp3?hdnea=2")
        given_out = iter([as_json(deezer_track())])
        services.answers["api.deezer.com", "/"] = lambda *_: next(given_out, as_json(fresh))
        services.answers["cdnt-preview.dzcdn.net", "/stream/fake"] = Answer(403)
        assert chain(services).preview.audio.endswith("fresh.mp3?hdnea=2")

    @pytest.mark.parametrize("case", UNFIT)
    def test_unfit_audio_is_refused_and_the_next_service_asked(self, services: Services, case: str) -> None:
        answer, words = UNFIT[case]
        services.answers["cdnt-preview.dzcdn.net", "/"] = answer
        found = chain(services)
        assert found.preview.service == "Apple"
        assert words in found.tried[0]
        assert "evil.example" not in hosts(services)

    def test_a_good_redirect_is_followed(self, services: Services) -> None:
        services.answers["cdnt-preview.dzcdn.net", "/"] = redirect(
            "https://e-cdns-preview-1.dzcdn.net/stream/there.mp3"
        )
        assert chain(services).preview.service == "Deezer"

    def test_the_embed_page_is_last_and_only_where_switched_on(self, services: Services) -> None:
        services.answers |= {
            ("api.deezer.com", "/"): as_json(deezer_unknown()),
            ("itunes.apple.com", "/"): as_json({"results": []}),
        }
        with pytest.raises(previews.NoPreview, match=r"Deezer has no preview .* Apple has no preview"):
            chain(services)
        assert not any("embed" in address for address in services.asked)
        assert chain(services, spotify_audio=True).preview.audio == "https://p.scdn.co/mp3-preview/fake"
        services.answers["open.spotify.com", "/embed"] = Answer(
            200, b"<html>other</html>", {"Content-Type": "text/html"}
        )
        with pytest.raises(previews.NoPreview):
            chain(services, spotify_audio=True)

    def test_by_title_alone_nothing_is_chosen_for_the_visitor(self, services: Services) -> None:
        session = services.session()
        info = look_up(TRACK, None, session)
        found = previews.candidates(info, session)
        assert [p.title for p in found] == [TITLE, "Another Song"]
        assert previews.download(found[0], session) == audio(kind="audio/x-m4a").body
        with pytest.raises(previews.NoPreview):
            previews.find(info, session)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from([
        "http://169.254.169.254/latest/meta-data", "https://127.0.0.1/", "https://evil.example/a.mp3", "file:///etc/passwd",
        "https://api.deezer.com@evil.example/", "https://evil.example#.dzcdn.net", "//evil.example/x", "https://dzcdn.net.evil.example/",
        "https://p.scdn.co:22/", "http://p.scdn.co/x", "https://evil.example\\.dzcdn.net/", "https://[::1]/", "gopher://i.scdn.co/",
    ]),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pasted=HOSTILE, returned=HOSTILE, location=HOSTILE)
def test_no_input_and_no_answer_leads_off_the_list(
    services: Services, pasted: str, returned: str, location: str
) -> None:
    """Whatever is pasted, and whatever previews and redirects the services answer with."""
    services.asked.clear()
    services.answers |= {
        ("api.deezer.com", "/"): as_json(deezer_track(preview=returned)),
        ("itunes.apple.com", "/"): as_json({"results": [itunes_song() | {"previewUrl": returned}]}),
        ("api.spotify.com", "/"): as_json(api_track(preview_url=returned)),
        ("spotify.link", "/"): redirect("".join(c for c in location if " " < c < "\x7f")),
        ("cdnt-preview.dzcdn.net", "/"): redirect("".join(c for c in location if " " < c < "\x7f")),
    }  # fmt: skip
    session = services.session()
    for text in (pasted, "https://spotify.link/AbCdEf", TRACK):
        try:
            info = look_up(track_id(text, session), CREDENTIALS, session)
            previews.find(info, session, spotify_audio=True)
        except SpotifyError:
            pass
    for address in services.asked:
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname in fetch.HOSTS or str(parts.hostname).endswith(tuple(fetch.SUFFIXES))


def test_no_secret_reaches_a_log_a_message_or_a_representation(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [repr(CREDENTIALS), str(CREDENTIALS)]
    broken: list[dict[tuple[str, str], Answer]] = [
        {}, {("accounts.spotify.com", "/"): as_json({"error": "invalid_client"}, 400)}, {("api.spotify.com", "/"): error(500, "x")},
        {("accounts.spotify.com", "/"): Answer(500)}, {("api.spotify.com", "/"): Answer(200, b"x")},
    ]  # fmt: skip
    for answers in broken:
        services.answers = dict(answers)  # type: ignore[assignment]
        said.append(repr(look_up(TRACK, CREDENTIALS, services.session())))
    session = services.session()
    services.stop()
    with pytest.raises(SpotifyError) as caught:
        look_up(TRACK, CREDENTIALS, session)
    said += [str(caught.value), repr(caught.value.__cause__), caplog.text]
    for secret in (*CLIENT, "YW4taWQtb2YtdGhlLXRlc3Rz", "a-token-of-the-tests"):
        assert not any(secret in text for text in said)
    assert not any(secret in address for secret in CLIENT for address in services.asked)


def test_credentials_come_from_the_first_place_that_has_both() -> None:
    half, whole = {"SPOTIPY_CLIENT_ID": "a"}, {"SPOTIPY_CLIENT_ID": "b", "SPOTIPY_CLIENT_SECRET": "c"}
    assert Credentials.find(half, whole) == Credentials("b", "c")
    assert Credentials.find(half, {}) is None
