"""A session that asks no service more often than it wants to be asked, and waits as long as it is told to."""

from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import requests

from crnn.sources import http
from crnn.sources.http import Session, retry_after

# Seconds between two requests to a host. Deezer allows 50 in 5 s, Apple's search about 20 a minute; Spotify names no number.
PAUSES = {"api.spotify.com": 0.2, "api.deezer.com": 0.15, "itunes.apple.com": 3.1}

# A wait longer than this is not waited: the run stops, and goes on when it is started again.
LONGEST = 300.0
_UNSAID = 5.0  # where a service asks to wait and does not say how long
_TRIES = 4

_AGENT = (
    "genre-mood-spectrum/1.0 (builds a data set from its user's own playlists; python-requests)"
)


class RateLimitedSession(Session):
    """crnn.sources.http's session (listed hosts, https, small answers), for many requests rather than one visitor's."""

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
            after = retry_after(response.headers.get("Retry-After")) or _UNSAID
            self._free_at[host] = monotonic() + after
            if after > LONGEST or attempt == _TRIES:
                break  # whoever asked is told
            response.close()
        return response

    def _wait(self, host: str) -> None:
        left = self._free_at.get(host, 0.0) - monotonic()
        if left > LONGEST:
            raise http.FetchError(
                f"{http.HOSTS.get(host, host)} asked to be left alone for another {left / 60:.0f} minutes.",
                429,
                left,
            )
        if left > 0:
            sleep(left)
            self.deadline += left


def new_session() -> RateLimitedSession:
    """One for a whole run; tests put a session here that finds every host on this machine."""
    return RateLimitedSession()
