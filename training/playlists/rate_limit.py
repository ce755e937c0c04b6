"""A session that leaves pauses between its requests to a service, and waits as long as it is asked to."""

from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import requests

from crnn.sources import http
from crnn.sources.http import Session, retry_after

# Seconds between two requests to a host. Deezer allows 50 in 5 s, Apple's search about 20 a minute;
# Spotify states no number.
PAUSES = {"api.spotify.com": 0.2, "api.deezer.com": 0.15, "itunes.apple.com": 3.1}

LONGEST_WAIT = 300.0  # seconds; beyond it the run stops, and continues when it is started again
_DEFAULT_WAIT = 5.0  # where a service asks to wait without a number
_TRIES = 4
_AGENT = (
    "genre-mood-spectrum/1.0 (builds a data set from its user's own playlists; python-requests)"
)


class RateLimitedSession(Session):
    """crnn.sources.http's session (allowed hosts, https, small bodies), for many requests."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = _AGENT
        self._free_at: dict[str, float] = {}

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        self.deadline = monotonic() + http.DEADLINE_SECONDS  # each request has its own
        return super().request(method, url, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        host = str(urlsplit(str(request.url)).hostname)
        for attempt in range(1, _TRIES + 1):
            self._wait(host)
            response = super().send(request, **options)
            self._free_at[host] = monotonic() + PAUSES.get(host, 0.0)
            if response.status_code != 429:
                break
            after = retry_after(response.headers.get("Retry-After")) or _DEFAULT_WAIT
            self._free_at[host] = monotonic() + after
            if after > LONGEST_WAIT or attempt == _TRIES:
                break  # the caller sees the response
            response.close()
        return response

    def _wait(self, host: str) -> None:
        left = self._free_at.get(host, 0.0) - monotonic()
        if left > LONGEST_WAIT:
            raise http.FetchError(
                f"{http.HOSTS.get(host, host)} asks for no request for another {left / 60:.0f} minutes.",
                429,
                left,
            )
        if left > 0:
            sleep(left)
            self.deadline += left


def new_session() -> RateLimitedSession:
    """A session for a whole run; tests replace this."""
    return RateLimitedSession()
