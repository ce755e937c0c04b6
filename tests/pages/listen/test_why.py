"""Attribution and the SVM on Listen: nothing until they are opened, then for any track."""

import json
import re
import threading

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from crnn.labels import MOODS, display
from pages.shared.queue import process_queue
from tests.conftest import encode, melody
from tests.pages.listen.test_listen import GENRE_NAMES, page, shown, upload  # noqa: F401 - the fixture
from tests.pages.visit import choose, players

CLOSED = 0  # figures of the page before those of the open tab


def opened(page: AppTest, tab: str) -> AppTest:  # noqa: F811
    page.session_state["details"] = tab
    page.run()
    assert not page.exception
    return page


def titles(page: AppTest) -> list[str]:  # noqa: F811
    specs = [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")[CLOSED:]]
    return [spec["layout"]["title"]["text"] for spec in specs]


def test_listen_computes_neither_before_it_is_asked_for(
    page: AppTest,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("computed unasked")

    monkeypatch.setattr("crnn.explain.attribution.occlusion", refuse)
    monkeypatch.setattr("crnn.baseline.features.extract", refuse)
    choose(page, "hunting")
    assert not page.exception
    assert len(page.get("plotly_chart")) == CLOSED + 2  # the bars


def test_why_shows_both_maps_and_their_tests(page: AppTest) -> None:  # noqa: F811
    choose(page, "metal-madness")
    opened(page, "Why")
    assert titles(page) == ["Occlusion: evidence for Metal", "Grad-CAM: evidence for Metal"]
    for chart in page.get("plotly_chart")[CLOSED:]:
        before = re.search(r"Muting the highlighted 20% takes Metal from (\d+)%", chart.proto.alt)
        assert before is not None
        assert page.header[0].value.endswith(f"Metal {before[1]}%")  # the verdict
        assert "Hz" in chart.proto.alt
    assert "muting as much elsewhere leaves" in shown(page)


def test_another_class_uses_what_was_silenced_before(
    page: AppTest,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(page, "metal-madness")
    opened(page, "Why")
    monkeypatch.setattr(
        "crnn.explain.attribution.occlusion", lambda *_, **__: pytest.fail("computed again")
    )
    choice = next(p for p in page.get("button_group") if p.key.startswith("why-genre-"))
    choice.set_value("rock").run()
    assert not page.exception
    assert titles(page) == ["Occlusion: evidence for Rock", "Grad-CAM: evidence for Rock"]


def test_highlighted_parts_and_the_rest_can_be_played(page: AppTest) -> None:  # noqa: F811
    upload(page, "song.wav", encode(melody(4)))
    opened(page, "Why")
    page.toggle(key="play-Grad-CAM").set_value(True).run()
    assert not page.exception
    titles = [sound["title"] for sound in players(page)[-1]["sounds"]]
    assert titles == ["Highlighted parts", "The rest"]


@pytest.mark.parametrize("seconds", [0.1, 0.5, 31.5])
def test_any_length_is_explained_and_measured(page: AppTest, seconds: float) -> None:  # noqa: F811
    upload(page, "song.wav", encode(melody(seconds)))
    opened(page, "Why")
    assert len(titles(page)) == 2
    opened(page, "Classic approach (SVM)")
    assert len(titles(page)) == 5
    assert (
        set(str(page.get("plotly_chart")[CLOSED].proto.alt).replace(":", " ").split())
        >= GENRE_NAMES
    )


def test_others_have_their_turns_while_librosa_is_compiled(
    page: AppTest,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = []

    def visit() -> None:
        with process_queue().turn():
            passed.append(True)

    def compile_slowly() -> None:
        other = threading.Thread(target=visit)
        other.start()
        other.join(10)
        assert passed

    monkeypatch.setattr("crnn.baseline.features.prepare", compile_slowly)
    choose(page, "hunting")
    opened(page, "Classic approach (SVM)")
    assert passed


def test_a_long_track_is_explained_through_a_window(page: AppTest) -> None:  # noqa: F811
    quiet, loud = 1e-3 * melody(40.0), melody(35.0, seed=2)
    upload(page, "long.wav", encode(np.concatenate([quiet, loud])))
    opened(page, "Why")
    slider = next(s for s in page.slider if s.key.startswith("why-start-"))
    assert slider.max == 45
    slider.set_value(10.0).run()
    assert not page.exception
    times = json.loads(page.get("plotly_chart")[CLOSED].proto.spec)["data"][0]["x"]
    assert times
    begins = [int(m) for m in re.findall(r"densest from (\d+) to", shown(page))]
    assert len(begins) == 2
    assert all(10 <= begin <= 37 for begin in begins)


def test_mood_is_explained_too(page: AppTest) -> None:  # noqa: F811
    upload(page, "song.wav", encode(melody(4)))
    opened(page, "Why")
    next(p for p in page.get("button_group") if p.key.startswith("why-task-")).set_value(
        "mood"
    ).run()
    assert not page.exception
    assert any(display(mood) in titles(page)[0] for mood in MOODS)


def test_the_svm_answers_beside_the_network(page: AppTest) -> None:  # noqa: F811
    choose(page, "metal-madness")
    opened(page, "Classic approach (SVM)")
    assert titles(page) == [
        "Neural network vs SVM",
        "Spectral centroid",
        "Rolloff",
        "Zero crossings",
        "Timbre: MFCC 1 to 20",
    ]
    text = shown(page)
    assert "Both predict Metal" in text or "They disagree" in text
    assert "SVM. Top-1 accuracy" in text
    assert all(chart.proto.alt for chart in page.get("plotly_chart"))
