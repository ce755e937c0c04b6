"""What the user asks for: which playlist is which mood, on the command line or in a small file."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crnn.errors import SourceError
from crnn.model.config import check_labels

_LINK = re.compile(
    r"(?:(?:https?://)?open\.spotify\.com/(?:intl-[a-z]{2}(?:-[a-z]{2})?/)?(?:user/[^/?#\s]+/)?playlist/"
    r"|spotify:(?:user:[^:\s]+:)?playlist:)?([0-9A-Za-z]{22})/?(?:[?#]\S*)?",
    re.IGNORECASE,
)


def playlists(options: Iterable[str], file: Path | None) -> dict[str, str]:
    """Mood → playlist id, from MOOD=LINK texts and a TOML or JSON file of mood = "link" (in a table [playlists] or at the top).

    Raises SpotifyError for a link that is none, a mood or a playlist that is there twice, or fewer than two moods.
    """
    wishes = [text.partition("=")[::2] for text in options]
    if file is not None:
        wishes += _from_file(file).items()
    found: dict[str, str] = {}
    for name, link in wishes:
        mood, identity = name.strip(), _id(name, link)
        if mood in found:
            raise SourceError(
                f"{mood} has two playlists; each mood needs one. Put their songs into one."
            )
        if identity in found.values():
            raise SourceError(f"{mood}'s playlist is another mood's too; each mood needs its own.")
        found[mood] = identity
    try:
        check_labels("mood", tuple(found))
    except ValueError as error:
        raise SourceError(
            f"{error}. Give each mood's playlist as --playlist Happy=LINK, or all in a file with --list."
        ) from error
    return found


def _id(mood: str, link: Any) -> str:
    fitting = _LINK.fullmatch(link.strip()) if isinstance(link, str) else None
    if fitting is None:
        raise SourceError(
            f"“{str(link)[:80]}” is not the link of a playlist, which {mood[:40] or 'each mood'} needs: in Spotify, “…”, “Share”, "
            "“Copy link to playlist”, such as https://open.spotify.com/playlist/ followed by 22 letters and digits."
        )
    return fitting[1]


def _from_file(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        found = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{file} can't be read as TOML (or, with that ending, JSON): {error}"
        ) from error
    inner = found.get("playlists", found) if isinstance(found, dict) else None
    if not isinstance(inner, dict):
        raise SourceError(
            f'{file}: lines such as Happy = "https://open.spotify.com/playlist/…" are needed.'
        )
    return inner
