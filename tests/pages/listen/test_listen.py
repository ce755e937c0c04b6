"""The Listen page through Streamlit's own tester, with the bundled networks behind it."""

import io
import json
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from crnn.audio.decode import MAX_SECONDS
from crnn.labels import GENRES, MOODS, display
from crnn.sources.examples import EXAMPLES
from pages.listen import track as view
from pages.shared import cache, queue
from tests.conftest import encode, encode_av, melody
from tests.pages.text.test_predictions import prediction
from tests.pages.visit import choose, figures, given, plain, players, unpacked, uploader

ROOT = Path(__file__).parents[3]
PATIENCE = 120  # seconds; a busy machine imports torch in the first run
GENRE_NAMES, MOOD_NAMES = set(map(display, GENRES)), set(map(display, MOODS))


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE).run()


def upload(page: AppTest, name: str, data: bytes) -> AppTest:
    uploader(page).set_value((name, data, "audio/mpeg")).run()
    return page


def shown(page: AppTest) -> str:
    """Everything written on the page."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.info, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def test_first_sight_offers_examples_and_says_what_will_happen(page: AppTest) -> None:
    assert not page.exception
    (cards,) = given(page, "cards")
    assert [card["name"] for card in cards["cards"]] == list(EXAMPLES)
    chips = [[name.split()[0] for name, _ in card["chips"]] for card in cards["cards"]]
    genres, moods = zip(*chips, strict=True)
    assert len(set(genres)) >= 6  # among them one that is none of the ten
    assert set(genres) <= GENRE_NAMES | {"Other"}
    assert set(moods) <= MOOD_NAMES | {"Other"}
    assert page.file_uploader(key="upload").label.startswith("Upload a song")
    assert figures(page) == []


def test_an_example_is_one_click_away_and_was_analysed_before(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    monkeypatch.setattr(queue, "decode", lambda *_, **__: pytest.fail("it was decoded"))
    choose(page, "hunting")
    assert not page.exception
    all_genres, all_moods = figures(page)
    (player,) = players(page)
    assert player["spectrograms"][0]["images"][0]["url"].endswith(".png")
    assert [timeline["title"] for timeline in player["timelines"]] == ["Genre", "Mood"]
    names = [{name for name, _ in timeline["classes"]} for timeline in player["timelines"]]
    assert names == [GENRE_NAMES, MOOD_NAMES]
    assert set(all_genres["data"][0]["y"]) == GENRE_NAMES
    assert set(all_moods["data"][0]["y"]) == MOOD_NAMES
    assert "30.0 s · MP3 · 44.1 kHz · stereo" in shown(page)
    assert page.query_params["example"] == "hunting"


def test_predictions_over_time_can_have_a_higher_resolution(page: AppTest) -> None:
    choose(page, "hunting")
    coarse = players(page)[0]
    page.toggle(key="finer").set_value(True).run()
    assert not page.exception
    fine = players(page)[0]
    assert fine["sounds"] == coarse["sounds"]  # the sound goes on
    for before, after in zip(coarse["timelines"], fine["timelines"], strict=True):
        assert len(unpacked(after["edges"], "<f4")) > 3 * len(unpacked(before["edges"], "<f4"))
    assert "throughout" in shown(page) or "Most likely mood over time" in shown(page)


def test_every_figure_has_a_text_alternative(page: AppTest) -> None:
    choose(page, "palace")
    alternatives = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert len(alternatives) == 2
    assert all(genre in alternatives[0] for genre in GENRE_NAMES)
    alternative = players(page)[0]["alt"]
    assert alternative.startswith("Mel spectrogram of 30 seconds")
    assert "Genre: " in alternative or "Most likely genre over time" in alternative
    assert "valence" in alternative


def test_an_address_opens_its_example() -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    page.query_params["example"] = "awakening"
    page.run()
    assert "Awakening" in [element.value for element in page.title]


def test_an_address_with_an_unknown_example_says_which_there_are() -> None:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE)
    page.query_params["example"] = "yesterday"
    page.run()
    assert not page.exception
    assert "“yesterday”" in page.error[0].value
    assert "awakening" in page.error[0].value


def test_an_upload_is_analysed_and_its_results_can_be_downloaded(page: AppTest) -> None:
    upload(page, "my *song* – 音楽.mp3", encode(melody(7), kind="MP3"))
    assert not page.exception
    assert not page.error
    assert len(figures(page)) == 2
    assert "7.0 s · MP3" in shown(page)
    page.session_state["details"] = "Data"
    page.run()
    names = [button.proto.label for button in page.get("download_button")]
    assert names == ["Download JSON", "Download CSV"]


def test_a_spreadsheet_knows_a_csvs_encoding_and_a_parser_its_first_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mark that Excel needs to read UTF-8; Python's csv and pandas skip it."""
    files: dict[str, tuple[str | bytes, str]] = {}
    monkeypatch.setattr(
        st,
        "download_button",
        lambda label, data, name, *_, **__: files.update({label: (data, name)}),
    )
    analysis = SimpleNamespace(predictions=[prediction("genre", [[0.7, 0.3]])])
    view._downloads(SimpleNamespace(name="音楽.mp3", seconds=3.0, analysis=analysis))
    content, name = files["Download CSV"]
    assert name == "音楽.csv"
    assert isinstance(content, bytes)
    assert content.startswith(b"\xef\xbb\xbffile,seconds,")
    assert pd.read_csv(io.BytesIO(content)).file[0] == "音楽.mp3"
    assert json.loads(files["Download JSON"][0])["file"] == "音楽.mp3"


def test_noise_is_of_none_of_the_genres_and_an_example_is_of_one(page: AppTest) -> None:
    choose(page, "hunting")
    assert "none of the" not in shown(page)
    noise = 0.1 * np.random.default_rng(0).standard_normal(22_050 * 8).astype(np.float32)
    upload(page, "noise.wav", encode(noise))
    assert not page.exception
    for kinds in ("10 genres", "5 moods"):  # each network its own
        assert f"probably none of the {kinds}" in shown(page)


GOOD = {
    "m4a": lambda: encode_av(melody(4, 48_000), 48_000, "mp4", "aac"),
    "webm": lambda: encode_av(melody(4, 48_000), 48_000, "webm", "libopus"),
    "8 channels": lambda: encode(np.stack([melody(4, seed=i) for i in range(8)], axis=1)),
    "192 kHz": lambda: encode(melody(4, 192_000), 192_000),
}


@pytest.mark.parametrize("kind", GOOD)
def test_unusual_formats_are_analysed_without_a_notice(page: AppTest, kind: str) -> None:
    upload(page, "song.wav", GOOD[kind]())
    assert not page.exception
    assert not page.error
    assert len(figures(page)) == 2


NOTICED = {
    "8 kHz": (lambda: encode(melody(4, 8_000), 8_000), "nothing above 4 kHz"),
    "0.2 s": (lambda: encode(melody(0.2)), "shorter than the model's 6 s"),
    "truncated": (lambda: encode(melody(8), kind="MP3")[:20_000], "damaged or ends early"),
    "NaN": (
        lambda: encode(np.where(np.arange(66_150) == 9, np.nan, melody(3)), subtype="FLOAT"),
        "NaN, infinite",
    ),
}


@pytest.mark.parametrize("kind", NOTICED)
def test_what_was_changed_while_decoding_is_shown(page: AppTest, kind: str) -> None:
    make, words = NOTICED[kind]
    upload(page, "song.wav", make())
    assert not page.error
    assert any(words in element.value for element in page.info)
    assert len(figures(page)) == 2


BAD = {
    "empty": (b"", "empty (0 bytes)"),
    "noise": (bytes(range(128, 228)), "no known audio format"),
    "text": (b"la la la", "text file"),
    "image": (b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG picture"),
    "one sample": (encode(np.ones(1, np.float32)), "1 sample of audio"),
    "silence": (encode(np.zeros(66_150, np.float32)), "silent"),
    "only NaN": (encode(np.full(66_150, np.nan), subtype="FLOAT"), "silent"),
    "half an m4a": (
        encode_av(melody(4, 48_000), 48_000, "mp4", "aac")[:20_000],
        "incomplete or damaged",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_sentence_and_the_page_goes_on(page: AppTest, kind: str) -> None:
    data, words = BAD[kind]
    upload(page, "song.mp3", data)
    assert not page.exception
    assert words in plain(page.error[0].value)
    assert figures(page) == []
    upload(page, "better.wav", encode(melody(4)))
    assert not page.error
    assert len(figures(page)) == 2


def test_a_bad_file_leaves_the_track_before_it_in_place(page: AppTest) -> None:
    choose(page, "mountain")
    upload(page, "broken.mp3", b"nothing")
    assert "Showing the previous track, Mountain" in page.error[0].value
    assert len(figures(page)) == 2


def test_a_very_long_name_is_shortened(page: AppTest) -> None:
    upload(page, "ä" * 240 + ".wav", encode(melody(4)))
    assert not page.exception
    heading = page.title[0].value
    assert len(heading) < 80
    assert heading.endswith(".wav")


def test_a_name_is_text_not_markup(page: AppTest) -> None:
    upload(page, "[a](http://x.y) <b>$x$.wav", encode(melody(4)))
    assert page.title[0].value.startswith(r"\[a\]\(http")


def test_the_second_of_two_quick_uploads_counts(page: AppTest) -> None:
    uploader(page).set_value(("one.wav", encode(melody(3)), "audio/wav"))
    uploader(page).set_value(("two.wav", encode(melody(4)), "audio/wav")).run()
    assert page.title[0].value == "two.wav"


def test_an_upload_is_freed_when_the_next_one_comes(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed: list[str] = []
    monkeypatch.setattr(
        MemoryUploadedFileManager, "remove_file", lambda _, session, file: freed.append(file)
    )
    upload(page, "one.wav", encode(melody(3)))
    one = page.session_state["taken"]
    assert not freed
    upload(page, "two.wav", encode(melody(4)))
    assert freed == [one]


def test_a_recording_is_analysed(page: AppTest) -> None:
    page.segmented_control(key="source").set_value("Record").run()
    page.get("audio_input")[0].set_value(
        ("recording.wav", encode(melody(5, 48_000), 48_000), "audio/wav")
    ).run()
    assert not page.exception
    assert page.title[0].value == "Your recording"
    assert len(figures(page)) == 2


def test_an_example_is_computed_once_for_all_sessions(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(page, "hunting")
    monkeypatch.setattr(
        "crnn.inference.decode_and_predict", lambda *_: pytest.fail("computed again")
    )
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE).run()
    choose(other, "hunting")
    assert not other.exception
    assert len(figures(other)) == 2


def test_the_stated_limit_is_the_configured_one() -> None:
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())
    page = (ROOT / "pages/shared/sources.py").read_text()
    assert f"LIMIT_MB = {config['server']['maxUploadSize']}" in page
    assert f"first {MAX_SECONDS / 60:.0f} minutes" in page
    assert config["browser"]["gatherUsageStats"] is False
    assert {"light", "dark"} <= set(config["theme"])


def test_the_first_page_waits_for_no_heavy_import() -> None:
    """Torch and the decoders are imported when a track arrives, not before the first page."""
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; import pages.shared.session as s; "
        "s.warm_up = lambda: None;"
        "page = AppTest.from_file('app.py', default_timeout=30).run();"
        "assert not page.exception, page.exception;"
        "heavy = {'torch', 'torchaudio', 'librosa', 'av', 'soundfile', 'numba', 'scipy'};"
        "heavy &= set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_the_bar_shows_how_many_visitors_are_ahead(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else holds the process's turn for a moment; the bar shows it, then the analysis."""
    messages: list[str] = []

    class Bar:
        def progress(self, fraction: float, text: str) -> None:
            messages.append(text)
            if "ahead of you" in text:
                leave.set()

        def empty(self) -> None:
            messages.append("gone")

    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with queue.process_queue().turn():
            entered.set()
            leave.wait(30)

    threading.Thread(target=hold).start()
    entered.wait(5)
    monkeypatch.setattr(st, "progress", lambda *_, **__: Bar())
    upload(page, "song.wav", encode(melody(4)))
    assert messages[0] == "1 visitor is ahead of you. Your turn comes automatically."
    assert "Analysing… 100%" in messages
    assert messages[-1] == "gone"
    assert len(figures(page)) == 2


@pytest.mark.parametrize(
    ("name", "data", "plays"),
    [
        ("song.aiff", encode(melody(4), kind="AIFF"), "wav"),
        ("song.au", encode(melody(4), kind="AU"), "wav"),
        ("song.caf", encode(melody(4), kind="CAF"), "wav"),
        ("lossless.m4a", encode_av(melody(4), 22_050, "mp4", "alac"), "wav"),
        ("song.m4a", encode_av(melody(4), 22_050, "mp4", "aac"), ""),
        ("song.wav", encode(melody(4)), ""),
        ("song.flac", encode(melody(4), kind="FLAC"), ""),
    ],
)
def test_the_player_gets_what_browsers_play(
    page: AppTest, name: str, data: bytes, plays: str
) -> None:
    upload(page, name, data)
    track = page.session_state["track"]
    assert (track.sound == data) == (not plays)
    if plays:
        samples, rate = soundfile.read(io.BytesIO(track.sound))
        assert (track.mime, rate) == ("audio/wav", 22_050)
        assert len(samples) / rate == pytest.approx(4, abs=0.1)
        assert "the player has the analysed mono sound" in shown(page)
