"""A Spotify track link → what the track is: from the Web API with credentials, else from the official oEmbed service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import requests

from crnn.errors import SourceError
from crnn.sources import links
from crnn.sources.http import (
    MAX_HOPS,
    MAX_WAIT_SECONDS,
    FetchError,
    Session,
    get_json,
    request_failed,
    retry_after,
    service,
    with_one_retry,
)

_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")


@dataclass(frozen=True)
class Credentials:
    """Of an app registered with Spotify (client credentials flow); never shown, not even by accident."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return "Credentials(…)"

    @classmethod
    def find(cls, *places: Mapping[str, Any]) -> "Credentials | None":
        """The first place (environment, secrets) that holds both SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."""
        for place in places:
            found = [
                str(place.get(name) or "").strip()
                for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET")
            ]
            if all(found):
                return cls(*found)
        return None


@dataclass(frozen=True)
class TrackInfo:
    """What is known of a track. Without credentials only title and cover are: artists is empty, the rest None.

    link: the track's page, for the link back that Spotify's terms ask for. cover: address of its picture, shown as it is.
    notice: why less is known than credentials would allow; "" otherwise.
    """

    id: str
    title: str
    artists: tuple[str, ...] = ()
    seconds: float | None = None
    isrc: str | None = None
    cover: str | None = None
    preview: str | None = None
    notice: str = ""

    @property
    def link(self) -> str:
        return f"https://open.spotify.com/track/{self.id}"


def track_id(text: str, session: Session) -> str:
    """The id of a pasted link; short links are followed, three hops at most, within Spotify's hosts."""
    found = links.parse(text)
    for _ in range(MAX_HOPS):
        if isinstance(found, str):
            return found
        found = _next_hop(found.address, session)
    if isinstance(found, str):
        return found
    raise SourceError(
        "This short link leads on and on. Open it in a browser and copy the address it ends at."
    )


def _next_hop(address: str, session: Session) -> "str | links.ShortLink":
    try:
        with session.get(address, stream=True) as response:
            goal = response.headers.get("Location") if response.is_redirect else None
    except requests.RequestException as error:
        raise request_failed("Spotify", error) from error
    if goal is None:
        raise SourceError(
            "This short link leads nowhere any more. Copy the track's link again, from the song itself."
        )
    return links.parse(goal)


def look_up(track: str, credentials: Credentials | None, session: Session) -> TrackInfo:
    """Title, artists, length, ISRC and cover of a track by its id.

    With credentials from the Web API; without, or where they are refused, from oEmbed, which knows title and cover only.
    Raises SpotifyError if neither answers.
    """
    notice = ""
    if credentials is not None:
        try:
            return with_one_retry(lambda: _from_api(track, credentials, session))
        except FetchError as error:
            if error.status == 404:
                raise SourceError(
                    f"Spotify knows no track with the id {track}. Copy its link again."
                ) from error
            notice = f"{error} Only its title is known."
    try:
        return replace(_from_oembed(track, session), notice=notice)
    except FetchError as error:
        if error.status in (400, 404):
            raise SourceError(
                f"Spotify knows no track with the id {track}. Copy its link again."
            ) from error
        raise


# A token serves for an hour, and a wait that was asked for holds for everyone.
_tokens: dict[Credentials, Any] = {}
_quiet_until = 0.0


def _from_api(track: str, credentials: Credentials, session: Session) -> TrackInfo:
    import spotipy
    from spotipy.cache_handler import MemoryCacheHandler
    from spotipy.oauth2 import SpotifyClientCredentials

    global _quiet_until
    if (left := _quiet_until - monotonic()) > 0:
        raise FetchError(status_message(429, left), 429, left)
    tokens = _tokens.setdefault(credentials, MemoryCacheHandler())  # its default writes a file
    try:
        auth = SpotifyClientCredentials(
            credentials.client_id,
            credentials.client_secret,
            requests_session=session,
            cache_handler=tokens,
        )
        found = spotipy.Spotify(auth_manager=auth, requests_session=session).track(track)
        if not isinstance(found, dict) or not isinstance(found.get("name"), str):
            raise FetchError("Spotify answered with something that is not a track.")
        return parse_track(track, found)
    except spotipy.SpotifyException as error:
        after = retry_after((error.headers or {}).get("Retry-After"))
        if error.http_status == 429 and after > MAX_WAIT_SECONDS:
            _quiet_until = monotonic() + after
        if error.http_status == 401:
            _tokens.pop(credentials, None)
        raise FetchError(
            status_message(error.http_status, after), error.http_status, after
        ) from None
    except spotipy.SpotifyOauthError as error:
        status = getattr(getattr(error.__context__, "response", None), "status_code", 401)
        raise FetchError(
            status_message(401 if 400 <= status < 500 and status != 429 else status, 0.0), status
        ) from None
    except requests.RequestException as error:
        raise request_failed("Spotify", error) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        # spotipy reads answers without looking at their form.
        raise FetchError("Spotify answered with something that is not a track.") from error


def status_message(status: int, after: float) -> str:
    """A sentence for a status of the Web API; its own message may quote the request, and is left out."""
    return {
        401: "Spotify refused this app's credentials.",
        403: "Spotify serves this app no longer (its owner needs a Premium subscription).",
        429: f"Spotify has had too many requests and asks to wait {f'{after:.0f} s' if after else 'a while'}.",
    }.get(status, f"Spotify answered with status {status}.")


def parse_track(track: str, found: dict[str, Any]) -> TrackInfo:
    """Of what the Web API says only what has the expected form."""
    artists = found.get("artists") or []
    isrc = str((found.get("external_ids") or {}).get("isrc") or "").upper().replace("-", "")
    images = (found.get("album") or {}).get("images") or []
    length = found.get("duration_ms")
    return TrackInfo(
        id=track,
        title=found["name"],
        artists=tuple(str(a["name"]) for a in artists if isinstance(a, dict) and a.get("name")),
        seconds=length / 1000 if isinstance(length, (int, float)) else None,
        isrc=isrc if _ISRC.fullmatch(isrc) else None,
        cover=cover_url(images[0].get("url") if images and isinstance(images[0], dict) else None),
        preview=found.get("preview_url") or None,
    )


def _from_oembed(track: str, session: Session) -> TrackInfo:
    found = get_json(
        session,
        "https://open.spotify.com/oembed",
        {"url": f"https://open.spotify.com/track/{track}"},
    )
    title = found.get("title")
    if not isinstance(title, str) or not title:
        raise FetchError("Spotify answered without the track's title.")
    return TrackInfo(track, title, cover=cover_url(found.get("thumbnail_url")))


def cover_url(address: Any) -> str | None:
    """A cover's address if it is on the list: the visitor's browser will open it."""
    try:
        return str(address) if address and service(str(address)) else None
    except FetchError:
        return None
