"""Requests to other services: https to allowed hosts only, small bodies, bounded time."""

import logging
import re
from collections.abc import Iterator
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from time import monotonic, sleep
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ReadTimeoutError

from crnn.errors import SourceError
from crnn.untrusted import json_object, split_address

# Allowed hosts, and the service that each belongs to.
HOSTS = {
    "api.spotify.com": "Spotify",
    "accounts.spotify.com": "Spotify",
    "open.spotify.com": "Spotify",
    "spotify.link": "Spotify",
    "spotify.app.link": "Spotify",
    "p.scdn.co": "Spotify",
    "i.scdn.co": "Spotify",
    "api.deezer.com": "Deezer",
    "itunes.apple.com": "Apple",
    "audio-ssl.itunes.apple.com": "Apple",
}
HOST_SUFFIXES = {".spotifycdn.com": "Spotify", ".dzcdn.net": "Deezer", ".mzstatic.com": "Apple"}

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
DEADLINE_SECONDS = 40.0  # for all requests of a session together, however slowly answers arrive
MAX_WAIT_SECONDS = 3.0  # the longest rate limit that is waited for
MAX_JSON, MAX_AUDIO = 2 * 2**20, 10 * 2**20  # bytes; a 30 s preview has half a megabyte
MAX_REDIRECTS = 3
MAX_ADDRESS = 2000  # characters; no real one comes near
_TEMPORARY = (429, 500, 502, 503, 504)
_AGENT = "genre-mood-spectrum/1.0 (looks up one track at a visitor's request; python-requests)"

# At DEBUG, spotipy logs headers, and so credentials; in errors it quotes what services answer.
logging.getLogger("spotipy").setLevel(logging.CRITICAL)


class FetchError(SourceError):
    """A request failed.

    status: HTTP status, 0 without a response. retry_after: seconds that the service asks to wait.
    """

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class Session(requests.Session):
    """A requests session whose every request and redirect goes to an allowed host, over https.

    Bodies have at most MAX_JSON bytes unless `response.raw.limit` is raised, all requests together
    have DEADLINE_SECONDS, and what fails for the moment is tried once more. spotipy is given one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers = CaseInsensitiveDict({"User-Agent": _AGENT, "Accept-Language": "en"})
        self.max_redirects = MAX_REDIRECTS
        self.deadline = monotonic() + DEADLINE_SECONDS
        self.hooks["response"].append(self._bound)
        self.mount("https://", Adapter(self))

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        options.setdefault("allow_redirects", False)  # spotipy's requests carry a token
        # Not urllib3's Retry: it waits as long as a service asks to and reads failed bodies whole.
        wait = 0.3
        try:
            response = super().request(method, url, **options)
            wait = retry_after(response.headers.get("Retry-After")) or wait
            if response.status_code not in _TEMPORARY or wait > MAX_WAIT_SECONDS:
                return response
            response.close()
        except requests.Timeout:
            raise
        except requests.ConnectionError:
            pass
        sleep(wait)
        return super().request(method, url, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        service_name(str(request.url))
        left = self.deadline - monotonic()
        if left <= 0:
            raise requests.Timeout("no time left for another request")
        options["timeout"] = (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
        return super().send(request, **options)

    def _bound(self, response: requests.Response, **_: Any) -> None:
        response.raw = _Body(response.raw, service_name(str(response.url)))
        # spotipy reads answers by this.
        response.json = lambda **_: json_object(response.content)  # type: ignore[method-assign]


class Adapter(HTTPAdapter):
    """Holds every read from the network to the session's deadline: of headers, of a chunk's size,
    of a compressed body that has come to nothing so far."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> Any:
        pool = super().get_connection_with_tls_context(*arguments, **options)
        kind = type(pool).ConnectionCls
        pool.ConnectionCls = type(kind.__name__, (kind,), {"response_class": self._response})
        return pool

    def _response(self, sock: Any, *arguments: Any, **options: Any) -> HTTPResponse:
        response = HTTPResponse(sock, *arguments, **options)
        response.fp = BufferedReader(_TimedReader(response.fp.detach(), sock, self._session))
        return response


class _TimedReader(RawIOBase):
    """What a socket receives, until the session's deadline."""

    def __init__(self, raw: Any, sock: Any, session: Session) -> None:
        self._raw, self._sock, self._session = raw, sock, session

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if (left := self._session.deadline - monotonic()) <= 0:
            raise TimeoutError("the answer arrives too slowly")
        self._sock.settimeout(min(READ_SECONDS, left))
        return int(self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Body:
    """A response's body, which raises beyond its limit in bytes."""

    def __init__(self, raw: Any, service: str) -> None:
        self._raw, self._service = raw, service
        self.limit = MAX_JSON

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, _amount: int, decode_content: bool = True) -> Iterator[bytes]:
        """The parts as they arrive: requests reads every body through this."""
        size, declared = 0, self._raw.length_remaining or 0
        try:
            while max(size, declared) <= self.limit:
                part = self._raw.read1(64 * 1024, decode_content=decode_content)
                if not part:
                    return
                size += len(part)
                yield part
        except ReadTimeoutError as error:
            raise requests.Timeout("the body arrives too slowly") from error
        finally:
            self._raw.close()
        raise FetchError(f"{self._service} sent more than {self.limit / 2**20:g} MB.")

    def read(self, *_: Any, **__: Any) -> bytes:
        """Nothing: requests would read the rest of a damaged body through this, without limit."""
        return b""


def new_session() -> Session:
    """A session for one look-up; tests replace this."""
    return Session()


def service_name(url: str) -> str:
    """The service that an address belongs to. Raises FetchError unless it is https and allowed."""
    try:
        scheme, host, port, _ = split_address(url)
    except ValueError as error:
        raise FetchError("An answer held a malformed address, which was not followed.") from error
    suffixes = (name for suffix, name in HOST_SUFFIXES.items() if host.endswith(suffix))
    name = HOSTS.get(host) or next(suffixes, None)
    if name is None or scheme != "https" or port not in (None, 443):
        raise FetchError(
            f"An answer pointed to {host[:60]}, which is not an allowed address, and was not "
            "followed."
        )
    return name


Params = dict[str, str] | None


def get(
    session: Session, url: str, limit: int, kinds: tuple[str, ...], params: Params = None
) -> bytes:
    """A body of at most `limit` bytes, whose content type begins with one of `kinds`.

    Raises FetchError for no response, another status than 200, another type, or a longer body.
    """
    name = service_name(url)
    try:
        with session.get(url, params=params, stream=True) as response:
            if (status := response.status_code) != 200:
                after = retry_after(response.headers.get("Retry-After"))
                raise FetchError(status_message(name, status, after), status, after)
            kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
            if not kind.startswith(kinds):
                wanted = kinds[0].rstrip("/")
                raise FetchError(
                    f"{name} sent {kind[:40] or 'an unnamed type'} instead of {wanted}."
                )
            response.raw.limit = limit
            return response.content
    except requests.RequestException as error:
        raise request_failed(name, error) from error
    except ValueError as error:  # a malformed address or header
        raise FetchError(f"{name} answered in a form that can't be read.") from error


def get_json(session: Session, url: str, params: Params = None) -> dict[str, Any]:
    """A JSON object. Raises FetchError."""
    body = get(session, url, MAX_JSON, ("application/json", "text/javascript"), params)
    try:
        return json_object(body)
    except ValueError as error:
        name = service_name(url)
        raise FetchError(f"{name} sent something that is not a JSON object.") from error


def retry_after(header: str | None) -> float:
    """Seconds of a Retry-After header; 0 where it is missing or a date."""
    return float(header) if header and re.fullmatch(r"\d{1,7}", header.strip()) else 0.0


def status_message(name: str, status: int, after: float = 0.0) -> str:
    """A sentence for a status other than 200, with the seconds that the service asks to wait."""
    if status == 429:
        wait = f"{after:.0f} s" if after else "a while"
        return f"{name} has had too many requests and asks to wait {wait}."
    return f"{name} answered with status {status}."


def request_failed(name: str, error: Exception) -> FetchError:
    """A sentence for requests' exception, without addresses, which may hold signatures."""
    if isinstance(error, requests.Timeout):
        return FetchError(f"{name} did not answer in time.")
    if isinstance(error, requests.TooManyRedirects):
        return FetchError(f"{name} redirected more than {MAX_REDIRECTS} times.")
    return FetchError(f"{name} could not be reached, or broke off its answer.")
