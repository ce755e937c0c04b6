"""Text for visitors, kept in the YAML files of this folder, and source code to show beside it."""

import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml


@cache
def load(name: str) -> dict[str, Any]:
    """The content of one YAML file of this folder, by its stem."""
    file = Path(__file__).with_name(f"{name}.yaml")
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def fill(
    entry: Mapping[str, Any], values: Mapping[str, Any], choices: Mapping[str, Any]
) -> dict[str, str]:
    """The texts of an entry with their placeholders replaced.

    Args:
        entry: texts by field, with placeholders like `$hop`, and `options`: for some placeholders,
            texts to choose from, which may have placeholders themselves.
        values: what replaces a placeholder.
        choices: for each of the entry's options, the key of the text to take.

    Raises:
        KeyError: for a placeholder without value or an option without choice.
    """
    options = {name: texts[choices[name]] for name, texts in entry.get("options", {}).items()}
    return {
        field: Template(Template(text).safe_substitute(options)).substitute(values)
        for field, text in entry.items()
        if field != "options"
    }


def source(name: str) -> tuple[str, str]:
    """Place ("crnn/audio/mel.py, line 90") and source code of a function, by its full name."""
    function = inspect.unwrap(pkgutil.resolve_name(name))
    lines, number = inspect.getsourcelines(function)
    place = f"{function.__module__.replace('.', '/')}.py, line {number}"
    return place, inspect.cleandoc("\n" + "".join(lines))


def sources(names: str) -> str:
    """The source code of several functions, by their full names with spaces between."""
    return "\n\n".join(source(name)[1] for name in names.split())
