"""The Results page, with the figures that ship with the project."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from crnn import results

ROOT = Path(__file__).parents[2]


def opened() -> AppTest:
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    page.switch_page("pages/results.py")
    return page.run()


def test_every_measured_protocol_has_its_row_and_its_confusion() -> None:
    page = opened()
    assert not page.exception
    assert list(page.dataframe[0].value["Protocol"]) == [name for name in results.PROTOCOLS if results.load(name)]
    for name in page.dataframe[0].value["Protocol"]:
        page.segmented_control(key="protocol").set_value(name).run()
        assert not page.exception
        confusion = json.loads(page.get("plotly_chart")[1].proto.spec)["data"][0]
        assert confusion["x"] == results.load(name)["labels"]  # type: ignore[index]
        assert all(chart.proto.alt for chart in page.get("plotly_chart"))


def test_before_anything_is_measured_the_command_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "load", lambda name, folder=tmp_path: None)
    page = opened()
    assert not page.exception
    assert "python -m training evaluate" in page.info[0].value
