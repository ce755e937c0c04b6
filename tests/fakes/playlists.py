"""Spotify's login and playlists, besides the other services, for a single user."""

import base64
import threading
import urllib.request
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.services import (
    CLIENT,
    Answer,
    Loopback,
    Services,
    as_json,
    audio,
    deezer_track,
    deezer_unknown,
    error,
    itunes_song,
)
from training.playlists.rate_limit import RateLimitedSession

HAPPY, SAD, FOREIGN = ("Happy00000000000000000", "Sad0000000000000000000", "Foreign000000000000000")
_CODE = "a-code-of-the-tests"


@lru_cache
def _preview() -> Answer:
    return audio(3.0)


def song(
    number: int,
    title: str | None = None,
    artist: str | None = None,
    isrc: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A row of a playlist, as /items has them since February 2026."""
    item = {
        "type": "track",
        "id": f"{number:022d}",
        "name": title or f"Song {number}",
        "duration_ms": 200_000 + number,
        "artists": [{"name": artist or f"Artist {number // 2}"}],
        "external_ids": {"isrc": isrc or f"GBAAA{number:07d}"},
        "preview_url": f"https://p.scdn.co/mp3-preview/{number}",
        "album": {"images": [{"url": "https://i.scdn.co/image/x"}]},
    } | more
    return {"added_at": "2026-01-01T00:00:00Z", "is_local": False, "item": item}


class PlaylistServices(Services):
    """A user who owns `lists` (rows by playlist), and logs in through `browser`.

    deezer: ISRCs that Deezer has. apple: titles that Apple has, with artist and length. allow:
    whether the user agrees. valid: access tokens that are valid now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, list[Any]] = {HAPPY: [], SAD: []}
        self.deezer: set[str] | None = None  # None: all
        self.apple: dict[str, tuple[str, int]] = {}
        self.allow, self.forged = True, False
        self.valid: set[str] = set()
        self.refreshable, self.expires_in, self.given, self.logins = True, 3600, 0, 0

    def session(self) -> RateLimitedSession:
        session = RateLimitedSession()
        session.mount("https://", Loopback(session, self.port, self.asked))
        return session

    def browser(self, address: str) -> bool:
        """What webbrowser.open does: the user agrees, or not, and is sent back to the app."""
        parts = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert (parts.netloc, parts.path, asked["client_id"]) == (
            "accounts.spotify.com",
            "/authorize",
            CLIENT[0],
        )
        assert asked["scope"] == "playlist-read-collaborative playlist-read-private"
        answer = {"code": _CODE} if self.allow else {"error": "access_denied"}
        answer["state"] = "forged" if self.forged else asked["state"]
        back = f"{asked['redirect_uri']}?{urlencode(answer)}"
        threading.Thread(
            target=lambda: urllib.request.urlopen(back, timeout=5).read(), daemon=True
        ).start()
        self.logins += 1
        return True

    def _answer(
        self, host: str, path: str, query: dict[str, list[str]], authorization: str
    ) -> Answer:
        own = any(host == where and path.startswith(start) for where, start in self.answers)
        if not own and host == "accounts.spotify.com" and path == "/api/token":
            return self._token(query, authorization)
        if not own and host == "api.spotify.com" and path.startswith("/v1/playlists/"):
            return self._items(path.split("/")[3], path.split("/")[4:], query, authorization)
        if not own and host == "api.deezer.com":
            isrc = path.rpartition(":")[2]
            known = self.deezer is None or isrc in self.deezer
            return as_json(
                deezer_track(preview=f"https://cdnt-preview.dzcdn.net/stream/{isrc}.mp3")
                if known
                else deezer_unknown()
            )
        if not own and host == "itunes.apple.com":
            songs = [
                itunes_song(title, artist, length)
                for title, (artist, length) in self.apple.items()
                if title in query["term"][0]
            ]
            return as_json({"resultCount": len(songs), "results": songs})
        if not own and host.endswith((".dzcdn.net", "audio-ssl.itunes.apple.com")):
            return _preview()
        return super()._answer(host, path, query, authorization)

    def _token(self, form: dict[str, list[str]], authorization: str) -> Answer:
        if authorization != "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode():
            return as_json(
                {"error": "invalid_client", "error_description": "Invalid client secret"}, 400
            )
        fresh = form["grant_type"] == ["authorization_code"] and form["code"] == [_CODE]
        again = (
            form["grant_type"] == ["refresh_token"]
            and form["refresh_token"] == ["a-refresh-token"]
            and self.refreshable
        )
        if not fresh and not again:
            return as_json(
                {"error": "invalid_grant", "error_description": "Refresh token revoked"}, 400
            )
        self.given += 1
        token = f"token-{self.given}"
        self.valid = {token}
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": "playlist-read-private",
        }
        return as_json(answer | ({"refresh_token": "a-refresh-token"} if fresh else {}))

    def _items(
        self, playlist: str, rest: list[str], query: dict[str, list[str]], authorization: str
    ) -> Answer:
        if authorization.removeprefix("Bearer ") not in self.valid:
            return error(401, "The access token expired")
        if playlist == FOREIGN:
            return error(403, "Forbidden")
        if playlist not in self.lists or rest != ["items"]:
            return error(404, "Resource not found")
        rows, first, limit = self.lists[playlist], int(query["offset"][0]), int(query["limit"][0])
        more = first + limit < len(rows)
        # Whoever followed this would hand the token to somebody else.
        following = "https://api.deezer.com/next" if more else None
        return as_json(
            {
                "items": rows[first : first + limit],
                "next": following,
                "total": len(rows),
                "offset": first,
                "limit": limit,
            }
        )
