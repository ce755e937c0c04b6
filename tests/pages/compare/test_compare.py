"""The Compare page through Streamlit's own tester, with the bundled networks behind it."""

import io
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from crnn.inference import similarity
from crnn.labels import GENRES, MOODS, display
from crnn.sources import archive
from crnn.sources.examples import EXAMPLES
from pages.shared import cache, models
from pages.shared.queue import Queue
from tests.conftest import encode, melody
from tests.pages import visit
from tests.pages.visit import figures, plain, uploader, words


def opened(*examples: str) -> AppTest:
    return visit.opened("compare", **({"examples": list(examples)} if examples else {}))


@pytest.fixture(scope="module", autouse=True)
def _one_cache() -> Iterator[None]:
    """Examples are analysed once for all tests here."""
    cache.clear()
    yield
    cache.clear()


def upload(page: AppTest, *files: tuple[str, bytes], kind: str = "Files") -> AppTest:
    page.segmented_control(key="compare_source").set_value(kind).run()
    number = page.session_state["compare_batch"] if "compare_batch" in page.session_state else 0  # noqa: SIM401
    field = page.file_uploader(key=f"compare-{kind.lower()}-{number}")
    return field.set_value([(name, data, "audio/wav") for name, data in files]).run()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def tune(seed: int, seconds: float = 3.0) -> bytes:
    return encode(melody(seconds, seed=seed))


def tracks(page: AppTest) -> list[str]:
    """In the order in which they were added; the table has the newest on top."""
    return list(page.dataframe[0].value["Track"])[::-1] if page.dataframe else []


def drawn(page: AppTest) -> list[str]:
    """Names on the map."""
    return list(figures(page)[0]["data"][0]["text"])


def test_at_first_sight_the_examples_are_one_click_away_and_no_network_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(models, "network", lambda task: pytest.fail("a network was loaded"))
        page = opened()
    assert not page.exception
    assert figures(page) == []
    page.button(key="compare-examples").click().run()
    assert not page.exception
    assert tracks(page) == drawn(page) == [example.title for example in EXAMPLES.values()]
    assert len(figures(page)) == 2  # the map, and folded the matrix
    assert page.query_params["examples"] == list(EXAMPLES)
    assert all(chart.proto.alt for chart in page.get("plotly_chart"))
    row = page.dataframe[0].value.set_index("Track").loc["Hunting"]
    assert row["Sounds most like"] == "Palace"
    assert row["Top genre"].startswith("Jazz ")
    assert row["Top genre "].startswith("data:image/svg+xml,")


def test_an_address_opens_its_examples_and_names_unknown_ones() -> None:
    page = opened("palace", "hunting", "yesterday")
    assert not page.exception
    assert tracks(page) == ["Palace", "Hunting"]
    assert "“yesterday”" in page.error[0].value
    assert "metal-madness" in page.error[0].value


def test_links_with_older_names_of_options_still_open() -> None:
    query = {"examples": ["palace", "hunting"], "sort": "reggae", "by": "The mood network"}
    page = visit.opened("compare", **query)
    assert not page.exception
    assert (page.session_state["sort"], page.session_state["by"]) == ("reggae", "mood")
    assert page.dataframe[0].value["Reggae"].is_monotonic_decreasing


def test_one_track_is_shown_and_a_second_one_asked_for() -> None:
    page = opened("palace")
    assert not page.exception
    assert tracks(page) == ["Palace"]
    assert any("Add a second track" in element.value for element in page.info)
    assert figures(page) == []
    page.button_group(key="examples").set_value(["palace", "hunting"]).run()
    assert tracks(page) == ["Palace", "Hunting"]
    assert not any("Add a second track" in element.value for element in page.info)


def test_the_table_sorts_by_any_class_and_its_rows_add_up() -> None:
    page = opened(*EXAMPLES)
    for name in ("reggae", "Sad"):
        page.selectbox(key="sort").set_value(name).run()
        values = list(page.dataframe[0].value[display(name)])
        assert values == sorted(values, reverse=True)
    table = page.dataframe[0].value
    for labels in (GENRES, MOODS):
        np.testing.assert_allclose(table[list(map(display, labels))].sum(axis=1), 100)


def test_thirty_in_a_zip_two_of_them_broken() -> None:
    files = {f"album/{i:02d}.wav": tune(i, 1.0) for i in range(30)}
    files["album/07.wav"] = b"nothing here"
    files["album/12.wav"] = tune(12, 1.0)[:50]
    files |= {"__MACOSX/album/._00.wav": b"x", "cover.jpg": b"x"}
    page = upload(opened(), ("album.zip", zipped(files)))
    assert not page.exception
    names = [f"{i:02d}.wav" for i in range(30) if i not in (7, 12)]
    assert tracks(page) == names
    assert drawn(page) == names
    warning = plain(page.warning[0].value)
    assert "28 tracks added, 2 failed" in warning
    assert "07.wav" in warning
    assert "text file" in warning
    assert "12.wav" in warning
    assert "1 non-audio file, 1 system file" in warning
    page.button(key="compare-dismiss").click().run()
    assert not page.warning
    assert not page.exception


def test_silence_is_a_failure_and_half_a_second_is_analysed() -> None:
    page = upload(
        opened("palace"),
        ("mute.wav", encode(np.zeros(66_150, np.float32))),
        ("short.wav", tune(1, 0.5)),
    )
    assert not page.exception
    assert tracks(page) == ["Palace", "short.wav"]
    assert "1 track added, 1 failed" in page.warning[0].value
    assert "mute.wav" in page.warning[0].value
    assert "Lasts 0.5 s; no part of it sounds for a whole segment" in words(page)


def test_what_is_added_joins_what_is_there_and_nothing_twice() -> None:
    page = upload(opened(), ("a.wav", tune(1)))
    upload(page, ("b.wav", tune(2)), ("again.wav", tune(1)), ("a.wav", tune(3)))
    assert tracks(page) == ["a.wav", "b.wav", "a.wav (2)"]
    assert "Already in the list: again.wav" in words(page)


def test_a_folder_is_many_tracks_without_what_macos_adds() -> None:
    page = upload(
        opened(),
        ("album/a.wav", tune(1)),
        ("album/._a.wav", b"x"),
        ("album/cd 2/b.wav", tune(2)),
        kind="Folder",
    )
    assert not page.exception
    assert tracks(page) == ["a.wav", "b.wav"]
    assert "1 system file" in words(page)


def test_more_than_the_limit_is_left_out_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TRACKS", 2)
    page = upload(opened("palace"), *[(f"{i}.wav", tune(i)) for i in range(4)])
    assert tracks(page) == ["Palace", "0.wav", "1.wav"]
    assert "2 more left out: you can compare up to 2 of your own tracks" in words(page)


def test_a_bad_zip_is_a_failure_and_the_files_beside_it_are_analysed() -> None:
    page = upload(opened(), ("bad.zip", b"PK\x03\x04 and no more"), ("a.wav", tune(1)))
    assert tracks(page) == ["a.wav"]
    assert "bad.zip" in page.warning[0].value
    assert "damaged or incomplete" in page.warning[0].value


def test_no_audio_is_kept_after_the_analysis() -> None:
    page = upload(opened(), ("a.wav", tune(1)), ("b.zip", zipped({"b.wav": tune(2)})))
    assert page.file_uploader(key="compare-files-1").value == []
    kept = page.session_state["compared"]
    assert len(kept) == 2
    assert all(len(pickle.dumps(track)) < 10_000 for track in kept)


def test_what_is_removed_comes_back() -> None:
    page = upload(opened("palace"), ("a.wav", tune(1)))
    own = page.session_state["compared"][1].digest
    assert page.selectbox(key="compare_chosen").value == own  # the newest
    assert "Your own files are not kept" in words(page)
    press(page, "Remove")
    assert tracks(page) == ["Palace"]
    assert "a.wav was removed" in words(page).replace("\\", "")
    press(page, "Undo")
    assert tracks(page) == ["Palace", "a.wav"]
    press(page, "Clear all")
    assert tracks(page) == []
    assert "examples" not in page.query_params
    press(page, "Undo")
    assert tracks(page) == ["Palace", "a.wav"]
    assert page.query_params["examples"] in ("palace", ["palace"])
    assert not page.exception


def test_an_example_and_the_current_track_can_be_played() -> None:
    page = opened("palace", "hunting")
    assert [player["name"] for player in visit.players(page)] == ["Hunting"]  # the newest
    page.selectbox(key="compare_chosen").select_index(1).run()
    assert not page.exception
    (player,) = visit.players(page)
    assert (player["name"], bool(player["play"])) == ("Palace", True)
    page.run()
    assert not visit.players(page)[0]["play"]  # no second time


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()


def test_the_current_track_joins_without_being_analysed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = visit.opened("listen")
    uploader(page).set_value(("mine.wav", tune(5), "audio/wav")).run()
    page.switch_page("pages/compare/page.py").run()
    monkeypatch.setattr(
        "crnn.inference.decode_and_predict", lambda *_: pytest.fail("analysed again")
    )
    page.button(key="compare-open").click().run()
    assert not page.exception
    assert tracks(page) == ["mine.wav"]
    assert "compare-open" not in [button.key for button in page.button]
    probs = page.session_state["track"].analysis.predictions[0].to_dict()
    assert page.dataframe[0].value["Blues"].iloc[0] == pytest.approx(100 * probs["blues"])


def test_the_comparison_waits_while_its_visitor_is_elsewhere() -> None:
    page = upload(opened("palace"), ("a.wav", tune(1)))
    page.switch_page("pages/results/page.py").run()
    page.query_params.clear()
    page.switch_page("pages/compare/page.py").run()
    assert tracks(page) == ["Palace", "a.wav"]
    assert page.query_params["examples"] in ("palace", ["palace"])


def test_tracks_of_other_networks_are_hidden_until_those_are_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = upload(opened("palace"), ("a.wav", tune(1)))
    before = models.network

    def other(task: str) -> models.Network:
        return replace(before(task), source="somebody/else")

    with monkeypatch.context() as changed:
        changed.setattr(models, "network", other)
        page.run()
        assert not page.exception
        assert tracks(page) == ["Palace"]  # examples are analysed again
        assert "1 of your tracks was analysed with different models" in words(page)
    page.run()
    assert tracks(page) == ["Palace", "a.wav"]
    assert "analysed with different models" not in words(page)


def test_csv_has_all_tracks_and_the_broken_ones() -> None:
    page = upload(opened("palace"), ("a.wav", tune(1)), ("bad.mp3", b"la la la"))
    assert "Download CSV" in [button.proto.label for button in page.get("download_button")]
    kept = page.session_state["compared"]
    report = page.session_state["compare_report"]
    text = similarity.csv(kept, similarity.cosine(kept), list(report.failures.values()))
    assert [line.split(",")[0] for line in text.splitlines()] == [
        "file",
        "Palace",
        "a.wav",
        "bad.mp3",
    ]


def test_others_take_their_turn_between_two_tracks() -> None:
    """The line of visitors moves on after every track, not after every zip."""
    entered: list[int] = []
    turn = Queue.turn

    def counted(self: Queue, *arguments: Any) -> Any:
        entered.append(1)
        return turn(self, *arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Queue, "turn", counted)
        upload(opened(), ("a.zip", zipped({f"{i}.wav": tune(i) for i in range(3)})))
    assert len(entered) == 3
