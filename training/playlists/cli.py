"""`python -m training playlists`: shows the terms of use, then builds the collection."""

import json
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crnn.errors import SourceError
from crnn.model.config import check_labels
from training.data.manifest import TABLE
from training.playlists import rate_limit, report
from training.playlists.download import build
from training.playlists.spotify_login import Client

REDIRECT = "http://127.0.0.1:8888/callback"
TERMS = Path(__file__).with_name("terms.txt")

_LINK = re.compile(
    r"(?:(?:https?://)?open\.spotify\.com/(?:[^/?#\s]+/){0,3}playlist/"
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
        playlist: MOOD=LINK of a playlist of yours, such as Happy=https://…; one per mood
        list_: file with all of them: TOML (Happy = "LINK") or JSON
        i_have_read_the_terms: without it, prints which terms of use apply, and does nothing
        keep_duplicates: keep songs that are in two moods' playlists, under both
        again: read the playlists again, and retry songs without a preview
        token_file: store the login in this file; by default it is forgotten
        browser: log in by copying addresses, where no browser can open
        redirect: the redirect address in the app's settings; default: SPOTIPY_REDIRECT_URI,
            else http://127.0.0.1:8888/callback
    """
    if not i_have_read_the_terms:
        print(TERMS.read_text(encoding="utf-8").rstrip())
        raise SystemExit(2)
    playlists = parse(playlist, list_)
    redirect = redirect or os.environ.get("SPOTIPY_REDIRECT_URI", REDIRECT)
    client = Client(rate_limit.RateLimitedSession(), redirect, token_file, browser)
    try:
        built = build(playlists, out, client, keep_duplicates, again)
    except KeyboardInterrupt:
        raise SourceError("Stopped. The same command continues from here.") from None
    properties = report.properties(built)
    content = json.dumps(properties, indent=1, ensure_ascii=False) + "\n"
    (out / "properties.json").write_text(content, encoding="utf-8")
    print(report.text(properties, keep_duplicates))
    if built.stopped:
        left = f"{built.later.total()} songs are left"
        raise SourceError(f"{built.stopped} {left}; the same command continues with them later.")
    if properties["previews"]:
        command = "python -m training train manifest"
        print(f"Train on it: {command} --data {out / TABLE} --task-name mood")


def parse(options: Sequence[str], file: Path | None) -> dict[str, str]:
    """Mood → playlist id, from MOOD=LINK texts and a TOML or JSON file of mood = "link".

    Raises SourceError for an invalid link, a repeated mood or playlist, or fewer than two moods.
    """
    pairs: list[Any] = [text.partition("=")[::2] for text in options]
    if file is not None:
        try:
            loads = json.loads if file.suffix.lower() == ".json" else tomllib.loads
            content = loads(file.read_text(encoding="utf-8"))
            pairs += content.get("playlists", content).items()
        except (OSError, ValueError, AttributeError) as error:
            line = 'Happy = "https://open.spotify.com/playlist/…"'
            raise SourceError(f"{file} must be TOML, or .json, such as {line}: {error}") from error
    playlists: dict[str, str] = {}
    for name, link in pairs:
        mood = name.strip()
        match = _LINK.fullmatch(link.strip()) if isinstance(link, str) else None
        if match is None:
            raise SourceError(
                f"{mood[:40]}: “{str(link)[:80]}” is not the link of a playlist. In Spotify, “…”, "
                "“Share”, “Copy link to playlist” copies one: "
                "https://open.spotify.com/playlist/ followed by 22 letters and digits."
            )
        if mood in playlists:
            raise SourceError(f"{mood} has two playlists; merge them into one.")
        if match[1] in playlists.values():
            raise SourceError(f"{mood}'s playlist is another mood's too; each mood needs its own.")
        playlists[mood] = match[1]
    try:
        check_labels("mood", tuple(playlists))
    except ValueError as error:
        hint = "Give each mood's playlist as --playlist Happy=LINK, or all in a file with --list."
        raise SourceError(f"{error}. {hint}") from error
    return playlists
