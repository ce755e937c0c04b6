"""Every request to another service goes through here: https only, listed hosts only, small answers only, politely."""

import json
import logging
import re
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from crnn.errors import SourceError

Answer = TypeVar("Answer")

# Names of the services, as they appear in sentences.
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
_AGENT = "genre-mood-spectrum/1.0 (looks up one track at a visitor's request; python-requests)"
MAX_JSON, MAX_AUDIO = 2 * 2**20, 10 * 2**20  # bytes; a 30 s preview has half a megabyte
MAX_SECONDS = 40.0  # for all that one link sets off, however slowly it trickles
MAX_HOPS = 3
MAX_WAIT_SECONDS = 3.0  # seconds that a visitor is made to wait for a rate limit
_TEMPORARY = (429, 500, 502, 503, 504)


class FetchError(SourceError):
    """A request that brought nothing; status: HTTP status, 0 without an answer; after: seconds a service asked us to wait."""

    def __init__(self, message: str, status: int = 0, after: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.after = status, after


def service(address: str) -> str:
    """Whose server an address names. Raises FetchError unless it is https and on the list."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise FetchError(
            "An answer held an address that is none, and it was not followed."
        ) from error
    name = HOSTS.get(host) or next(
        (n for suffix, n in HOST_SUFFIXES.items() if host.endswith(suffix)), None
    )
    if (
        parts.scheme != "https"
        or name is None
        or port not in (None, 443)
        or parts.username is not None
    ):
        raise FetchError(
            f"An answer pointed to {host[:60] or 'no host'}, which is not one of the services asked; not followed."
        )
    return name


class Session(requests.Session):
    """A requests session that cannot leave the list, follows no redirect by itself and never waits for ever.

    All its requests together have MAX_SECONDS. spotipy is given one, too: what holds here holds for all it does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers = CaseInsensitiveDict({"User-Agent": _AGENT, "Accept-Language": "en"})
        self.deadline = monotonic() + MAX_SECONDS

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        streamed = options.pop("stream", False)
        left = self.deadline - monotonic()
        if left <= 0:
            raise requests.Timeout("no time left for another request")
        options |= {"allow_redirects": False, "stream": True}
        options["timeout"] = (min(CONNECT_SECONDS, left), min(READ_SECONDS, left))
        response = super().request(method, url, **options)
        if not streamed:
            response._content = self.body(response, MAX_JSON)
        return response

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        service(str(request.url))
        return super().send(request, **options)

    def body(self, response: requests.Response, limit: int) -> bytes:
        """What a streamed answer holds, as it comes, so that neither size nor time gets out of hand."""
        declared = response.headers.get("Content-Length") or ""
        body = bytearray()
        try:
            while len(body) <= limit and not (declared.isdigit() and int(declared) > limit):
                part = response.raw.read1(64 * 1024, decode_content=True)
                if not part:
                    return bytes(body)
                body += part
                if monotonic() > self.deadline:
                    raise requests.Timeout("the answer trickles")
        except HTTPError as error:  # urllib3's, which requests translates only in its own loops
            raise requests.exceptions.ChunkedEncodingError(error) from error
        finally:
            response.close()
        name = service(str(response.url))
        raise FetchError(f"{name} offered more than the {limit / 2**20:g} MB that are accepted.")


def new_session() -> Session:
    """One for each look-up; tests put a session here that finds every host on this machine."""
    return Session()


def get_json(
    session: Session, address: str, params: dict[str, str] | None = None
) -> dict[str, Any]:
    """A JSON object. Raises FetchError."""
    body, _ = get(session, address, MAX_JSON, ("application/json", "text/javascript"), params)
    try:
        found = json.loads(body)
    except ValueError as error:
        raise FetchError(f"{service(address)} answered with something that is not JSON.") from error
    if not isinstance(found, dict):
        raise FetchError(f"{service(address)} answered with an unexpected form of JSON.")
    return found


def get(
    session: Session,
    address: str,
    limit: int,
    kinds: tuple[str, ...],
    params: dict[str, str] | None = None,
) -> tuple[bytes, str]:
    """Body and content type of an answer of at most `limit` bytes whose type begins with one of `kinds`.

    Redirects are followed by hand, three at most, each checked against the list; what may pass is tried once more.
    """
    return with_one_retry(lambda: _get(session, address, limit, kinds, params))


def with_one_retry(attempt: Callable[[], Answer]) -> Answer:
    """Try again once after a failure that may pass, or after the wait that a rate limit asks for if that is short."""
    try:
        return attempt()
    except FetchError as error:
        if (
            error.status not in (0, *_TEMPORARY)
            or error.after > MAX_WAIT_SECONDS
            or (error.status == 0 and not _may_pass(error))
        ):
            raise
        sleep(error.after or 0.3)
        return attempt()


def _may_pass(error: FetchError) -> bool:
    return isinstance(error.__cause__, requests.ConnectionError) and not isinstance(
        error.__cause__, requests.Timeout
    )


def _get(
    session: Session,
    address: str,
    limit: int,
    kinds: tuple[str, ...],
    params: dict[str, str] | None,
) -> tuple[bytes, str]:
    name = service(address)
    try:
        for _ in range(MAX_HOPS + 1):
            with session.get(address, params=params, stream=True) as response:
                if response.is_redirect:
                    address, params = urljoin(address, response.headers["Location"]), None
                    service(address)
                    continue
                check_status(response, name)
                kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
                if not kind.startswith(kinds):
                    raise FetchError(
                        f"{name} answered with {kind[:40] or 'an unnamed type'} instead of {kinds[0].rstrip('/')}."
                    )
                return session.body(response, limit), kind
    except requests.RequestException as error:
        raise request_failed(name, error) from error
    except ValueError as error:  # an address or a header that is none
        raise FetchError(f"{name} answered in a form that can't be read.") from error
    raise FetchError(f"{name} sent us from one address to the next more than {MAX_HOPS} times.")


def check_status(response: requests.Response, name: str) -> None:
    """Raises FetchError for anything but 200."""
    status = response.status_code
    if status == 200:
        return
    after = retry_after(response.headers.get("Retry-After"))
    if status == 429:
        raise FetchError(
            f"{name} has had too many requests and asks to wait {_wait(after)}.", status, after
        )
    raise FetchError(f"{name} answered with status {status}.", status, after)


def retry_after(value: str | None) -> float:
    """Seconds of a Retry-After header; 0 where it is missing or a date."""
    return float(value) if value and re.fullmatch(r"\d{1,7}", value.strip()) else 0.0


def request_failed(name: str, error: requests.RequestException) -> FetchError:
    """What went wrong on the way, without addresses, which may hold signatures."""
    if isinstance(error, requests.Timeout):
        return FetchError(f"{name} did not answer in time.")
    return FetchError(f"{name} could not be reached, or broke off its answer.")


def _wait(seconds: float) -> str:
    if not seconds:
        return "a while"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


# spotipy writes headers, and so credentials, to its log when that is set to DEBUG, and quotes what services say in errors.
logging.getLogger("spotipy").setLevel(logging.CRITICAL)
