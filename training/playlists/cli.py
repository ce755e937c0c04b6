"""`python -m training playlists`: terms first, then login, previews, manifest, report."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnn.errors import SourceError
from training.playlists.terms import TERMS

if TYPE_CHECKING:
    from crnn.sources.spotify import Credentials
    from training.playlists.spotify_login import Client

REDIRECT = "http://127.0.0.1:8888/callback"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument(
        "--playlist",
        action="append",
        default=[],
        metavar="MOOD=LINK",
        help="a playlist of yours, such as Happy=https://…; one a mood",
    )
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help='all of them: TOML (Happy = "LINK") or JSON'
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for audio, journal and manifest.csv"
    )
    parser.add_argument(
        "--i-have-read-the-terms",
        action="store_true",
        help="without it, says which terms, and does nothing",
    )
    parser.add_argument(
        "--keep-duplicates",
        action="store_true",
        help="keep songs that stand under two moods, under both",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="read the playlists anew, and ask again for what nobody had",
    )
    parser.add_argument(
        "--token-file", type=Path, help="keep the login in this file; default: forget it at the end"
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="log in by copying addresses, where no browser can open",
    )
    parser.add_argument(
        "--redirect",
        default=os.environ.get("SPOTIPY_REDIRECT_URI", REDIRECT),
        help=f"the app's redirect address as its settings have it; default: SPOTIPY_REDIRECT_URI, else {REDIRECT}",
    )


def run(options: argparse.Namespace) -> None:
    """Build the set. Raises SystemExit(2) where the terms are not confirmed; SpotifyError for what the user can mend."""
    if not options.i_have_read_the_terms:
        print(TERMS)
        raise SystemExit(2)
    # Heavy imports wait until it is known that they are needed.
    from training.data.manifest import TABLE
    from training.playlists import rate_limit, report, specs
    from training.playlists.download import build
    from training.playlists.spotify_login import Client

    asked = specs.playlists(options.playlist, options.list)
    session = rate_limit.new_session()
    client: Client | None = None

    def page(playlist: str, offset: int) -> dict[str, Any]:
        """Logs in when the first page is needed: a second start may need none."""
        nonlocal client
        if client is None:
            client = Client(
                session,
                _credentials(),
                options.redirect,
                options.token_file,
                not options.no_browser,
            )
        return client.page(playlist, offset)

    try:
        built = build(asked, options.out, page, session, options.keep_duplicates, options.again)
    except KeyboardInterrupt:
        raise SourceError("Stopped. The same command goes on from here.") from None
    found = report.properties(built)
    (options.out / "properties.json").write_text(
        json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(report.text(found, options.keep_duplicates))
    if built.stopped:
        raise SourceError(
            f"{built.stopped} {sum(built.later.values())} songs are left; the same command goes on with them later."
        )
    if found["previews"]:
        print(
            f"Train on it: python -m training train manifest --data {options.out / TABLE} --task-name mood"
        )


def _credentials() -> Credentials:
    from crnn.sources.spotify import Credentials

    found = Credentials.find(os.environ)
    if found is None:
        raise SourceError(
            "Spotify wants to know which app asks: register one at developer.spotify.com (its owner needs Premium) and set "
            "SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET."
        )
    return found
