"""From a link to audio, with real clients against local services: requests, refusals, messages."""

from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crnn.audio.decode import decode
from crnn.errors import SourceError
from crnn.sources import http, previews
from crnn.sources.spotify import Credentials, look_up, track_id
from tests.crnn.conftest import CREDENTIALS
from tests.fakes.services import (
    ARTIST,
    ISRC,
    SECONDS,
    TITLE,
    TRACK,
    Answer,
    Services,
    api_track,
    as_json,
    audio,
    deezer_track,
    deezer_unknown,
    itunes_song,
    redirect,
)


def chain(
    services: Services, credentials: Credentials | None = CREDENTIALS, spotify_audio: bool = False
) -> previews.FetchedPreview:
    session = services.session()
    return previews.find_preview(
        look_up(track_id(TRACK, session), credentials, session), session, spotify_audio
    )


UNFIT = {
    "HTML instead of audio": (
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        "instead of audio",
    ),
    "50 MB": (
        Answer(200, bytes(50 * 2**20), {"Content-Type": "audio/mpeg"}),
        "more than 10 MB",
    ),
    "half a body": (
        Answer(200, bytes(20_000), {"Content-Type": "audio/mpeg"}, short=10_000),
        "broke off",
    ),
    "redirect to another host": (redirect("https://evil.example/song.mp3"), "evil.example"),
    "redirect to http": (
        redirect("http://cdnt-preview.dzcdn.net/song.mp3"),
        "not an allowed address",
    ),
    "redirect with a long body": (
        Answer(302, bytes(3 * 2**20), {"Location": "https://cdnt-preview.dzcdn.net/song.mp3"}),
        "more than 2 MB",
    ),
    "redirect for ever": (
        redirect("https://cdnt-preview.dzcdn.net/stream/fake.mp3"),
        "more than 3 times",
    ),
    "nothing": (Answer(200, b"", {"Content-Type": "audio/mpeg"}), "empty file"),
    "500": (Answer(500), "status 500"),
}


class TestPreviews:
    def test_deezer_is_asked_by_the_recordings_code(self, services: Services) -> None:
        fetched = chain(services)
        assert (fetched.preview.service, fetched.preview.artist, fetched.tried) == (
            "Deezer",
            ARTIST,
            (),
        )
        assert f"https://api.deezer.com/track/isrc:{ISRC}" in services.asked
        assert decode(fetched.data, sample_rate=22_050).seconds == pytest.approx(6, abs=0.1)

    def test_spotifys_own_audio_only_where_it_is_switched_on(self, services: Services) -> None:
        services.answers["api.spotify.com", "/"] = as_json(
            api_track(preview_url="https://p.scdn.co/mp3-preview/x")
        )
        assert chain(services).preview.service == "Deezer"
        assert not any("scdn.co" in host for host in services.hosts())
        assert chain(services, spotify_audio=True).preview.service == "Spotify"

    @pytest.mark.parametrize(
        "cause",
        ["no ISRC", "unknown to Deezer", "no preview there", "Deezer is down", "Deezer is busy"],
    )
    def test_apple_is_next(self, services: Services, cause: str) -> None:
        services.answers |= {
            "no ISRC": {("api.spotify.com", "/"): as_json(api_track(external_ids={}))},
            "unknown to Deezer": {("api.deezer.com", "/"): as_json(deezer_unknown())},
            "no preview there": {("api.deezer.com", "/"): as_json(deezer_track(preview=""))},
            "Deezer is down": {("api.deezer.com", "/"): Answer(503)},
            "Deezer is busy": {
                ("api.deezer.com", "/"): as_json(
                    {"error": {"message": "Quota limit exceeded", "code": 4}}
                )
            },
        }[cause]  # type: ignore[operator]
        fetched = chain(services)
        assert fetched.preview.service == "Apple"
        assert len(fetched.tried) == 1
        assert "Deezer" in fetched.tried[0]
        assert ("has no preview" in fetched.tried[0]) == (
            cause not in ("Deezer is down", "Deezer is busy")
        )

    @pytest.mark.parametrize(
        ("song", "matches"),
        [
            (itunes_song(title=f"{TITLE} (Remastered 2009)"), True),
            (itunes_song(title=TITLE.upper(), artist=f"{ARTIST} & Friends"), True),
            (itunes_song(milliseconds=int(SECONDS * 1000) + 2900), True),
            (itunes_song(milliseconds=int(SECONDS * 1000) + 3100), False),
            (itunes_song(artist="A Cover Band"), False),
            (itunes_song(artist=f"The {ARTIST} Tribute"), False),
            (itunes_song(artist=""), False),
            (itunes_song(title=f"{TITLE} (Instrumental)"), False),
            (itunes_song(title=f"{TITLE} (Karaoke Version)"), False),
            (itunes_song(title=f"{TITLE} - Live"), False),
            (itunes_song(title=f"{TITLE} - 2011 Remaster"), True),
            (itunes_song(title=f"{TITLE} (feat. Someone)"), True),
            (itunes_song(title="Another Song"), False),
        ],
    )
    def test_apple_is_matched_on_title_artist_and_length(
        self, services: Services, song: dict[str, object], matches: bool
    ) -> None:
        services.answers["api.deezer.com", "/"] = as_json(deezer_unknown())
        services.answers["itunes.apple.com", "/"] = as_json({"results": [song]})
        if matches:
            assert chain(services).preview.service == "Apple"
        else:
            with pytest.raises(previews.NoPreview, match="Apple has no preview of this recording"):
                chain(services)

    def test_an_expired_signature_is_renewed_once(self, services: Services) -> None:
        fresh = deezer_track(preview="https://cdnt-preview.dzcdn.net/stream/fresh.mp3?hdnea=2")
        given_out = iter([as_json(deezer_track())])
        services.answers["api.deezer.com", "/"] = lambda *_: next(given_out, as_json(fresh))
        services.answers["cdnt-preview.dzcdn.net", "/stream/fake"] = Answer(403)
        assert chain(services).preview.audio.endswith("fresh.mp3?hdnea=2")

    @pytest.mark.parametrize("case", UNFIT)
    def test_unfit_audio_is_refused_and_the_next_service_asked(
        self, services: Services, case: str
    ) -> None:
        answer, words = UNFIT[case]
        services.answers["cdnt-preview.dzcdn.net", "/"] = answer
        fetched = chain(services)
        assert fetched.preview.service == "Apple"
        assert words in fetched.tried[0]
        assert "evil.example" not in services.hosts()

    def test_a_good_redirect_is_followed(self, services: Services) -> None:
        services.answers["cdnt-preview.dzcdn.net", "/"] = redirect(
            "https://e-cdns-preview-1.dzcdn.net/stream/there.mp3"
        )
        assert chain(services).preview.service == "Deezer"

    def test_the_embed_page_is_last_and_only_where_switched_on(self, services: Services) -> None:
        services.answers |= {
            ("api.deezer.com", "/"): as_json(deezer_unknown()),
            ("itunes.apple.com", "/"): as_json({"results": []}),
        }
        with pytest.raises(
            previews.NoPreview, match=r"Deezer has no preview .* Apple has no preview"
        ):
            chain(services)
        assert not any("embed" in address for address in services.asked)
        assert (
            chain(services, spotify_audio=True).preview.audio
            == "https://p.scdn.co/mp3-preview/fake"
        )
        services.answers["open.spotify.com", "/embed"] = Answer(
            200, b"<html>other</html>", {"Content-Type": "text/html"}
        )
        with pytest.raises(previews.NoPreview):
            chain(services, spotify_audio=True)

    def test_by_title_alone_nothing_is_chosen_for_the_visitor(self, services: Services) -> None:
        session = services.session()
        info = look_up(TRACK, None, session)
        results = previews.search(info.title, session)
        assert [p.title for p in results] == [TITLE, "Another Song"]
        assert previews.download(results[0], session) == audio(kind="audio/x-m4a").body
        with pytest.raises(previews.NoPreview):
            previews.find_preview(info, session)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "http://169.254.169.254/latest/meta-data",
            "https://127.0.0.1/",
            "https://evil.example/a.mp3",
            "file:///etc/passwd",
            "https://api.deezer.com@evil.example/",
            "https://evil.example#.dzcdn.net",
            "//evil.example/x",
            "https://dzcdn.net.evil.example/",
            "https://p.scdn.co:22/",
            "http://p.scdn.co/x",
            "https://evil.example\\.dzcdn.net/",
            "https://[::1]/",
            "gopher://i.scdn.co/",
        ]
    ),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pasted=HOSTILE, returned=HOSTILE, location=HOSTILE)
def test_no_input_and_no_answer_leads_off_the_list(
    services: Services, pasted: str, returned: str, location: str
) -> None:
    """Whatever is pasted, and whatever previews and redirects the services answer with."""
    services.asked.clear()
    services.answers |= {
        ("api.deezer.com", "/"): as_json(deezer_track(preview=returned)),
        ("itunes.apple.com", "/"): as_json({"results": [itunes_song() | {"previewUrl": returned}]}),
        ("api.spotify.com", "/"): as_json(api_track(preview_url=returned)),
        ("spotify.link", "/"): redirect("".join(c for c in location if " " < c < "\x7f")),
        ("cdnt-preview.dzcdn.net", "/"): redirect("".join(c for c in location if " " < c < "\x7f")),
    }
    session = services.session()
    for text in (pasted, "https://spotify.link/AbCdEf", TRACK):
        try:
            info = look_up(track_id(text, session), CREDENTIALS, session)
            previews.find_preview(info, session, spotify_audio=True)
        except SourceError:
            pass
    for address in services.asked:
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname in http.HOSTS or str(parts.hostname).endswith(
            tuple(http.HOST_SUFFIXES)
        )
