"""Numbers and names as short text, the same on pages, in figures and at the command line."""

import unicodedata


def percent(probability: float) -> str:
    """A probability in [0, 1] as "45%"; "<1%" and ">99%" where rounding would give 0 or 100."""
    if 0 < probability < 0.01:
        return "<1%"
    if 0.99 < probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


def hertz(frequency: float) -> str:
    """A frequency as "440 Hz" or "1.9 kHz"."""
    return f"{frequency:.0f} Hz" if frequency < 1000 else f"{frequency / 1000:.1f} kHz"


def clock(seconds: float) -> str:
    """A position in a track, rounded down to the second: "0:08", "4:05", "1:02:03"."""
    minutes, second = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{second:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def duration(seconds: float) -> str:
    """A length of time with its unit: "12.3 s", "4:05 min", "3:00:00 h"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{clock(round(seconds))} {'min' if seconds < 3599.5 else 'h'}"


def printable(text: str) -> str:
    """The text with everything escaped that a terminal could take for a command ("\\x1b")."""
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else ascii(c)[1:-1] for c in text
    )


def ellipsis(text: str, length: int) -> str:
    """The text, or its first length - 1 characters and "…" where it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
