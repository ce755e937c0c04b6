"""Every form in which people paste a track, and everything else they paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn.errors import SourceError
from crnn.sources.spotify import is_title, parse_link

ID = "4uLU6hMCjMI75M1A2tKUQC"

GOOD = [
    f"https://open.spotify.com/track/{ID}",
    f"http://open.spotify.com/track/{ID}",
    f"open.spotify.com/track/{ID}",
    f"https://open.spotify.com/track/{ID}?si=0123456789abcdef",
    f"https://open.spotify.com/track/{ID}/",
    f"https://open.spotify.com/track/{ID}/?si=1&utm_source=copy-link",
    f"https://open.spotify.com/intl-de/track/{ID}",
    f"https://open.spotify.com/intl-pt-br/track/{ID}?si=x",
    f"https://open.spotify.com/intl-pt/track/{ID}/",
    f"https://open.spotify.com/embed/track/{ID}",
    f"https://open.spotify.com/embed/track/{ID}?utm_source=generator&theme=0",
    f"open.spotify.com/embed/track/{ID}/",
    f"spotify:track:{ID}",
    f"  spotify:track:{ID}\n",
    f"SPOTIFY:track:{ID}",
    f"https://OPEN.Spotify.com/track/{ID}",
    f"https://open.spotify.com/track/{ID}#0:42",
    f"https://open.spotify.com:443/track/{ID}",
    f"https://open.spotify.com//track/{ID}",
    ID,
]
SHORT = [
    "https://spotify.link/AbCdEf123",
    "spotify.link/AbCdEf123",
    "http://spotify.link/AbCdEf123/",
    "https://spotify.app.link/xYz12",
]
BAD = {
    "": "Nothing was pasted",
    f"https://open.spotify.com/album/{ID}": "That's an album",
    f"https://open.spotify.com/intl-de/album/{ID}?highlight=spotify:track:{ID}": "That's an album",
    f"https://open.spotify.com/playlist/{ID}": "That's a playlist",
    f"https://open.spotify.com/artist/{ID}": "That's an artist",
    f"https://open.spotify.com/episode/{ID}": "That's an episode",
    f"https://open.spotify.com/embed/show/{ID}": "That's a show",
    "https://open.spotify.com/user/someone": "That's a user",
    f"spotify:album:{ID}": "That's an album",
    f"spotify:user:someone:playlist:{ID}": "That's a user",
    f"https://open.spotify.com/track/{ID[:-1]}": "has 21 characters",
    f"https://open.spotify.com/track/{ID}A": "has 23 characters",
    "https://open.spotify.com/track/": "doesn't lead to a track",
    "https://open.spotify.com/": "doesn't lead to a track",
    f"https://open.spotify.com.evil.example/track/{ID}": "leads to open.spotify.com.evil.example",
    f"https://openXspotify.com/track/{ID}": "leads to openxspotify.com",
    f"https://open.spotify.com@evil.example/track/{ID}": "isn't a Spotify link",
    f"https://evil.example/open.spotify.com/track/{ID}": "leads to evil.example",
    f"https://play.spotify.com/track/{ID}": "leads to play.spotify.com",
    f"ftp://open.spotify.com/track/{ID}": "isn't a Spotify link",
    f"javascript://open.spotify.com/track/{ID}": "isn't a Spotify link",
    f"https://open.spotify.com:8080/track/{ID}": "isn't a Spotify link",
    "https://spotify.link/": "doesn't lead to a track",
    "https://spotify.link/../etc/passwd": "doesn't lead to a track",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ": "leads to www.youtube.com",
    "Bohemian Rhapsody": "isn't a Spotify link",
    "Yesterday": "isn't a Spotify link",
    f"https://open.spotify.com/track/{ID} spotify:track:{ID}": "isn't a Spotify link",
    "https://[::1": "isn't a Spotify link",
    "https://open.spotify.com/track/" + "A" * 3000: "isn't a Spotify link",
    f"https://open.spotify.com/track/{ID[:-1]}é": "22 letters and digits",
    f"https://xn--pen-spotify-2ld.com/track/{ID}": "leads to xn--",
}


TITLES = ("Yesterday", "Bohemian Rhapsody", "AC/DC Thunderstruck", "Mr. Blue Sky/ELO", "will.i.am")


def test_titles_are_told_from_links() -> None:
    assert all(map(is_title, TITLES))
    assert not any(map(is_title, {*GOOD, *SHORT, *BAD} - {*TITLES, ""}))


@pytest.mark.parametrize("link", GOOD)
def test_tracks(link: str) -> None:
    assert parse_link(link) == ID


@pytest.mark.parametrize("link", SHORT)
def test_short_links_are_to_be_followed_over_https(link: str) -> None:
    assert parse_link(link).startswith(("https://spotify.link/", "https://spotify.app.link/"))


@pytest.mark.parametrize("link", BAD)
def test_others_are_named_and_a_track_is_asked_for(link: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_link(link)
    assert BAD[link] in str(caught.value)
    assert "Paste the link of a single song" in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=200))
def test_anything_else_is_a_sentence_or_an_id(text: str) -> None:
    try:
        link = parse_link(text)
    except SourceError:
        return
    assert link.isascii()
    assert len(link) == 22 or link.startswith(
        ("https://spotify.link/", "https://spotify.app.link/")
    )
