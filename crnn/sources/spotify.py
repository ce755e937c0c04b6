"""Spotify links and metadata: pasted text → id of a track → title, artists, length and ISRC."""

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from time import monotonic
from typing import Any

import requests
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials

from crnn.errors import SourceError
from crnn.format import ellipsis
from crnn.sources import http
from crnn.sources.http import FetchError, Session, get_json, request_failed, service_name
from crnn.untrusted import MALFORMED, items, number, split_address, text

_ID = re.compile(r"[0-9A-Za-z]{22}")
_LOCALE = re.compile(r"intl-[a-z]{2}(-[a-z]{2})?", re.IGNORECASE)
_SHORT_PATH = re.compile(r"/[0-9A-Za-z_-]{4,64}/?")
_LINK = re.compile(r"spotify:|[\w.-]+\.[a-z]{2,}(:\d+)?/", re.IGNORECASE)
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")

_HOST = "open.spotify.com"
_SHORT_HOSTS = ("spotify.link", "spotify.app.link")

_HOW_TO = "Paste the link of a single song: in Spotify, Share → Copy song link."


def is_title(text: str) -> bool:
    """Whether what was pasted looks like a song's title rather than like a link or an id."""
    pasted = text.strip()
    return not ("://" in pasted or _ID.fullmatch(pasted) or _LINK.match(pasted))


def parse_link(text: str) -> str:
    """The id of the track (22 letters and digits) that a pasted link names.

    For a short link: its address (https://spotify.link/…), which track_id follows. All other
    addresses are built anew from the id. Raises SourceError, naming what else was pasted.
    """
    pasted = text.strip()
    if not pasted:
        raise SourceError(f"Nothing was pasted. {_HOW_TO}")
    if _ID.fullmatch(pasted):
        return pasted
    if pasted.lower().startswith("spotify:"):
        return _track_id(pasted.split(":")[1:])
    not_a_link = SourceError(f"That isn't a Spotify link. {_HOW_TO}")
    if len(pasted) > http.MAX_ADDRESS or any(c.isspace() or not c.isprintable() for c in pasted):
        raise not_a_link
    try:
        _, host, port, path = split_address(pasted if "://" in pasted else f"https://{pasted}")
    except ValueError as error:
        raise not_a_link from error
    if port not in (None, 80, 443):
        raise not_a_link
    if host in _SHORT_HOSTS and _SHORT_PATH.fullmatch(path):
        return f"https://{host}{path}"
    if host not in (_HOST, *_SHORT_HOSTS):
        raise SourceError(f"That link leads to {ellipsis(host, 60)}, not to {_HOST}. {_HOW_TO}")
    return _track_id([part for part in path.split("/") if part])


def _track_id(path: list[str]) -> str:
    if path and _LOCALE.fullmatch(path[0]):
        path = path[1:]
    if path and path[0] in ("embed", "embed-podcast"):
        path = path[1:]
    kind = path[0].lower() if path else ""
    if kind != "track" and kind.isascii() and kind.isalpha():  # album, playlist, artist, …
        article = "an" if kind[0] in "aeio" else "a"
        raise SourceError(f"That's {article} {ellipsis(kind, 20)}. {_HOW_TO}")
    if kind != "track" or len(path) != 2:
        raise SourceError(f"That link doesn't lead to a track. {_HOW_TO}")
    if not _ID.fullmatch(path[1]):
        raise SourceError(
            "A track's id has 22 letters and digits, and the one in that link has "
            f"{len(path[1])} characters: was the link cut off? {_HOW_TO}"
        )
    return path[1]


def track_id(text: str, session: Session) -> str:
    """As parse_link, but short links are followed, within Spotify's hosts."""
    link = parse_link(text)
    for _ in range(http.MAX_REDIRECTS):
        if _ID.fullmatch(link):
            return link
        try:
            with session.get(link, stream=True, allow_redirects=False) as response:
                target = response.headers.get("Location") if response.is_redirect else None
        except (requests.RequestException, ValueError) as error:
            raise request_failed("Spotify", error) from error
        if target is None:
            break
        link = parse_link(target)
    if _ID.fullmatch(link):
        return link
    raise SourceError(f"This short link doesn't lead to a track. {_HOW_TO}")


@dataclass(frozen=True)
class Credentials:
    """Of an app registered with Spotify (client credentials flow); their repr hides them."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)

    @classmethod
    def find(cls, *places: Mapping[str, Any]) -> "Credentials | None":
        """From the first place (environment, secrets) that holds both SPOTIPY_CLIENT_… settings."""
        for place in places:
            names = ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET")
            values = [str(place.get(name) or "").strip() for name in names]
            if all(values):
                return cls(*values)
        return None


@dataclass(frozen=True)
class TrackInfo:
    """Metadata of a track. oEmbed knows title and cover only: artists is empty, the rest None.

    cover: address of an image on an allowed host. preview: address of Spotify's own preview.
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
        """The track's page, for the link back that Spotify's terms ask for."""
        return f"https://{_HOST}/track/{self.id}"


def look_up(track: str, credentials: Credentials | None, session: Session) -> TrackInfo:
    """Metadata of a track, from the Web API; from oEmbed without credentials or on failure.

    Raises SourceError where Spotify does not have this track, or neither answers.
    """
    notice = ""
    try:
        if credentials is not None:
            try:
                return _from_api(track, credentials, session)
            except FetchError as error:
                if error.status == 404:
                    raise
                notice = f"{error} Only its title is known."
        return replace(_from_oembed(track, session), notice=notice)
    except FetchError as error:
        if error.status not in (400, 404):
            raise
        raise SourceError(f"Spotify has no track with the id {track}. {_HOW_TO}") from error


# A token serves for an hour, and a wait that Spotify asks for holds for all visitors.
_tokens: dict[Credentials, Any] = {}
_quiet_until = 0.0


def _from_api(track: str, credentials: Credentials, session: Session) -> TrackInfo:
    global _quiet_until
    if (left := _quiet_until - monotonic()) > 0:
        raise FetchError(status_message(429, left), 429, left)
    tokens = _tokens.setdefault(credentials, MemoryCacheHandler())  # spotipy's default is a file
    try:
        auth = SpotifyClientCredentials(
            *astuple(credentials), requests_session=session, cache_handler=tokens
        )
        answer = spotipy.Spotify(auth_manager=auth, requests_session=session).track(track)
        return parse_track(track, answer)
    except spotipy.SpotifyException as error:
        after = http.retry_after((error.headers or {}).get("Retry-After"))
        status = error.http_status
        if status == 429 and after > http.MAX_WAIT_SECONDS:
            _quiet_until = monotonic() + after
        if status == 401:
            _tokens.pop(credentials, None)
        raise FetchError(status_message(status, after), status, after) from None
    except spotipy.SpotifyOauthError as error:
        response = getattr(error.__context__, "response", None)
        status = getattr(response, "status_code", 401)
        refused = 400 <= status < 500 and status != 429
        after = http.retry_after(getattr(response, "headers", {}).get("Retry-After"))
        if status == 429:  # Session has waited already where the wait was short
            _quiet_until = monotonic() + max(after, http.MAX_WAIT_SECONDS)
        raise FetchError(status_message(401 if refused else status, after), status, after) from None
    except requests.RequestException as error:
        raise request_failed("Spotify", error) from error
    except MALFORMED as error:
        # spotipy reads answers without checking their form; the token may be what is wrong.
        _tokens.pop(credentials, None)
        raise FetchError("Spotify's answer is not a track.") from error


def status_message(status: int, after: float = 0.0) -> str:
    """A sentence for a status of the Web API, whose own messages may quote the request."""
    if status == 401:
        return "Spotify refused this app's credentials."
    if status == 403:
        return "Spotify serves this app no longer (its owner needs a Premium subscription)."
    return http.status_message("Spotify", status, after)


def parse_track(track: str, answer: Any) -> TrackInfo:
    """A track object of the Web API. Raises ValueError where it has no name."""
    if not (title := text(answer, "name")):
        raise ValueError("the track has no name")
    artists = (text(artist, "name") for artist in items(answer, "artists"))
    isrc = text(answer, "external_ids", "isrc").upper().replace("-", "")
    length = number(answer, "duration_ms")
    return TrackInfo(
        id=track,
        title=title,
        artists=tuple(filter(None, artists)),
        seconds=length / 1000 if length is not None else None,
        isrc=isrc if _ISRC.fullmatch(isrc) else None,
        cover=cover_url(answer, "album", "images", 0, "url"),
        preview=text(answer, "preview_url", limit=http.MAX_ADDRESS) or None,
    )


def _from_oembed(track: str, session: Session) -> TrackInfo:
    params = {"url": f"https://{_HOST}/track/{track}"}
    answer = get_json(session, f"https://{_HOST}/oembed", params)
    if not (title := text(answer, "title")):
        raise FetchError("Spotify's answer holds no title.")
    return TrackInfo(track, title, cover=cover_url(answer, "thumbnail_url"))


def cover_url(answer: Any, *path: str | int) -> str | None:
    """A cover's address if its host is allowed, since the visitor's browser will open it."""
    address = text(answer, *path, limit=http.MAX_ADDRESS)
    try:
        return address if service_name(address) else None
    except FetchError:
        return None
