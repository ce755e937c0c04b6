"""A user's own playlists, page by page, after they logged in.

Tokens stay in memory, or in a file that the user chooses.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
import spotipy
from spotipy.cache_handler import CacheFileHandler, MemoryCacheHandler
from spotipy.oauth2 import SpotifyOAuth, SpotifyOauthError, SpotifyStateError

from crnn.errors import SourceError
from crnn.sources.http import FetchError, Session, request_failed, retry_after
from crnn.sources.spotify import Credentials, status_message

T = TypeVar("T")

PAGE = 50  # items; the most that Spotify gives at once
_SCOPES = ["playlist-read-private", "playlist-read-collaborative"]

_COPY = (
    "Spotify serves a playlist's songs only to whoever owns it or collaborates on it. To get a copy "
    "that is yours: open it in Spotify, “…”, “Add to other playlist”, “New playlist”, and give that "
    "one's link."
)
_SETTINGS = "the app's settings at developer.spotify.com"
# Sentences for OAuth errors, and for other ones.
_REFUSED = {
    "access_denied": "You did not allow the app to read your playlists, and without that nothing can "
    "be read. Start again and agree.",
    "invalid_grant": "Spotify no longer accepts this login, or {redirect} is not among the redirect "
    f"addresses in {_SETTINGS}. Check there and log in again.",
    "state": "The answer does not belong to this login. Start again and use the page that opens then.",
}
_REFUSED_APP = (
    "Spotify refused this app's credentials. Check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET, and "
    f"that {{redirect}} is among the redirect addresses in {_SETTINGS}."
)


class _Login(SpotifyOAuth):  # type: ignore[misc]  # spotipy has no types
    """spotipy's, which prints nothing while it waits for the browser."""

    def get_auth_response(self, open_browser: bool | None = None) -> Any:
        if self.open_browser:
            address = self.get_authorize_url()
            print(
                f"Log in to Spotify in the browser that opens now, or open this address:\n{address}",
                flush=True,
            )
        try:
            return super().get_auth_response(open_browser)
        except (SpotifyStateError, TypeError) as error:  # TypeError: an answer without any state
            raise SpotifyOauthError("another state", error="state") from error


class Client:
    """Reads playlists as the user who logs in on first use. The session is kept for all requests."""

    def __init__(
        self,
        session: Session,
        credentials: Credentials,
        redirect: str,
        token_file: Path | None = None,
        browser: bool = True,
    ) -> None:
        if token_file is not None and not token_file.parent.is_dir():
            raise SourceError(f"{token_file.parent}: no such folder to keep the token in.")
        self._tokens = (
            CacheFileHandler(cache_path=str(token_file)) if token_file else MemoryCacheHandler()
        )
        self._auth = _Login(
            credentials.client_id,
            credentials.client_secret,
            redirect,
            state=secrets.token_urlsafe(16),
            scope=_SCOPES,
            cache_handler=self._tokens,
            requests_session=session,
            open_browser=browser,
        )
        self._redirect = redirect
        self._api = spotipy.Spotify(auth_manager=self._auth, requests_session=session)

    def page(self, playlist: str, offset: int) -> dict[str, Any]:
        """Items offset … offset + PAGE - 1 of a playlist, as Spotify sends them. Raises SourceError."""
        try:
            page = self._with_fresh_token(
                lambda: self._api.playlist_items(playlist, limit=PAGE, offset=offset)
            )
        except FetchError as error:
            if error.status == 404:
                raise FetchError(
                    f"Spotify knows no playlist with the id {playlist}, or keeps it for itself. Copy "
                    f"its link again. {_COPY}",
                    404,
                ) from error
            raise
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise FetchError("Spotify answered with something that is not a page of a playlist.")
        return page

    def _with_fresh_token(self, ask: Callable[[], T]) -> T:
        """Ask; with a new token if the old one is refused, although its hour is not over."""
        try:
            return self._ask(ask)
        except FetchError as error:
            token = self._tokens.get_cached_token()
            if error.status != 401 or not token:
                raise
            # Refreshed, or, where that is refused too, forgotten: the next request asks to log in.
            try:
                self._ask(lambda: self._auth.refresh_access_token(token["refresh_token"]))
            except FetchError as refused:
                if refused.status != 401:
                    raise
                self._tokens.save_token_to_cache(None)
            return self._ask(ask)

    def _ask(self, ask: Callable[[], T]) -> T:
        """spotipy's exceptions as sentences, without its words, which may repeat what was sent."""
        try:
            return ask()
        except spotipy.SpotifyException as error:
            after = retry_after((error.headers or {}).get("Retry-After"))
            words = status_message(error.http_status, after)
            if error.http_status == 403:
                words = _forbidden(str(error.msg).lower())
            raise FetchError(words, error.http_status, after) from None
        except SpotifyOauthError as error:
            status = getattr(getattr(error.__context__, "response", None), "status_code", 400)
            if status == 429 or status >= 500:
                raise FetchError(status_message(status), status) from None
            words = _REFUSED.get(str(error.error), _REFUSED_APP)
            raise FetchError(words.format(redirect=self._redirect), 401) from None
        except requests.RequestException as error:
            raise request_failed("Spotify", error) from error
        except EOFError as error:
            raise SourceError(
                "Nobody is there to log in. Do it once at a terminal, with --token-file FILE."
            ) from error
        except OSError as error:
            raise SourceError(
                f"The login can't be received at {self._redirect} ({error.strerror or error}). Give "
                f"another address with --redirect, and add it to {_SETTINGS}."
            ) from error
        # spotipy reads answers without checking their form.
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FetchError("Spotify answered with something that can't be read.") from error


def _forbidden(reason: str) -> str:
    if "premium" in reason:
        return status_message(403)
    if "registered" in reason or "dashboard" in reason:
        return (
            "This account is not among the app's users. Add it at developer.spotify.com (your app, "
            "“User Management”)."
        )
    return _COPY
