"""A user's own playlists, page by page, after they logged in."""

import os
import secrets
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
import spotipy
from spotipy.cache_handler import CacheFileHandler, MemoryCacheHandler
from spotipy.oauth2 import SpotifyOAuth, SpotifyOauthError, SpotifyStateError

from crnn.errors import SourceError
from crnn.sources.http import FetchError, Session, request_failed, retry_after
from crnn.sources.spotify import Credentials, status_message
from training.playlists.playlist import Entry, parse_entry

PAGE = 50  # items; the most that Spotify sends at once
_SETTINGS = "the app's settings at developer.spotify.com"
_COPY = (
    "Spotify serves a playlist's songs only to its owner and collaborators. To get a copy that is "
    "yours: open it in Spotify, “…”, “Add to other playlist”, “New playlist”, and use that link."
)
_UNREGISTERED = (
    f"This account is not among the app's users. Add it in {_SETTINGS} (“User Management”)."
)
# By OAuth error; "" is for all others.
_REFUSED = {
    "access_denied": "You did not allow the app to read your playlists. Start again and agree.",
    "invalid_grant": "Spotify no longer accepts this login, or {redirect} is not among the "
    f"redirect addresses in {_SETTINGS}. Check there and log in again.",
    "state": "The answer does not belong to this login. Start again and use the page that opens.",
    "": "Spotify refused this app's credentials. Check SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET "
    f"and that {{redirect}} is among the redirect addresses in {_SETTINGS}.",
}


class _Login(SpotifyOAuth):  # type: ignore[misc]  # spotipy has no types
    """spotipy's, which prints nothing while it waits for the browser."""

    def get_auth_response(self, open_browser: bool | None = None) -> Any:
        if self.open_browser:
            print("Log in to Spotify in the browser that opens now, or open this address:")
            print(self.get_authorize_url(), flush=True)
        try:
            return super().get_auth_response(open_browser)
        except (SpotifyStateError, TypeError) as error:  # TypeError: an answer without any state
            raise SpotifyOauthError("another state", error="state") from error


@dataclass
class Client:
    """Reads playlists as the user, who logs in when the first page is needed."""

    session: Session
    redirect: str
    token_file: Path | None = None  # where to store the login; None: in memory
    browser: bool = True  # False: the user copies addresses

    def entries(self, playlist: str) -> list[Entry]:
        """All of a playlist; `next`'s address is not followed, since it would receive the token."""
        result: list[Entry] = []
        while True:
            page = self._page(playlist, len(result))
            result += map(parse_entry, page["items"])
            if not page["items"] or not page.get("next"):
                return result

    def _page(self, playlist: str, offset: int) -> dict[str, Any]:
        """A page; a refused token is refreshed, and if that fails, the user logs in again."""
        tokens = self._api.auth_manager.cache_handler
        for stale in ({"expires_at": 0}, None):
            try:
                return self._read(playlist, offset)
            except FetchError as error:
                token = tokens.get_cached_token()
                if error.status != 401 or not token:
                    raise
                tokens.save_token_to_cache(stale and token | stale)
        return self._read(playlist, offset)

    @cached_property
    def _api(self) -> Any:
        credentials = Credentials.find(os.environ)
        if credentials is None:
            raise SourceError(
                "Spotify asks which app this is: register one at developer.spotify.com (its owner "
                "needs Premium) and set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
            )
        file = self.token_file
        if file and not file.parent.is_dir():
            raise SourceError(f"{file.parent}: no such folder to store the login in.")
        tokens = CacheFileHandler(cache_path=str(file)) if file else MemoryCacheHandler()
        login = _Login(
            *astuple(credentials),
            self.redirect,
            secrets.token_urlsafe(16),
            "playlist-read-collaborative playlist-read-private",
            cache_handler=tokens,
            requests_session=self.session,
            open_browser=self.browser,
        )
        return spotipy.Spotify(auth_manager=login, requests_session=self.session)

    def _read(self, playlist: str, offset: int) -> dict[str, Any]:
        """spotipy's exceptions become sentences without its words, which may quote tokens."""
        try:
            page: dict[str, Any] = self._api.playlist_items(playlist, limit=PAGE, offset=offset)
            if not isinstance(page["items"], list):
                raise TypeError
            return page
        except spotipy.SpotifyException as error:
            status, reason = error.http_status, str(error.msg).lower()
            after = retry_after((error.headers or {}).get("Retry-After"))
            message = status_message(status, after)
            if status == 404:
                message = f"Spotify has no playlist {playlist}, or keeps it private. {_COPY}"
            elif status == 403 and "premium" not in reason:
                unregistered = "registered" in reason or "dashboard" in reason
                message = _UNREGISTERED if unregistered else _COPY
            raise FetchError(message, status, after) from None
        except SpotifyOauthError as error:
            status = getattr(getattr(error.__context__, "response", None), "status_code", 400)
            if status == 429 or status >= 500:
                raise FetchError(status_message(status), status) from None
            message = _REFUSED.get(error.error, _REFUSED[""]).format(redirect=self.redirect)
            raise FetchError(message, 401) from None
        except requests.RequestException as error:
            raise request_failed("Spotify", error) from error
        except EOFError as error:
            hint = "Log in once at a terminal, with --token-file FILE."
            raise SourceError(f"Nobody is there to log in. {hint}") from error
        except OSError as error:
            raise SourceError(
                f"The login can't be received at {self.redirect} ({error.strerror or error}). Set "
                f"another address with --redirect, and add it to {_SETTINGS}."
            ) from error
        # spotipy reads answers without checking their form.
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FetchError("Spotify answered in a form that can't be read.") from error
