"""Thirty seconds of a track, from whoever offers them: the audio that is analysed where only a link was given.

In order: Spotify's own preview, where the app's owner has switched Spotify's audio on (its policy forbids feeding it to
machine learning models, so it is off by default); Deezer, by the recording's ISRC; Apple's iTunes search, matched on title,
artist and length. Without artist and length nothing is matched by guess: the visitor chooses among candidates.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from crnn.errors import SourceError
from crnn.sources.http import MAX_AUDIO, MAX_JSON, FetchError, Session, get, get_json, service
from crnn.sources.spotify import TrackInfo, cover_url

CANDIDATES = 5
_DEEZER_BUSY = (4, 700)  # more than 50 requests in 5 s; service busy
_LENGTH_TOLERANCE = 3.0  # seconds between two services' lengths of one recording


@dataclass(frozen=True)
class Preview:
    """A recording that a service offers a preview of. page: where it can be heard in full there; seconds: of the whole."""

    service: str
    title: str
    artist: str
    audio: str
    page: str | None = None
    cover: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class FetchedPreview:
    """A preview and its audio, and what was tried before it in vain, a sentence each."""

    preview: Preview
    data: bytes
    tried: tuple[str, ...] = ()


class NoPreview(SourceError):
    """No service had audio; the sentence says which were asked and what they answered. failures: those that did not answer as they
    should; without any, nobody has this recording."""

    def __init__(self, message: str, failures: tuple[FetchError, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


def find_preview(info: TrackInfo, session: Session, spotify_audio: bool = False) -> FetchedPreview:
    """The first preview that can be had of a track whose artist is known. Raises NoPreview."""
    tried: list[str] = []
    failures: list[FetchError] = []
    offers: tuple[tuple[str, Callable[[], Preview | None]], ...] = (
        ("Spotify", lambda: _from_spotify(info) if spotify_audio else None),
        ("Deezer", lambda: _from_deezer(info, session)),
        ("Apple", lambda: _from_itunes(info, session)),
        ("Spotify's player", lambda: _from_embed(info, session) if spotify_audio else None),
    )
    for name, offer in offers:
        try:
            preview = offer()
            if preview is None:
                if name in ("Deezer", "Apple"):
                    tried.append(f"{name} has no preview of this recording.")
                continue
            try:
                return FetchedPreview(preview, download(preview, session), tuple(tried))
            except FetchError as error:
                # Deezer's addresses are signed and expire: ask for a new one, once.
                if name != "Deezer" or error.status not in (403, 410):
                    raise
                again = offer()
                if again is None:
                    raise
                return FetchedPreview(again, download(again, session), tuple(tried))
        except FetchError as error:
            tried.append(str(error))
            failures.append(error)
    raise NoPreview(" ".join(tried) or "No service was asked.", tuple(failures))


def search_by_title(info: TrackInfo, session: Session) -> list[Preview]:
    """Up to five recordings that Apple's search finds by the title alone, for the visitor to choose from."""
    return _search(info.title, session)[:CANDIDATES]


def download(preview: Preview, session: Session) -> bytes:
    """The preview's audio. Raises FetchError."""
    body, _ = get(session, preview.audio, MAX_AUDIO, ("audio/",))
    if not body:
        raise FetchError(f"{preview.service} sent an empty file.")
    return body


def _from_spotify(info: TrackInfo) -> Preview | None:
    if not info.preview or service(info.preview) != "Spotify":
        return None
    return Preview(
        "Spotify",
        info.title,
        ", ".join(info.artists),
        info.preview,
        info.link,
        info.cover,
        info.seconds,
    )


def _from_deezer(info: TrackInfo, session: Session) -> Preview | None:
    if info.isrc is None:
        return None
    found = get_json(session, f"https://api.deezer.com/track/isrc:{info.isrc}")
    error = found.get("error")
    if (
        isinstance(error, dict) and error.get("code") in _DEEZER_BUSY
    ):  # told with status 200, without how long to wait
        raise FetchError("Deezer has had too many requests and asks to wait a while.", 429, 5.0)
    if "error" in found or not found.get("preview"):
        return None  # no such recording there, or none that may be heard
    artist = found.get("artist")
    return Preview(
        "Deezer",
        str(found.get("title") or info.title),
        str(artist.get("name") or "") if isinstance(artist, dict) else "",
        str(found["preview"]),
        _link(found.get("link"), "https://www.deezer.com/"),
        seconds=_number(found.get("duration")),
    )


def _from_itunes(info: TrackInfo, session: Session) -> Preview | None:
    """The first of Apple's answers that has this title, one of these artists and, within 3 s, this length."""
    if not info.artists or info.seconds is None:
        return None
    for preview in _search(f"{info.title} {info.artists[0]}", session):
        theirs = {
            _plain(name)
            for name in re.split(r"\s*(?:&|,|\bfeat\.?|\bft\.?|\bwith\b)\s*", preview.artist)
        }
        theirs |= {_plain(preview.artist)}
        same_artist = bool({_plain(artist) for artist in info.artists} & theirs - {""})
        near = (
            preview.seconds is not None and abs(preview.seconds - info.seconds) <= _LENGTH_TOLERANCE
        )
        title = _plain(_without_edition(info.title))
        if near and same_artist and title and _plain(_without_edition(preview.title)) == title:
            return preview
    return None


def _search(term: str, session: Session) -> list[Preview]:
    found = get_json(
        session,
        "https://itunes.apple.com/search",
        {"term": term[:200], "entity": "song", "limit": str(CANDIDATES)},
    )
    rows = found.get("results")
    return [
        Preview(
            "Apple",
            str(row.get("trackName") or ""),
            str(row.get("artistName") or ""),
            str(row["previewUrl"]),
            _link(row.get("trackViewUrl"), "https://music.apple.com/", "https://itunes.apple.com/"),
            cover_url(row.get("artworkUrl100")),
            (_number(row.get("trackTimeMillis")) or 0) / 1000 or None,
        )
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("previewUrl")
    ]


class _NextData(HTMLParser):
    """The text of <script id="__NEXT_DATA__">."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.text = False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script" and ("id", "__NEXT_DATA__") in attrs

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.text += data


def _from_embed(info: TrackInfo, session: Session) -> Preview | None:
    """The preview in the page of Spotify's embedded player: undocumented, and may be gone tomorrow."""
    page, _ = get(
        session, f"https://open.spotify.com/embed/track/{info.id}", MAX_JSON, ("text/html",)
    )
    parser = _NextData()
    parser.feed(page.decode("utf-8", "replace"))
    try:
        address = json.loads(parser.text)["props"]["pageProps"]["state"]["data"]["entity"][
            "audioPreview"
        ]["url"]
    except (ValueError, KeyError, TypeError):
        return None
    return Preview(
        "Spotify",
        info.title,
        ", ".join(info.artists),
        str(address),
        info.link,
        info.cover,
        info.seconds,
    )


# Words that name another edition of the same recording; a live, instrumental or karaoke version is another recording.
_WORDS = r"remaster(?:ed)?|feat|ft|with|edition|mono|stereo|explicit|album version|single version"
_EDITION = rf"[^()\[\]]*\b(?:{_WORDS})\b[^()\[\]]*"


def _without_edition(title: str) -> str:
    return re.sub(
        rf"\s*(?:\({_EDITION}\)|\[{_EDITION}\]| - {_EDITION}$)", "", title, flags=re.IGNORECASE
    )


def song_key(title: str, artist: str) -> str:
    """The same for two spellings or editions of one song; "" where nothing of the title is a letter or digit."""
    plain = _plain(_without_edition(title))
    return f"{plain}/{_plain(artist)}" if plain else ""


def _plain(text: str) -> str:
    """Letters and digits only, lower case, without accents: two services' spellings compared."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalnum())


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _link(address: Any, *starts: str) -> str | None:
    """A page's address if it is where such pages are: it is shown as a link."""
    return str(address) if isinstance(address, str) and address.startswith(starts) else None
