"""The Results page, with the figures that ship with the project and with small made-up ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from crnn import results
from crnn.labels import display
from crnn.model import BUNDLED
from crnn.model.metadata import read
from tests.pages import visit
from tests.pages.visit import words


def opened(**parameters: str) -> AppTest:
    return visit.opened("results", **parameters)


def charts(page: AppTest) -> list[Any]:
    found = list(page.get("plotly_chart"))
    assert all(len(chart.proto.alt) > 15 for chart in found)
    return found


NOTES = {"section": "Research notes"}


def test_the_first_view_has_a_card_for_every_class_with_its_own_figures() -> None:
    for kind, name in (("Genres", "F"), ("Moods", "M")):
        page = opened(kind=kind)
        assert not page.exception
        result = results.protocols()[name]
        text = words(page)
        assert all(f"</span> {display(label)}" in text for label in result["labels"])
        for label in result["labels"]:
            found = results.class_accuracy(result, label)
            assert f"({found.tracks}): **{found.recall:.0%} recognised**" in text
        assert len(charts(page)) == 1 + len(result["labels"])
    right = results.protocols()["N"]["track_accuracy"]
    assert f"of three new songs get the right genre ({right:.1%})" in text


def test_figures_here_and_in_the_panel_of_models_agree_to_the_digit() -> None:
    page = opened(**NOTES)
    accuracy = dict(page.dataframe[0].value[["Data split", "Track accuracy (%)"]].to_numpy())
    panel = " ".join(element.value for element in page.markdown)
    for task, names in (("genre", "FPN"), ("mood", "M")):
        measured = read(BUNDLED / task).results
        for name in names:
            shown = accuracy[results.question(name, results.protocols()[name])].split(" ± ")
            assert f"{100 * measured[name]['track_accuracy']:.1f}" == shown[0]
            assert f"{shown[0]}%" in panel or not panel


def test_every_measured_protocol_has_its_row_under_a_plain_name() -> None:
    page = opened(**NOTES)
    assert not page.exception
    measured = results.protocols()
    titles = [results.question(name, result) for name, result in measured.items()]
    assert list(page.dataframe[0].value["Data split"]) == titles
    assert "Protocol" not in page.dataframe[0].value
    assert "Music Genre and Mood Classification" in words(page)
    charts(page)


@pytest.mark.parametrize("section", ["Confusion & calibration", "Mistakes"])
def test_a_protocol_of_the_address_has_its_confusion_matrix(section: str) -> None:
    page = opened(section=section, protocol="M-quadrants")
    assert not page.exception
    heatmap = json.loads(charts(page)[0].proto.spec)["data"][0]
    assert heatmap["x"] == [display(x) for x in results.protocols()["M-quadrants"]["labels"]]


def test_every_class_has_its_profile() -> None:
    page = opened(section="What genres look like", kind="Moods")
    assert page.pills(key="class-mood").options == list(
        results.load("portraits")["classes"]["mood"]
    )  # type: ignore[index]
    page.pills(key="class-mood").set_value("Sad").run()
    assert not page.exception
    assert len(charts(page)) == 3
    assert "**Sad**, 129 tracks" in words(page)


def test_before_anything_is_measured_the_command_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(results.measured, "FOLDER", tmp_path)
    page = opened()
    assert not page.exception
    assert "python -m training evaluate" in page.info[0].value


def row(name: str, right: float, paper: float | None = None) -> dict[str, Any]:
    given = None if paper is None else {"track_accuracy": paper}
    figures = {"mean": right, "sd": 0.01, "each": [right - 0.01, right + 0.01]}
    return {
        "name": name,
        "paper": given,
        "runs": [f"{name}-0", f"{name}-1"],
        "track_accuracy": figures,
    }


MADE_UP: dict[str, dict[str, Any]] = {
    "V": {
        "table": "V",
        "title": "Table V: segments",
        "context": "Made up.",
        "note": "It did not fall.",
        "rows": [row("1 s", 0.5, 0.89), row("3 s", 0.6, 0.92)],
    },
    "VII-trained": {
        "table": "VII-trained",
        "title": "Trained with each",
        "context": "",
        "note": "",
        "rows": [row("none", 0.5)],
    },
    "choices": {
        "table": "choices",
        "title": "Choices",
        "context": "Made up.",
        "note": "PELU gave nothing.",
        "rows": [
            {
                "name": "PELU",
                "paper": None,
                "runs": [],
                "validation_loss": {"mean": 1.5, "sd": None, "each": [1.5]},
            }
        ],
    },
    "mood-grid": {
        "table": "mood-grid",
        "title": "Grid",
        "context": "",
        "note": "",
        "rows": [row("HTK", 0.6, 0.74)],
    },
    "curves": {
        "table": "curves",
        "context": "Made up.",
        "runs": [
            {
                "name": f"{task}-0",
                "task": task,
                "label": "plain",
                "epoch": [1, 2],
                "train_loss": [2.0, 1.0],
                "val_loss": None,
                "val_track": [0.1, 0.4],
            }
            for task in ("genre", "mood")
        ],
    },
    "ablation": {
        "table": "ablation",
        "title": "Steps",
        "context": "Made up.",
        "note": "",
        "rows": [row("mixup", 0.6)],
    },
    "codecs": {
        "table": "codecs",
        "title": "Codecs",
        "context": "",
        "note": "",
        "rows": [
            {
                "name": "MP3",
                "paper": None,
                "total_variation": {"mean": 0.03, "sd": 0.01, "each": [0.03]},
            }
        ],
    },
    "optimism": {
        "table": "optimism",
        "title": "Optimism",
        "context": "",
        "note": "",
        "rows": [row("random", 0.8)],
    },
    "scale": {
        "table": "scale",
        "title": "Scale",
        "context": "",
        "rows": [{"name": "ours", "value": 12, "unit": "samples/s"}],
    },
    "doubt": {
        "table": "doubt",
        "title": "Out-of-distribution detection",
        "context": "Made up",
        "threshold": 0.5,
        "rows": [{"name": "speech", "share_doubted": 0.85, "tracks": 40}],
    },
    "something-new": {
        "table": "something-new",
        "title": "Something new",
        "rows": [{"name": "it", "odd": 3.0}],
    },
    "another": {"no": "rows"},
}
SECTIONS = {
    "Research notes": ["Optimism"],
    "Confusion & calibration": ["Out-of-distribution detection"],
    "Replication": [
        "Table V: segments",
        "Trained with each",
        "Choices",
        "Grid",
        "Training curves",
        "It did not fall.",
        "Best in both: 3 s",
        "Over 2 epochs",
    ],
    "More experiments": ["Steps", "Codecs", "Scale", "Something new", "Another"],
}


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name, table in MADE_UP.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(table))
    monkeypatch.setattr(results.measured, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.parametrize("section", SECTIONS)
def test_every_file_is_shown_somewhere(made_up: Path, section: str) -> None:
    page = opened(section=section)
    assert not page.exception
    assert all(expected in words(page) for expected in SECTIONS[section]), words(page)
    charts(page)


def test_what_is_not_there_leaves_no_gap(made_up: Path) -> None:
    for name in MADE_UP:
        if name != "doubt":
            (made_up / f"{name}.json").unlink()
    assert not opened().exception
    page = opened(**NOTES)
    assert not page.exception
    assert page.pills(key="notes").options == ["Confusion & calibration"]
    assert "Threshold: 0.5" in words(page)


def test_a_part_that_is_not_there_opens_the_first(made_up: Path) -> None:
    page = opened(section="What genres look like")
    assert not page.exception
    assert page.pills(key="notes").value == "Data splits"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Mistakes", "Confusion & calibration"),
        ("The paper", "Replication"),
        ("Beyond", "More experiments"),
        ("Portraits", "What genres look like"),
    ],
)
def test_sections_of_older_addresses_are_still_opened(old: str, new: str) -> None:
    page = opened(section=old, **{"class-genre": "hiphop"})
    assert not page.exception
    assert page.segmented_control(key="section").value == "Research notes"
    assert page.pills(key="notes").value == new
    charts(page)
    if old == "Portraits":
        assert page.pills(key="class-genre").value == "Hip-hop"
