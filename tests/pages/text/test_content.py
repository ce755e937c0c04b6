"""Texts from files: placeholders are filled or raise; code that is shown is the code that runs."""

from pathlib import Path

import pytest

from pages.text import content

ROOT = Path(__file__).parents[3]
FUNCTIONS = sorted(
    {
        name
        for file in ("stages", "lessons")
        for entry in content.load(file).values()
        for name in entry["code"].split()
        if not name.startswith("$")
    }
    | {"crnn.model.network.PELU.forward", "crnn.audio.decode.normalise"}
)


def test_options_are_chosen_before_values_are_filled_in() -> None:
    entry = {
        "idea": r"\frac{$a}{2} $kind",
        "options": {"kind": {"one": "only $a", "two": "two"}},
    }
    assert content.fill(entry, {"a": 1}, {"kind": "one"}) == {"idea": r"\frac{1}{2} only 1"}
    assert content.fill(entry, {"a": 1}, {"kind": "two"}) == {"idea": r"\frac{1}{2} two"}


def test_what_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        content.fill({"idea": "$a"}, {}, {})
    with pytest.raises(KeyError):
        content.fill({"idea": "$a", "options": {"a": {"x": ""}}}, {}, {"a": "y"})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_code_shown_is_public_and_is_the_code_that_runs(name: str) -> None:
    assert not any(part.startswith("_") and part != "__init__" for part in name.split("."))
    place, code = content.source(name)
    file, line = place.split(", line ")
    original = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1 :]
    shown = code.splitlines()
    assert [text.strip() for text in shown] == [text.strip() for text in original[: len(shown)]]
    compile(code, name, "exec")
