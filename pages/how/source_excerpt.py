"""Code as it stands in this library, to be read beside what it does: whole functions or some lines of them, never a copy."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Excerpt:
    """The source of a function, or of it the lines from the one that begins with `first` to the one that begins with `last`.

    Raises ValueError, when it is read, where the function has no such line: an excerpt does not outlive its code unnoticed.
    """

    function: Callable[..., Any]
    first: str = ""
    last: str = ""

    @property
    def text(self) -> str:
        """The lines, moved to the left margin."""
        return textwrap.dedent("".join(self._lines()[0]))

    @property
    def place(self) -> str:
        """File and line: "crnn/model/network.py, line 120"."""
        file = (
            Path(inspect.getsourcefile(inspect.unwrap(self.function)) or "")
            .resolve()
            .relative_to(_ROOT)
            .as_posix()
        )
        return f"{file}, line {self._lines()[1]}"

    def _lines(self) -> tuple[list[str], int]:
        """The lines and the number of the first of them."""
        lines, number = inspect.getsourcelines(inspect.unwrap(self.function))
        start = self._find(lines, self.first, 0) if self.first else 0
        end = self._find(lines, self.last, start) + 1 if self.last else len(lines)
        return lines[start:end], number + start

    def _find(self, lines: list[str], beginning: str, after: int) -> int:
        for number, line in enumerate(lines[after:], start=after):
            if line.lstrip().startswith(beginning):
                return number
        raise ValueError(f"no line of {self.function.__qualname__} begins with {beginning!r}")
