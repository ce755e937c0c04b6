"""Numbers as people read them."""

import pytest

from crnn.format import clock, duration, ellipsis, hertz, percent, printable


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0, "0%"),
        (0.004, "<1%"),
        (0.01, "1%"),
        (0.456, "46%"),
        (0.99, "99%"),
        (0.9999, ">99%"),
        (1, "100%"),
    ],
)
def test_percent(probability: float, text: str) -> None:
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("frequency", "text"), [(64.6, "65 Hz"), (1000, "1.0 kHz"), (1940, "1.9 kHz")]
)
def test_hertz(frequency: float, text: str) -> None:
    assert hertz(frequency) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (8.9, "0:08"), (60, "1:00"), (3599.9, "59:59"), (10_805, "3:00:05")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0.2 s"),
        (59.94, "59.9 s"),
        (245, "4:05 min"),
        (3599.6, "1:00:00 h"),
        (10_800, "3:00:00 h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_ellipsis() -> None:
    assert ellipsis("abcdef", 6) == "abcdef"
    assert ellipsis("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize("text", ["plain", "Ärger – 音楽", "a\u3000b", "🎵"])
def test_what_can_be_printed_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "a\nb", "\x9b2J", "\x7f", "\u202egnp.mp3", "\udce9", "\u2028"]
)
def test_what_a_terminal_would_obey_is_escaped(text: str) -> None:
    printed = printable(text)
    assert printed.isprintable()
    assert printed.encode().decode("unicode_escape") == text
