"""The model panel: what is in use, other networks tried and left, every failure as a sentence."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from crnn.errors import AudioError
from crnn.model.checkpoint import Checkpoint
from tests.conftest import encode, melody
from tests.fakes.hub import TOKEN, FakeHub, Files
from tests.pages.shared.conftest import (
    REPO,
    ROOT,
    TROUBLE,
    attempt,
    genres,
    in_trouble,
    packed,
    panel,
    start,
)
from tests.pages.visit import choose, uploader


def test_what_is_in_use_is_shown_before_anything_is_loaded(hub: FakeHub) -> None:
    page = start()
    assert not page.exception
    text = panel(page)
    for task in ("genre", "mood"):
        checkpoint = Checkpoint.load(task)
        assert f"Version: weights {checkpoint.digest}" in text
        assert f"training code {checkpoint.revision[:12]}" in text
        for measured in checkpoint.results.values():
            assert f": {100 * measured['track_accuracy']:.1f}%" in text
        assert f"{task.capitalize()} of a music track, by a convolutional recurrent network" in text
    assert "license: mit" not in text
    assert not page.warning
    assert hub.asked == []


def test_another_repository_is_used_at_once_and_left_again(hub: FakeHub, other: Files) -> None:
    commit = hub.add(REPO, other).refs["main"]
    page = start()
    choose(page, "hunting")
    before = genres(page)
    attempt(page, REPO)
    assert not page.exception
    assert not page.error
    assert genres(page) == {"Fado", "Polka", "Rock"}
    text = panel(page)
    assert REPO in text
    assert commit[:12] in text
    assert "GTZAN tracks by unseen artists: 42.1% (± 2.0)" in text
    assert r"Protocol F\: A \*test\*; mean of 2 seeds" in text
    assert "(GTZAN)" not in "\n".join(c.value for c in page.caption)
    page.button(key="default-genre").click().run()
    assert genres(page) == before
    assert page.text_input(key="other_network").value == ""


def test_a_card_loads_no_pictures(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    page = attempt(start(), REPO)
    assert "[tracker](https://pictures.example/x.png)" in panel(page)
    assert "![" not in panel(page)


def test_an_upload_is_analysed_again_and_the_lab_follows(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    page = start()
    uploader(page).set_value(("mine.wav", encode(melody(12)), "audio/wav")).run()
    attempt(page, f"https://huggingface.co/{REPO}")
    assert not page.exception
    assert genres(page) == {"Fado", "Polka", "Rock"}
    assert "mine.wav" in [element.value for element in page.title]
    page.switch_page("pages/lab/page.py").run()
    assert not page.exception
    assert not page.error
    outcome = next(m.value for m in page.markdown if m.value.startswith("**Genre** "))
    assert any(label in outcome for label in ("Fado", "Polka", "Rock"))


def test_the_choice_of_one_visitor_is_not_that_of_another(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    mine, theirs = start(), start()
    attempt(mine, REPO)
    for page in (mine, theirs, mine):
        choose(page, "palace")
        assert not page.exception
    assert genres(mine) == {"Fado", "Polka", "Rock"}
    assert len(genres(theirs)) == 10
    assert REPO not in panel(theirs)


def test_a_newer_commit_does_not_change_what_is_looked_at(hub: FakeHub, other: Files) -> None:
    repository = hub.add(REPO, other)
    first = repository.refs["main"]
    page = attempt(start(), REPO)
    repository.commit({"config.json": b"{}"})
    choose(page, "palace")
    assert first[:12] in panel(page)
    assert genres(page) == {"Fado", "Polka", "Rock"}


@pytest.mark.parametrize("kind", TROUBLE)
def test_each_failure_is_a_sentence_and_the_page_goes_on(
    hub: FakeHub, other: Files, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)  # what the deployer may read is not for visitors
    in_trouble(hub, other, kind)
    page = attempt(start(), REPO)
    assert not page.exception
    assert TROUBLE[kind] in page.error[0].value.replace("\\", "")
    assert TOKEN not in str(page.error[0].value)
    choose(page, "mountain")
    assert len(genres(page)) == 10
    assert len(page.error) == 1  # it stays, for whoever looked elsewhere


@pytest.mark.parametrize(
    "text", ["nonsense", "assets/checkpoints", "../shared/x", "user/repo@../..", "<b>x</b>/`y`"]
)
def test_what_is_entered_is_never_a_folder(hub: FakeHub, text: str) -> None:
    page = attempt(start(), text)
    assert not page.exception
    error = page.error[0].value
    assert (
        "is not the name of a model repository" in error
        or "no such repository" in error
        or "names no revision" in error
    )
    assert "<b>" not in error.replace(r"\<", "")


def test_after_a_failure_the_same_name_can_be_tried_again(hub: FakeHub, other: Files) -> None:
    hub.add(REPO, other)
    hub.down()
    page = attempt(start(), REPO)
    assert page.error
    hub.up()
    page.button(key="network-again").click().run()
    assert not page.error
    assert REPO in panel(page)


def test_a_track_that_another_network_cannot_analyse_brings_the_default_back(
    hub: FakeHub, tiny: Checkpoint, tmp_path: Path
) -> None:
    """A front end with a long hop may see only silence between its frames."""
    hub.add(REPO, packed(replace(tiny, task="genre"), tmp_path / "tiny"))
    page = start()
    uploader(page).set_value(("mine.wav", encode(melody(4)), "audio/wav")).run()
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object) -> None:
            raise AudioError("The audio is silent.")

        patch.setattr("crnn.inference.decode_and_predict", fail)
        attempt(page, REPO)
    assert not page.exception
    assert "cannot analyse the track: The audio is silent." in page.error[0].value.replace("\\", "")
    page.run()
    assert REPO not in panel(page).replace(page.error[0].value, "")
    assert len(genres(page)) == 10  # as before


def test_the_way_back_is_there_whatever_a_page_does_with_a_network(
    hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, other)
    page = start()
    choose(page, "palace")
    with monkeypatch.context() as patch:
        patch.setattr("pages.text.predictions.headline", lambda _: 1 / 0)
        attempt(page, REPO)
        assert page.exception
        page.button(key="default-genre")
        patch.setattr("crnn.inference.decode_and_predict", lambda *_: 1 / 0)
        choose(page, "hunting")
        assert page.exception
        page.button(key="default-genre").click().run()
    page.run()
    assert not page.exception
    assert REPO not in panel(page)
    assert len(genres(page)) == 10


def test_the_first_page_imports_no_torch_and_an_opened_example_no_pandas() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; import pages.shared.session as s; "
        "s.warm_up = lambda: None;"
        "page = AppTest.from_file('app.py', default_timeout=30).run();"
        "assert not page.exception, page.exception;"
        "assert any('weights' in c.value for c in page.caption);"
        "heavy = {'torch', 'huggingface_hub.hf_api', 'httpx2', 'safetensors'} & set(sys.modules);"
        "page.query_params['example'] = 'palace';"
        "assert not page.run().exception, page.exception;"
        "assert len(page.get('plotly_chart')) > 1;"
        "heavy |= {'pandas'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]
