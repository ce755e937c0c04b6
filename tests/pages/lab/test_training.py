"""Train live through Streamlit's own tester; every run of the page is one slice of training."""

import io
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.lab.training import music, view
from pages.shared import cache
from pages.text import training as text
from tests.conftest import encode, melody
from tests.pages.visit import given, opened, plain, words


@pytest.fixture(autouse=True)
def _one_step_a_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(view, "_SLICE", 0.0)
    yield
    cache.clear()


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return page.run()


def step(page: AppTest) -> int:
    number: int = page.session_state["training"].comparison.step
    return number


def test_a_class_trains_stops_and_lets_the_next_one_train() -> None:
    page = opened("lab", view="Train live")
    assert "first half of each song" in words(page)
    assert "Guess first" in words(page)
    assert "Over 5 seeds" not in words(page)  # the answer comes afterwards
    press(page, "Train both networks")
    assert not page.exception
    first = step(page)
    assert step(page.run()) == first + 1
    assert first == 1
    assert "Step 1 of 600" in page.get("progress")[0].proto.text
    plain, augmented = given(page, "curves")
    assert plain.count("<polyline") == 2
    assert ", without augmentation" in plain
    assert ", with augmentation" in augmented
    other = press(opened("lab", view="Train live"), "Train both networks")
    assert "1 training is ahead" in words(other)
    assert other.session_state["training"].comparison is None
    press(page, "Stop")
    stopped = step(page)
    assert step(page.run()) == stopped
    assert "Over 5 seeds" in words(page)
    assert "stopped" in page.get("progress")[0].proto.text
    assert step(other.run()) == 1
    other.session_state["training"].comparison.steps = 2
    other.run()
    assert other.session_state["training"].comparison.done
    assert "Finished" in other.get("progress")[0].proto.text
    assert view.line().ahead(object()) == 0
    assert "Train again" in [button.label for button in other.button]


def test_the_rack_of_the_experiment_is_used_where_it_works_on_spectrograms() -> None:
    query = {"view": "Train live", "train_with": "As set in Experiment", "time": "false"}
    page = opened("lab", **query, freq="true", f="30", codec="true")
    assert "1 frequency mask up to 30 bands. The rack's other effects" in words(page)
    page = opened("lab", **query, noise="true", snr="-900")
    assert "white noise at a random ratio from −20 to 40 dB" in words(page)
    page = opened("lab", **query, codec="true")
    assert "Nothing that this training can use" in words(page)
    assert next(b for b in page.button if b.label == "Train both networks").disabled


Files = dict[str, bytes]


def tune(seed: int, seconds: float = 6.0) -> bytes:
    return encode(melody(seconds, seed=seed))


def folders(sizes: dict[str, int], root: str = "") -> Files:
    names = [f"{root}{name}/{k}.wav" for name, size in sizes.items() for k in range(size)]
    return {name: tune(seed) for seed, name in enumerate(names)}


def own(files: Files, zipped: bool = False, page: AppTest | None = None) -> AppTest:
    """Give folders, as the browser does (a name is a path), or a ZIP of them."""
    page = page or opened("lab", view="Train live", train_on="Own folders")
    folder, archive = page.file_uploader
    if zipped:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as made:
            for name, data in files.items():
                made.writestr(name, data)
        archive.set_value(("music.zip", out.getvalue(), "application/zip"))
    else:
        folder.set_value([(name, data, "audio/wav") for name, data in files.items()])
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "ZIP"])
def test_a_class_trains_on_its_own_folders(zipped: bool) -> None:
    files = folders({"*Rock*": 4, "<b>Jazz": 5}, "music/")
    files |= {"music/stray.wav": tune(90), "music/*Rock*/broken.mp3": b"no audio" * 99}
    files |= {"music/<b>Jazz/copy.wav": files["music/*Rock*/0.wav"]}
    files |= {"music/cover.jpg": b"x"} if zipped else {}  # the browser leaves it out of a folder
    files |= {"music/*Rock*/short.wav": tune(91, 2.0)}
    files |= {"music/*Rock*/silent.wav": encode(np.zeros(200_000, np.float32))}
    page = own(files, zipped)
    said = words(page)
    assert "Tracks in your folders: *Rock* 4, <b>Jazz 5" in plain(said)
    assert r"\*Rock\*" in said
    assert "which of your 2 folders" in said
    assert "2 whole tracks of each" in said
    assert "5 files are not used" in [box.label for box in page.expander]
    for name, reason in (
        ("stray.wav", "lies beside the folders"),
        ("broken.mp3", "not audio"),
        ("copy.wav", "same file as 0.wav"),
        ("short.wav", "2.0 s long; 5 s or more"),
        ("silent.wav", "silent"),
    ):
        assert any(name in line and reason in line for line in plain(said).splitlines())
    press(page, "Train both networks")
    assert not page.exception
    comparison = page.session_state["training"].comparison
    assert len({*comparison.training[1].tolist()}) == 2
    assert len(comparison.split.validation) == 4
    page.selectbox[0].select_index(3).run()
    assert not page.exception
    answers = [line for line in words(page).splitlines() if line.startswith((":material", "then"))]
    assert len(answers) >= 3
    press(page, "Stop")
    said = words(page)
    assert "validation has 4 tracks" in said
    assert "about 25 points" in said
    assert "Over 5 seeds" not in said  # that is about the examples
    page.segmented_control(key="train_on").set_value("Examples").run()
    assert "which of the ten examples" in words(page)
    assert "training" not in page.session_state
    page.segmented_control(key="train_on").set_value("Own folders").run()
    assert "Tracks in your folders" in words(page)
    press(page, "Other folders")
    assert len(page.file_uploader) == 2
    assert "own_music" not in page.session_state


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"rock": 4}, "There is 1 folder with audio"),
        (dict.fromkeys("abcdefg", 1), "There are 7 folders with audio"),
        ({"rock": 4, "jazz": 3}, "“jazz” has 3. Add tracks"),
    ],
)
def test_folders_that_can_not_be_learned_from_get_a_sentence(
    sizes: dict[str, int], sentence: str
) -> None:
    files = {f"{name}/{k}.wav": b"" for name, size in sizes.items() for k in range(size)}
    page = own(files if len(sizes) > 1 else files | {"a.wav": b""})
    assert sentence in plain(words(page))
    assert next(b for b in page.button if b.label == "Train both networks").disabled
    page = own(folders({"rock": 4, "jazz": 4}), page=page)
    assert sentence not in plain(words(page))
    assert "Tracks in your folders" in words(page)


def test_a_damaged_zip_and_too_many_tracks_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    page = opened("lab", view="Train live", train_on="Own folders")
    page.file_uploader[1].set_value(("music.zip", b"PK\x03\x04" * 9, "application/zip")).run()
    assert "music.zip – This ZIP is damaged" in plain(words(page))
    monkeypatch.setattr(music.archive, "MAX_TRACKS", 8)
    page = own(folders({"rock": 4, "jazz": 6}), page=page)
    assert "5.wav – Left out: up to 8 tracks are used, here 4 of each folder." in plain(words(page))
    assert "jazz 4, rock 4" in plain(words(page))


def test_a_refusal_says_what_is_needed() -> None:
    assert text.refusal({"rock": 4, "jazz": 30}) == ""
    assert "There are no folders with audio" in text.refusal({})
