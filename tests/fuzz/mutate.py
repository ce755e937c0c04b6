"""Damage to bytes and to JSON."""

import json
from random import Random
from typing import Any

_EXTREMES = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\1\0\0\0", b"\x80\0\0\0")
# Stands for lists nested deeper than Python's recursion goes.
_DEEP = "nested 100,000 deep"
VALUES = (
    None,
    True,
    False,
    "",
    "x",
    "\ud800",
    "\x1b[31m",
    "\u202e",
    "![x](https://example.org/x.png)",
    "=1+1",
    "doubt",
    "segments",
    "https://evil.example\n.dzcdn.net/",
    0,
    -1,
    1,
    1e-320,
    5e-324,
    1e308,
    -1e308,
    float("nan"),
    float("inf"),
    10**30,
    10**400,
    [],
    {},
    [[]],
    [None],
    {"": None},
    "9" * 5_000,
    _DEEP,
)


def mutated(data: bytes, random: Random) -> bytes:
    """One to four of: bytes set, a field set to an extreme, a range cut, doubled, moved, filled."""
    out = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if not out:
            break
        # Headers decide most, and stand at the beginning or at the end.
        edge = random.random()
        start = random.randrange(len(out))
        if edge < 0.4:
            start = min(start, random.randrange(200))
        elif edge < 0.5:
            start = max(0, len(out) - 1 - random.randrange(200))
        size = random.choice((1, 2, 4, 8, 100, 1_000, 10_000))
        match random.randrange(7):
            case 0:
                out[start : start + size] = random.randbytes(size)
            case 1:
                extreme = random.choice(_EXTREMES)
                out[start : start + len(extreme)] = extreme
            case 2:
                del out[start : start + size]
            case 3:
                out[start:start] = out[start : start + size] * random.choice((1, 1, 50))
            case 4:
                out[start : start + size] = bytes(size)
            case 5:
                del out[start:]
            case 6:
                out[start] ^= 1 << random.randrange(8)
    return bytes(out)


def mutated_json(value: Any, random: Random) -> str:
    """JSON in which one to three values, at any depth, are others; sometimes no JSON any more."""
    for _ in range(random.randint(1, 3)):
        value = _replaced(value, random)
    text = json.dumps(value).replace(json.dumps(_DEEP), "[" * 100_000 + "]" * 100_000)
    return text if random.random() < 0.9 else text[: random.randrange(len(text) + 1)]


def _replaced(value: Any, random: Random) -> Any:
    if not value or not isinstance(value, (dict, list)) or random.random() < 0.1:
        return random.choice(VALUES)
    copy = value.copy()
    key = random.choice(list(copy)) if isinstance(copy, dict) else random.randrange(len(copy))
    if random.random() < 0.1:
        del copy[key]
    else:
        copy[key] = _replaced(copy[key], random)
    return copy
