"""What others wrote (services, repositories, names of files), read so that it can do no harm."""

import json
import re
from typing import Any, NamedTuple

# What reading values of another form may raise, too large numbers and deep nesting included.
MALFORMED = (ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, AttributeError)

_ADDRESS = re.compile(
    r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::(\d{1,5}))?(/[^?#]*)?(?:[?#].*)?",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


class Address(NamedTuple):
    """A web address without its query."""

    scheme: str
    host: str
    port: int | None
    path: str


def split_address(text: str) -> Address:
    """Parse an http(s) address. Raises ValueError where its host has other characters than letters,
    digits, dots and hyphens: libraries disagree on which host those name."""
    if (match := _ADDRESS.fullmatch(text)) is None:
        raise ValueError("not a web address")
    scheme, host, port, path = match.groups()
    return Address(scheme.lower(), host.lower(), int(port) if port else None, path or "")


def json_object(content: bytes | str) -> dict[str, Any]:
    """A JSON object. Raises ValueError for anything else, however it is damaged or nested."""
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def at(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and indices inside a JSON value; None where there is none."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def text(value: Any, *path: str | int, limit: int = 400) -> str:
    """The text at a path as one printable line, cut to `limit`; empty where there is none."""
    found = at(value, *path)
    return one_line(found)[:limit] if isinstance(found, str) else ""


def number(value: Any, *path: str | int, least: float = 0.0) -> float | None:
    """The number at a path, in [least, 1e9]; None where there is none."""
    found = at(value, *path)
    # Comparing is exact for integers of any size, and false for NaN.
    return found if type(found) in (int, float) and least <= found <= 1e9 else None


def items(value: Any, *path: str | int) -> list[Any]:
    """The list at a path; empty where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def printable(text: str) -> str:
    """The text with blanks for control characters, lone surrogates and marks of direction."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def one_line(text: str) -> str:
    """As `printable`, on one line."""
    return " ".join(printable(text).split())
