"""The Spotify link on the page, with all services played on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from crnn.sources import http, spotify
from tests.conftest import encode, melody
from tests.fakes.services import (
    ARTIST,
    CLIENT,
    TITLE,
    TRACK,
    UNTITLED,
    Answer,
    Services,
    as_json,
    deezer_unknown,
    error,
)
from tests.pages.visit import choose, given, plain, players, uploader, words

ROOT = Path(__file__).parents[3]
LINK = f"https://open.spotify.com/track/{TRACK}?si=1"


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    st.cache_data.clear()
    for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SPOTIFY_AUDIO"):
        monkeypatch.delenv(name, raising=False)
    running = Services()
    monkeypatch.setattr(http, "new_session", running.session)
    monkeypatch.setattr(http, "sleep", lambda seconds: None)
    monkeypatch.setattr(spotify, "_tokens", {})
    monkeypatch.setattr(spotify, "_quiet_until", 0.0)
    yield running
    running.stop()
    st.cache_data.clear()


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", CLIENT[0])
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", CLIENT[1])


def paste(link: str = LINK, page: AppTest | None = None) -> AppTest:
    if page is None:
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        page.segmented_control(key="source").set_value("Search or Spotify link").run()
    if "track" not in page.session_state:
        page.text_input(key="spotify").set_value(link).run()
    else:  # in one run: AppTest does not remember that the box is open
        page.session_state[f"another-{id(page.session_state['track'])}"] = True
        page.session_state["source"] = "Search or Spotify link"
        page.session_state["spotify"] = link
        page.run()
    assert not page.exception
    return page


def test_a_link_becomes_title_cover_player_and_both_answers(
    services: Services, credentials: None
) -> None:
    page = paste()
    assert not page.error
    assert len(page.get("plotly_chart")) == 2
    assert f"[{TITLE}](https://open.spotify.com/track/{TRACK}) on Spotify, by {ARTIST}" in words(
        page
    )
    assert "the preview that Deezer offers of [" in words(page)
    assert page.get("image")[0].proto.imgs[0].url == "https://i.scdn.co/image/fake"
    assert len(players(page)) == 1


def test_without_credentials_the_visitor_chooses_and_nothing_is_guessed(services: Services) -> None:
    page = paste()
    assert page.get("plotly_chart") == []
    assert "Which of these recordings is it?" in words(page)
    assert "3:33" in words(page)
    page.button(key="choice-0").click().run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 2
    assert "the preview that Apple offers of [" in words(page)


def test_a_title_is_searched_and_a_recording_chosen(services: Services) -> None:
    page = paste("  song of the fakes ")
    assert services.hosts() == ["itunes.apple.com"]
    assert "term=song+of+the+fakes" in services.asked[0]
    assert "Which of these recordings is it?" in words(page)
    assert "Another Song" in words(page)
    page.button(key="choice-1").click().run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 2
    assert page.title[0].value == f"{ARTIST} – Another Song"
    assert "the preview that Apple offers of [" in words(page)
    assert "on Spotify" not in words(page)


def test_a_title_that_nobody_has_is_a_sentence(services: Services) -> None:
    services.answers["itunes.apple.com", "/"] = as_json({"results": []})
    assert "no song called “Nothing at all”" in plain(paste("Nothing at all").error[0].value)


def test_the_same_link_is_asked_about_once(services: Services, credentials: None) -> None:
    page = paste()
    count = len(services.asked)
    page.run()
    assert len(services.asked) == count
    paste(f"spotify:track:{TRACK}", page)
    assert not any(
        "api.spotify.com" in address for address in services.asked[count:]
    )  # for an hour


def test_where_no_preview_exists_the_player_and_an_upload_are_offered(
    services: Services, credentials: None
) -> None:
    services.answers["api.deezer.com", "/"] = as_json(deezer_unknown())
    services.answers["itunes.apple.com", "/"] = as_json({"results": []})
    page = paste()
    assert "Deezer has no preview of this recording" in page.error[0].value
    assert page.get("iframe")[0].proto.src == f"https://open.spotify.com/embed/track/{TRACK}"
    page.file_uploader(key="upload_instead").set_value(
        ("own.wav", encode(melody(4)), "audio/wav")
    ).run()
    assert not page.exception
    assert "own.wav" in [element.value for element in page.title]
    assert len(page.get("plotly_chart")) == 2


TROUBLE = {
    "403 Premium": (("api.spotify.com", "/"), error(403, "Premium"), "Only its title is known"),
    "429": (
        ("api.spotify.com", "/"),
        error(429, "slow", **{"Retry-After": "3600"}),
        "asks to wait 3600 s",
    ),
    "500": (("api.spotify.com", "/"), error(500, "x"), "status 500"),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_failure_of_the_web_api_is_shown_and_there_is_a_way_on(
    services: Services, credentials: None, case: str
) -> None:
    where, answer, sentence = TROUBLE[case]
    services.answers[where] = answer
    page = paste()
    assert sentence in words(page)
    page.button(key="choice-0").click().run()
    assert len(page.get("plotly_chart")) == 2


def test_audio_that_fails_after_the_choice_is_a_sentence(services: Services) -> None:
    services.answers["audio-ssl.itunes.apple.com", "/"] = Answer(
        200, b"<html>", {"Content-Type": "text/html"}
    )
    page = paste()
    page.button(key="choice-0").click().run()
    assert not page.exception
    assert "Choose another recording, or upload" in page.error[0].value


def test_a_preview_that_is_no_audio_is_a_sentence(services: Services, credentials: None) -> None:
    services.answers["cdnt-preview.dzcdn.net", "/"] = Answer(
        200, bytes(500), {"Content-Type": "audio/mpeg"}
    )
    page = paste()
    assert len(page.error) == 1
    assert page.get("plotly_chart") == []


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (f"https://open.spotify.com/album/{TRACK}", "That's an album"),
        (UNTITLED, "no track with the id"),
        ("https://evil.example/track", "leads to evil.example"),
    ],
)
def test_wrong_links_are_named_and_the_next_one_works(
    services: Services, credentials: None, link: str, sentence: str
) -> None:
    page = paste(link)
    assert sentence in page.error[0].value
    paste(LINK, page)
    assert not page.error
    assert len(page.get("plotly_chart")) == 2


def test_what_failed_can_be_tried_again(services: Services, credentials: None) -> None:
    services.answers["open.spotify.com", "/"] = services.answers["api.spotify.com", "/"] = Answer(
        503
    )
    page = paste()
    assert page.error
    services.answers.clear()
    next(button for button in page.button if button.label == "Try again").click().run()
    assert not page.error
    assert len(page.get("plotly_chart")) == 2


def test_what_failed_for_the_moment_is_not_remembered(
    services: Services, credentials: None
) -> None:
    services.answers["api.spotify.com", "/"] = Answer(503)
    assert "Only its title is known" in words(paste())
    services.answers.clear()
    assert "Deezer" in words(paste())


@pytest.mark.parametrize(
    ("sentence", "on"), [("true", True), ("1", True), ("off", False), ("none", False), ("", False)]
)
def test_spotifys_audio_needs_a_plain_yes(
    services: Services, credentials: None, monkeypatch: pytest.MonkeyPatch, sentence: str, on: bool
) -> None:
    from tests.fakes.services import api_track

    monkeypatch.setenv("SPOTIFY_AUDIO", sentence)
    services.answers["api.spotify.com", "/"] = as_json(
        api_track(preview_url="https://p.scdn.co/mp3-preview/x")
    )
    assert ("the preview that Spotify offers" in words(paste())) == on


def test_no_network_leaves_the_other_sources(services: Services) -> None:
    session = services.session()
    services.stop()
    http.new_session = lambda: session
    for text in (LINK, "Song of the Fakes"):
        page = paste(text)
        assert "could not be reached" in page.error[0].value
        assert "Upload the song instead, or open an example" in page.error[0].value
        assert uploader(page)
        assert given(page, "cards")
    choose(page, "hunting")
    assert len(page.get("plotly_chart")) == 2


def test_no_secret_reaches_the_page(services: Services, credentials: None) -> None:
    for answers in ({}, {("accounts.spotify.com", "/"): as_json({"error": "invalid_client"}, 400)}):
        st.cache_data.clear()
        services.answers = dict(answers)
        page = paste()
        everything = (
            words(page)
            + str([element.proto for element in page.get("markdown")])
            + str(page.query_params)
        )
        assert not any(secret in everything for secret in CLIENT)
