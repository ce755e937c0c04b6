"""`python -m training playlists`: terms first, then login, previews, manifest, report."""

import json
import os
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from crnn.errors import SourceError
from crnn.model.config import check_labels
from crnn.sources.spotify import Credentials
from training.data.manifest import TABLE
from training.playlists import rate_limit, report
from training.playlists.download import build
from training.playlists.spotify_login import Client

REDIRECT = "http://127.0.0.1:8888/callback"
TERMS = Path(__file__).with_name("terms.txt")

_LINK = re.compile(
    r"(?:(?:https?://)?open\.spotify\.com/(?:intl-[a-z]{2}(?:-[a-z]{2})?/)?(?:user/[^/?#\s]+/)?playlist/"
    r"|spotify:(?:user:[^:\s]+:)?playlist:)?([0-9A-Za-z]{22})/?(?:[?#]\S*)?",
    re.IGNORECASE,
)


def run(
    *,
    out: Path,
    playlist: Sequence[str] = (),
    list_: Path | None = None,
    i_have_read_the_terms: bool = False,
    keep_duplicates: bool = False,
    again: bool = False,
    token_file: Path | None = None,
    browser: bool = True,
    redirect: str | None = None,
) -> None:
    """A mood collection from your own playlists, with previews of Deezer or Apple.

    Args:
        out: folder for audio, journal and manifest.csv
        playlist: MOOD=LINK of a playlist of yours, such as Happy=https://…; one a mood
        list_: file with all of them: TOML (Happy = "LINK") or JSON
        i_have_read_the_terms: without it, prints which terms of use there are, and does nothing
        keep_duplicates: keep songs that are in two moods' playlists, under both
        again: read the playlists anew, and ask again for songs without a preview
        token_file: keep the login in this file; default: forget it at the end
        browser: log in by copying addresses, where no browser can open
        redirect: the app's redirect address as its settings have it; default: SPOTIPY_REDIRECT_URI,
            else http://127.0.0.1:8888/callback

    Raises:
        SystemExit: Status 2 where the terms are not confirmed.
        SourceError: What the user can mend.
    """
    if not i_have_read_the_terms:
        print(TERMS.read_text(encoding="utf-8").rstrip())
        raise SystemExit(2)
    playlists = parse(playlist, list_)
    session = rate_limit.new_session()
    redirect = redirect or os.environ.get("SPOTIPY_REDIRECT_URI", REDIRECT)

    @cache
    def client() -> Client:
        """Logs in when the first page is needed: a second start may need none."""
        return Client(session, _credentials(), redirect, token_file, browser)

    def page(identity: str, offset: int) -> dict[str, Any]:
        return client().page(identity, offset)

    try:
        built = build(playlists, out, page, session, keep_duplicates, again)
    except KeyboardInterrupt:
        raise SourceError("Stopped. The same command continues from here.") from None
    properties = report.properties(built)
    content = json.dumps(properties, indent=1, ensure_ascii=False) + "\n"
    (out / "properties.json").write_text(content, encoding="utf-8")
    print(report.text(properties, keep_duplicates))
    if built.stopped:
        raise SourceError(
            f"{built.stopped} {sum(built.later.values())} songs are left; the same command continues "
            "with them later."
        )
    if properties["previews"]:
        print(
            f"Train on it: python -m training train manifest --data {out / TABLE} --task-name mood"
        )


def parse(options: Sequence[str], file: Path | None) -> dict[str, str]:
    """Mood → playlist id.

    Args:
        options: MOOD=LINK.
        file: TOML or JSON of mood = "link", in a table [playlists] or at the top.

    Raises:
        SourceError: A link that is none, a mood or a playlist that is there twice, or fewer than two
            moods.
    """
    pairs = [text.partition("=")[::2] for text in options]
    if file is not None:
        pairs += _from_file(file).items()
    playlists: dict[str, str] = {}
    for name, link in pairs:
        mood, identity = name.strip(), _id(name, link)
        if mood in playlists:
            raise SourceError(
                f"{mood} has two playlists; each mood needs one. Put their songs into one."
            )
        if identity in playlists.values():
            raise SourceError(f"{mood}'s playlist is another mood's too; each mood needs its own.")
        playlists[mood] = identity
    try:
        check_labels("mood", tuple(playlists))
    except ValueError as error:
        raise SourceError(
            f"{error}. Give each mood's playlist as --playlist Happy=LINK, or all in a file with "
            "--list."
        ) from error
    return playlists


def _id(mood: str, link: Any) -> str:
    match = _LINK.fullmatch(link.strip()) if isinstance(link, str) else None
    if match is None:
        raise SourceError(
            f"“{str(link)[:80]}” is not the link of a playlist, which {mood[:40] or 'each mood'} needs: "
            "in Spotify, “…”, “Share”, “Copy link to playlist”, such as "
            "https://open.spotify.com/playlist/ followed by 22 letters and digits."
        )
    return match[1]


def _from_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{file} can't be read as TOML (or, with that ending, JSON): {error}"
        ) from error
    inner = content.get("playlists", content) if isinstance(content, dict) else None
    if not isinstance(inner, dict):
        raise SourceError(
            f'{file}: lines such as Happy = "https://open.spotify.com/playlist/…" are needed.'
        )
    return inner


def _credentials() -> Credentials:
    credentials = Credentials.find(os.environ)
    if credentials is None:
        raise SourceError(
            "Spotify asks which app this is: register one at developer.spotify.com (its owner needs "
            "Premium) and set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
        )
    return credentials
