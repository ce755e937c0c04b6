"""What was pasted → a Spotify track id. Nothing but the id goes on from here: addresses are built anew from it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from crnn.errors import SourceError

_ID = re.compile(r"[0-9A-Za-z]{22}")
_LOCALE = re.compile(r"intl-[a-z]{2}(-[a-z]{2})?", re.IGNORECASE)
_SHORT_PATH = re.compile(r"/[0-9A-Za-z_-]{4,64}/?")
_HOST = "open.spotify.com"
SHORT_HOSTS = ("spotify.link", "spotify.app.link")

_OTHERS = {
    "album": "an album",
    "playlist": "a playlist",
    "artist": "an artist",
    "episode": "a podcast episode",
    "show": "a podcast",
    "user": "someone's profile",
    "concert": "a concert",
    "audiobook": "an audiobook",
    "chapter": "a chapter of an audiobook",
    "genre": "a genre",
    "collection": "a collection",
}

_WANTED = (
    "Paste the link of one track, such as https://open.spotify.com/track/ followed by 22 letters and digits: in Spotify, "
    "“Share”, then “Copy song link”."
)
_LONGEST = 2000  # characters; no real link comes near


@dataclass(frozen=True)
class ShortLink:
    """A link that must be followed to learn where it leads; address is https and on one of SHORT_HOSTS."""

    address: str


def parse(text: str) -> str | ShortLink:
    """The id of a track (22 characters), or a short link. Raises SpotifyError, naming what was pasted instead."""
    pasted = text.strip()
    if not pasted:
        raise SourceError(f"Nothing was pasted. {_WANTED}")
    if len(pasted) > _LONGEST or any(c.isspace() or not c.isprintable() for c in pasted):
        raise SourceError(
            f"This is more than one link: it has spaces, line breaks or over {_LONGEST} characters. {_WANTED}"
        )
    if pasted.lower().startswith("spotify:"):
        return _from_parts(pasted.split(":")[1:], pasted)
    if _ID.fullmatch(pasted):
        return pasted
    try:
        parts = urlsplit(pasted if "://" in pasted else f"https://{pasted}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise SourceError(f"“{_shown(pasted)}” is not a link. {_WANTED}") from error
    if (
        parts.scheme.lower() not in ("http", "https")
        or parts.username is not None
        or port not in (None, 80, 443)
    ):
        raise SourceError(f"“{_shown(pasted)}” is not a link of Spotify's. {_WANTED}")
    if host in SHORT_HOSTS:
        if not _SHORT_PATH.fullmatch(parts.path):
            raise SourceError(f"“{_shown(pasted)}” is a short link without its code. {_WANTED}")
        return ShortLink(f"https://{host}{parts.path}")
    if host != _HOST:
        kind = "Its name only looks like Spotify's: links" if "spotify" in host else "Links"
        raise SourceError(
            f"This link leads to {_shown(host) or 'nowhere'}. {kind} to tracks begin with {_HOST}. {_WANTED}"
        )
    return _from_parts([part for part in parts.path.split("/") if part], pasted)


def _from_parts(parts: list[str], pasted: str) -> str:
    if parts and _LOCALE.fullmatch(parts[0]):
        parts = parts[1:]
    if parts and parts[0] in ("embed", "embed-podcast"):
        parts = parts[1:]
    kind = parts[0].lower() if parts else ""
    if kind in _OTHERS or (len(parts) > 2 and parts[2] == "playlist"):
        raise SourceError(
            f"This is {_OTHERS.get(kind, 'a playlist')}, and one track is needed. {_WANTED}"
        )
    if kind != "track" or len(parts) != 2:
        raise SourceError(f"“{_shown(pasted)}” does not name a track. {_WANTED}")
    if not _ID.fullmatch(parts[1]):
        raise SourceError(
            f"The track's id should be 22 letters and digits, and “{_shown(parts[1])}” has {len(parts[1])} characters: was the "
            f"link cut off? {_WANTED}"
        )
    return parts[1]


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:45]}…"
