"""A session that leaves pauses between its requests to a service, and waits as asked to."""

from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import requests

from crnn.sources import http

# Seconds between requests to a host: Deezer allows 50 in 5 s, Apple's search about 20 a minute.
PAUSES = {"api.spotify.com": 0.2, "api.deezer.com": 0.15, "itunes.apple.com": 3.1}

LONGEST_WAIT = 300.0  # seconds; for longer ones the run stops, to be continued later
_DEFAULT_WAIT = 5.0  # where a service asks to wait without a number
_TRIES = 4


class RateLimitedSession(http.Session):
    """crnn.sources.http's session (allowed hosts, https, small bodies), for many requests."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = "genre-mood-spectrum/1.0 (collects previews; python-requests)"
        self._free_at: dict[str, float] = {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        host = str(urlsplit(str(request.url)).hostname)
        for attempt in range(1, _TRIES + 1):
            left = self._free_at.get(host, 0.0) - monotonic()
            if left > LONGEST_WAIT:
                name = http.HOSTS.get(host, host)
                raise http.FetchError(f"{name} asks to wait {left / 60:.0f} minutes.", 429, left)
            if left > 0:
                sleep(left)
            self.deadline = monotonic() + http.DEADLINE_SECONDS  # each request has its own
            response = super().send(request, **options)
            wait = PAUSES.get(host, 0.0)
            if busy := response.status_code == 429:
                wait = http.retry_after(response.headers.get("Retry-After")) or _DEFAULT_WAIT
            self._free_at[host] = monotonic() + wait
            if not busy or wait > LONGEST_WAIT or attempt == _TRIES:
                break
            response.close()
        return response
