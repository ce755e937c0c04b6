"""Spotify (token, Web API, oEmbed, embed page, short links), Deezer and Apple on loopback.

They answer in the documented forms. One server plays all hosts: an adapter under the real requests
session sends it what is meant for any of them. Tests can replace the answers of any path.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from crnn.sources.http import Adapter, Session
from tests.conftest import encode, melody

TRACK = "4uLU6hMCjMI75M1A2tKUQC"
UNTITLED = "0000000000000000000000"  # the id nobody has
ISRC = "GBARL9300135"
TITLE, ARTIST, SECONDS = "Song of the Fakes", "The Loopbacks", 213.0
CLIENT = ("an-id-of-the-tests", "a-secret-of-the-tests")


@dataclass(frozen=True)
class Answer:
    """A response. delay: seconds before it. short: bytes of the body that never come. drip: seconds
    between one byte and the next. raw: the whole response as it is sent, if it is not HTTP's."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    short: int = 0
    drip: float = 0.0
    raw: bytes = b""


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(
        status,
        json.dumps(value).encode(),
        {"Content-Type": "application/json; charset=utf-8"} | headers,
    )


def redirect(address: str) -> Answer:
    return Answer(302, b"", {"Location": address})


def audio(seconds: float = 6.0, kind: str = "audio/mpeg") -> Answer:
    return Answer(200, encode(melody(seconds), kind="MP3"), {"Content-Type": kind})


Responder = Callable[[str, dict[str, list[str]]], Answer]


class Services:
    """The server. answers: (host, beginning of the path) -> an answer, or a function of path and
    query; the longest beginning counts."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Answer | Responder] = {}
        self.asked: list[str] = []  # every address, in order
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                services._serve(self)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """From now on nothing answers."""
        self._server.shutdown()
        self._server.server_close()

    def hosts(self) -> list[str]:
        """Who was asked, in order."""
        return [str(urlsplit(address).hostname) for address in self.asked]

    def session(self) -> Session:
        """A session that finds every host here."""
        session = Session()
        session.mount("https://", Loopback(session, self.port, self.asked))
        return session

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        form = parse_qs(handler.rfile.read(length).decode("utf-8", "replace"))
        host, parts = str(handler.headers["X-Meant-For"]), urlsplit(handler.path)
        answer = self._answer(
            host, parts.path, parse_qs(parts.query) | form, handler.headers.get("Authorization", "")
        )
        time.sleep(answer.delay)
        if not answer.raw:
            handler.send_response(answer.status)
            for name, value in ({"Content-Type": "text/plain"} | dict(answer.headers)).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(answer.body)))
            handler.end_headers()
        body = answer.raw or answer.body[: len(answer.body) - answer.short]
        try:
            for part in map(bytes, zip(body)) if answer.drip else [body]:
                handler.wfile.write(part)
                time.sleep(answer.drip)
        except OSError:
            return  # the client has closed the connection
        if answer.short or answer.raw:
            handler.close_connection = True

    def _answer(
        self, host: str, path: str, query: dict[str, list[str]], authorization: str
    ) -> Answer:
        for (where, start), answer in sorted(
            self.answers.items(), key=lambda item: -len(item[0][1])
        ):
            if host == where and path.startswith(start):
                return answer(path, query) if callable(answer) else answer
        return _usual(host, path, query, authorization)


class Loopback(Adapter):
    """Sends requests for any https host to the fakes, and lists their intended addresses."""

    def __init__(self, session: Session, port: int, asked: list[str]) -> None:
        super().__init__(session)
        self.port, self.asked = port, asked

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        meant = str(request.url)
        self.asked.append(meant)
        parts = urlsplit(meant)
        there = request.copy()
        there.url = f"http://127.0.0.1:{self.port}{parts.path}" + (
            f"?{parts.query}" if parts.query else ""
        )
        there.headers["X-Meant-For"] = parts.netloc
        response = super().send(there, **options)
        response.url, response.request = meant, request
        return response


def _usual(host: str, path: str, query: dict[str, list[str]], authorization: str) -> Answer:
    """What everything answers when all is well."""
    if host == "accounts.spotify.com" and path == "/api/token":
        import base64

        wanted = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        if authorization != wanted:
            return as_json(
                {"error": "invalid_client", "error_description": "Invalid client secret"}, 400
            )
        return as_json(
            {"access_token": "a-token-of-the-tests", "token_type": "Bearer", "expires_in": 3600}
        )
    if host == "api.spotify.com":
        if authorization != "Bearer a-token-of-the-tests":
            return as_json({"error": {"status": 401, "message": "Invalid access token"}}, 401)
        return (
            as_json(api_track()) if path == f"/v1/tracks/{TRACK}" else error(404, "Non existing id")
        )
    if host == "open.spotify.com" and path == "/oembed":
        if TRACK not in query["url"][0]:
            return as_json({"error": "not found"}, 404)
        return as_json(
            {
                "title": TITLE,
                "thumbnail_url": "https://i.scdn.co/image/fake",
                "type": "rich",
                "provider_name": "Spotify",
            }
        )
    if host == "open.spotify.com" and path == f"/embed/track/{TRACK}":
        entity = {"audioPreview": {"url": "https://p.scdn.co/mp3-preview/fake"}, "name": TITLE}
        data = {"props": {"pageProps": {"state": {"data": {"entity": entity}}}}}
        script = f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(data)}</script>'
        page = f"<html>{script}</html>"
        return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
    if host == "spotify.link":
        return redirect(f"https://open.spotify.com/track/{TRACK}?si=abc")
    if host == "api.deezer.com":
        return as_json(deezer_track() if path == f"/track/isrc:{ISRC}" else deezer_unknown())
    if host == "itunes.apple.com":
        return as_json(
            {
                "resultCount": 2,
                "results": [itunes_song(), itunes_song(title="Another Song", milliseconds=99_000)],
            }
        )
    if host.endswith((".dzcdn.net", "p.scdn.co")):
        return audio()
    if host == "audio-ssl.itunes.apple.com":
        return audio(kind="audio/x-m4a")
    return Answer(404)


def error(status: int, message: str, **headers: str) -> Answer:
    """The Web API's form of an error."""
    return as_json({"error": {"status": status, "message": message}}, status, **headers)


def api_track(**changes: Any) -> dict[str, Any]:
    return {
        "id": TRACK,
        "name": TITLE,
        "duration_ms": int(SECONDS * 1000),
        "artists": [{"name": ARTIST}],
        "external_ids": {"isrc": ISRC},
        "album": {"images": [{"url": "https://i.scdn.co/image/fake", "height": 640}]},
    } | changes


def deezer_track(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "title": TITLE,
        "duration": int(SECONDS),
        "artist": {"name": ARTIST},
        "link": "https://www.deezer.com/track/1",
        "preview": "https://cdnt-preview.dzcdn.net/stream/fake.mp3?hdnea=exp=1~hmac=abc",
    } | changes


def deezer_unknown() -> dict[str, Any]:
    return {"error": {"type": "DataException", "message": "no data", "code": 800}}


def itunes_song(
    title: str = TITLE, artist: str = ARTIST, milliseconds: int = int(SECONDS * 1000)
) -> dict[str, Any]:
    return {
        "trackName": title,
        "artistName": artist,
        "trackTimeMillis": milliseconds,
        "kind": "song",
        "previewUrl": "https://audio-ssl.itunes.apple.com/itunes-assets/fake.m4a",
        "trackViewUrl": "https://music.apple.com/us/album/fake/1?i=2",
        "artworkUrl100": "https://is1-ssl.mzstatic.com/image/thumb/fake/100x100bb.jpg",
    }
