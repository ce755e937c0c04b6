"""Thirty seconds of a track from a service that offers previews: what is analysed for a link.

In order: Spotify's own preview, only where the app's owner has switched Spotify's audio on (its
policy forbids feeding it to machine learning models); Deezer, by the recording's ISRC; Apple's
search, matched on title, artist and length. Without these the visitor chooses among candidates.
"""

import re
import unicodedata
from dataclasses import dataclass

from crnn.errors import SourceError
from crnn.sources.http import (
    MAX_ADDRESS,
    MAX_AUDIO,
    MAX_JSON,
    FetchError,
    Session,
    get,
    get_json,
    service_name,
)
from crnn.sources.spotify import TrackInfo, cover_url
from crnn.untrusted import at, items, json_object, number, text

CANDIDATES = 5
_DEEZER_BUSY = (4, 700)  # error codes: more than 50 requests in 5 s; service busy
_LENGTH_TOLERANCE = 3.0  # seconds between two services' lengths of one recording


@dataclass(frozen=True)
class Preview:
    """A recording that a service offers a preview of.

    audio: the preview's address. page: where the recording can be played. seconds: its length.
    """

    service: str
    title: str
    artist: str
    audio: str
    page: str | None = None
    cover: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class FetchedPreview:
    """A preview, its audio file, and a sentence for each service that had none."""

    preview: Preview
    data: bytes
    tried: tuple[str, ...] = ()


class NoPreview(SourceError):
    """No service had audio; the message says which were asked and what they answered.

    failures: services that did not answer as they should; empty where none has this recording.
    """

    def __init__(self, message: str, failures: tuple[FetchError, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


def find_preview(info: TrackInfo, session: Session, spotify_audio: bool = False) -> FetchedPreview:
    """The first preview of a track, of which artist and length are known. Raises NoPreview."""
    tried: list[str] = []
    failures: list[FetchError] = []
    services = {"Deezer": _from_deezer, "Apple": _from_apple}
    if spotify_audio:
        services = {"Spotify": _from_api, **services, "Spotify's player": _from_embed}
    for name, offer in services.items():
        try:
            if (preview := offer(info, session)) is None:
                if name in ("Deezer", "Apple"):
                    tried.append(f"{name} has no preview of this recording.")
                continue
            try:
                data = download(preview, session)
            except FetchError as error:
                # Deezer's addresses are signed and expire: ask for a new one, once.
                if error.status not in (403, 410) or (preview := offer(info, session)) is None:
                    raise
                data = download(preview, session)
            return FetchedPreview(preview, data, tuple(tried))
        except FetchError as error:
            tried.append(str(error))
            failures.append(error)
    raise NoPreview(" ".join(tried), tuple(failures))


def search(term: str, session: Session) -> list[Preview]:
    """Up to five recordings from Apple's search for a title, for the visitor to choose from."""
    return _search_apple(term, session)[:CANDIDATES]


def download(preview: Preview, session: Session) -> bytes:
    """The preview's audio file. Raises FetchError."""
    data = get(session, preview.audio, MAX_AUDIO, ("audio/",))
    if not data:
        raise FetchError(f"{preview.service} sent an empty file.")
    return data


def _from_api(info: TrackInfo, session: Session) -> Preview | None:
    offered = info.preview and service_name(info.preview) == "Spotify"
    return _spotify_preview(info, str(info.preview)) if offered else None


def _from_deezer(info: TrackInfo, session: Session) -> Preview | None:
    if info.isrc is None:
        return None
    answer = get_json(session, f"https://api.deezer.com/track/isrc:{info.isrc}")
    if at(answer, "error", "code") in _DEEZER_BUSY:
        # With status 200, and without how long to wait.
        raise FetchError("Deezer has had too many requests and asks to wait a while.", 429, 5.0)
    if "error" in answer or not (audio := text(answer, "preview", limit=MAX_ADDRESS)):
        return None
    return Preview(
        "Deezer",
        text(answer, "title") or info.title,
        text(answer, "artist", "name"),
        audio,
        _page(answer, "link", "https://www.deezer.com/"),
        seconds=number(answer, "duration"),
    )


def _from_apple(info: TrackInfo, session: Session) -> Preview | None:
    """The first result with this title, one of these artists and, within 3 s, this length."""
    title = _plain(_without_edition(info.title))
    if not info.artists or info.seconds is None or not title:
        return None
    artists = {_plain(artist) for artist in info.artists} - {""}
    for preview in _search_apple(f"{info.title} {info.artists[0]}", session):
        names = re.split(r"\s*(?:&|,|\bfeat\.?|\bft\.?|\bwith\b)\s*", preview.artist)
        length = preview.seconds if preview.seconds is not None else float("inf")
        if (
            _plain(_without_edition(preview.title)) == title
            and artists & {_plain(name) for name in (preview.artist, *names)}
            and abs(length - info.seconds) <= _LENGTH_TOLERANCE
        ):
            return preview
    return None


def _search_apple(term: str, session: Session) -> list[Preview]:
    params = {"term": term[:200], "entity": "song", "limit": str(CANDIDATES)}
    answer = get_json(session, "https://itunes.apple.com/search", params)
    return [
        Preview(
            "Apple",
            text(song, "trackName"),
            text(song, "artistName"),
            audio,
            _page(song, "trackViewUrl", "https://music.apple.com/", "https://itunes.apple.com/"),
            cover_url(song, "artworkUrl100"),
            (number(song, "trackTimeMillis") or 0) / 1000 or None,
        )
        for song in items(answer, "results")
        if (audio := text(song, "previewUrl", limit=MAX_ADDRESS))
    ]


def _from_embed(info: TrackInfo, session: Session) -> Preview | None:
    """The preview in the page of Spotify's embedded player, which is undocumented."""
    address = f"https://open.spotify.com/embed/track/{info.id}"
    page = get(session, address, MAX_JSON, ("text/html",)).decode("utf-8", "replace")
    script = page.partition('id="__NEXT_DATA__"')[2]
    try:
        data = json_object(script.partition(">")[2].partition("</script>")[0])
    except ValueError:
        return None
    path = ("props", "pageProps", "state", "data", "entity", "audioPreview", "url")
    audio = text(data, *path, limit=MAX_ADDRESS)
    return _spotify_preview(info, audio) if audio else None


def _spotify_preview(info: TrackInfo, audio: str) -> Preview:
    artist = ", ".join(info.artists)
    return Preview("Spotify", info.title, artist, audio, info.link, info.cover, info.seconds)


# Words that mark an edition of the same recording; live or karaoke versions are other recordings.
_WORDS = r"remaster(?:ed)?|feat|ft|with|edition|mono|stereo|explicit|album version|single version"
_EDITION = rf"[^()\[\]]*\b(?:{_WORDS})\b[^()\[\]]*"
_EDITIONS = re.compile(rf"\s*(?:\({_EDITION}\)|\[{_EDITION}\]| - {_EDITION}$)", re.IGNORECASE)


def song_key(title: str, artist: str) -> str:
    """Equal for two spellings or editions of a song; "" where the title has no letter or digit."""
    plain = _plain(_without_edition(title))
    return f"{plain}/{_plain(artist)}" if plain else ""


def _without_edition(title: str) -> str:
    return _EDITIONS.sub("", title)


def _plain(text: str) -> str:
    """Letters and digits only, lower case, without accents, to compare services' spellings."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalnum())


def _page(answer: object, key: str, *starts: str) -> str | None:
    """A page's address, if it begins like the service's pages: it is shown as a link."""
    address = text(answer, key, limit=MAX_ADDRESS)
    return address if address.startswith(starts) else None
