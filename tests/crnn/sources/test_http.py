"""Answers that arrive too slowly, or in another form: one sentence, in time, for every service."""

import gzip
import re
from time import monotonic

import pytest

from crnn.errors import SourceError
from crnn.sources import http, previews
from crnn.sources.http import FetchError, get_json, service_name
from crnn.sources.spotify import TrackInfo, look_up, track_id
from tests.crnn.conftest import CREDENTIALS
from tests.crnn.test_untrusted import HOSTS
from tests.fakes.services import (
    TRACK,
    Answer,
    Services,
    api_track,
    as_json,
    deezer_track,
    itunes_song,
)

_START = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_CHUNKED = _START + b"Transfer-Encoding: chunked\r\n\r\n"
_GZIP = _START + b"Content-Encoding: gzip\r\n\r\n"
DRIPPING = {
    "the status": b"HTTP/1.1 200 O" + b"K" * 2000,
    "a header": _START + b"X-Slow: " + b"y" * 2000,
    "headers": _START + b"A: b\r\n" * 90,
    "a chunk's size": _CHUNKED + b"0" * 2000,
    "chunks": _CHUNKED + b"1\r\n \r\n" * 400,
    "a compressed body that is empty": _GZIP
    + gzip.compress(b"")[:10]
    + b"\x00\x00\x00\xff\xff" * 400,
    "a body": _START + b"Content-Length: 4000\r\n\r\n" + b" " * 4000,
}


@pytest.mark.parametrize("part", DRIPPING)
def test_the_deadline_holds_whatever_drips(
    services: Services, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(http, "DEADLINE_SECONDS", 0.4)
    services.answers["api.deezer.com", "/"] = Answer(raw=DRIPPING[part], drip=0.01)
    start = monotonic()
    with pytest.raises(FetchError, match="Deezer did not answer in time"):
        get_json(services.session(), "https://api.deezer.com/track/1")
    assert monotonic() - start < 1.5


@pytest.mark.parametrize("address", HOSTS)
def test_no_address_with_a_doubtful_host_belongs_to_a_service(address: str) -> None:
    with pytest.raises(FetchError, match=r"not followed\.$"):
        service_name(address)


def _json(content: bytes) -> Answer:
    return Answer(200, content, {"Content-Type": "application/json"})


DEEP = b'{"a":' * 100_000
ODD = (None, True, -1, 10**400, 1e999, "\ud800", "", [], [[]], {}, {"name": {"name": 3}})
ANSWER = {**api_track(), **deezer_track(), "results": [itunes_song()], "title": "x"}
ANSWER |= {"thumbnail_url": "y", "error": {"code": 4}, "preview_url": "https://p.scdn.co/x"}
# Every field with each odd value, all at once and one after the other.
ALTERED = [dict.fromkeys(ANSWER, value) for value in ODD]
ALTERED += [ANSWER | {key: value} for key in ANSWER for value in (10**400, {})]
TOKEN = {"access_token": "a-token-of-the-tests", "token_type": "Bearer", "expires_in": 3600}
BYTES = [DEEP, b"[" * 100_000, b"\xff\xff", b"[]", b"{", b'{"name": 1e999}', b"9" * 5000]
REDIRECT = (
    b"HTTP/1.1 302 Found\r\nLocation: https://open.spotify.com/\xff\xfe\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def ask_all(services: Services) -> list[str]:
    """Everything that the app asks, whatever fails; the failures' sentences."""
    failures = []
    session = services.session()
    for host in ("p.scdn.co", "cdnt-preview.dzcdn.net", "audio-ssl.itunes.apple.com"):
        services.answers[host, "/"] = Answer(200, b"sound", {"Content-Type": "audio/mpeg"})
    info = TrackInfo(
        TRACK, "Title", ("Artist",), 200.0, "GBARL9300135", preview="https://p.scdn.co/x"
    )
    for ask in (
        lambda: track_id("https://spotify.link/AbCdEf", session),
        lambda: look_up(TRACK, None, session),
        lambda: look_up(TRACK, CREDENTIALS, session),
        lambda: previews.find_preview(info, session, spotify_audio=True),
        lambda: previews.search(info.title, session),
    ):
        try:
            ask()
        except SourceError as error:
            failures.append(str(error))
    return failures


@pytest.mark.parametrize("number", range(len(BYTES)))
def test_bytes_of_any_form_end_in_sentences(services: Services, number: int) -> None:
    content = BYTES[number]
    page = b'<script id="__NEXT_DATA__">' + content + b"</script>"
    for host in ("accounts.spotify.com", "api.spotify.com", "api.deezer.com", "itunes.apple.com"):
        services.answers[host, "/"] = _json(content)
    services.answers["open.spotify.com", "/oembed"] = _json(content)
    services.answers["open.spotify.com", "/embed"] = Answer(
        200, page, {"Content-Type": "text/html"}
    )
    failures = ask_all(services)
    assert len(failures) >= 2
    assert all(re.match("Spotify|Deezer|Apple", failure) for failure in failures)


def test_fields_of_any_type_end_in_sentences(services: Services) -> None:
    for content in ALTERED:
        for host in ("api.spotify.com", "api.deezer.com", "itunes.apple.com", "open.spotify.com"):
            services.answers[host, "/"] = as_json(content)
        ask_all(services)


@pytest.mark.parametrize("token", ["\ud800", "a\nb", 3, None, {}, 1e999])
def test_a_token_of_another_form_is_not_kept(services: Services, token: object) -> None:
    services.answers["accounts.spotify.com", "/"] = as_json(TOKEN | {"access_token": token})
    assert "Only its title is known" in look_up(TRACK, CREDENTIALS, services.session()).notice
    del services.answers["accounts.spotify.com", "/"]
    assert look_up(TRACK, CREDENTIALS, services.session()).artists


def test_a_redirect_of_no_encoding_is_a_sentence(services: Services) -> None:
    for host in ("spotify.link", "api.spotify.com", "open.spotify.com", "api.deezer.com"):
        services.answers[host, "/"] = Answer(raw=REDIRECT)
    services.answers["itunes.apple.com", "/"] = Answer(raw=REDIRECT)
    assert len(ask_all(services)) == 4


def test_the_rest_of_a_damaged_body_is_not_read(services: Services) -> None:
    """A redirect whose body is no gzip: requests would read on without limit."""
    services.answers["cdnt-preview.dzcdn.net", "/"] = Answer(
        302,
        b"no gzip" + bytes(30 * 2**20),
        {"Content-Encoding": "gzip", "Location": "https://cdnt-preview.dzcdn.net/x"},
    )
    with pytest.raises(FetchError, match=r"more than|redirected|broke off"):
        http.get(services.session(), "https://cdnt-preview.dzcdn.net/x", 2**20, ("audio/",))
