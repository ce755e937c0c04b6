"""Text of strangers (file names, model cards, services) inside Markdown."""

import re
from urllib.parse import quote

from crnn.untrusted import one_line

_MARKUP = r"\`*_{}[]()#+!|~$:<>&"

# What Streamlit looks for when backslashes are gone: web addresses, e-mail addresses, emoji and
# icons (":material/home:"), arrows. A word joiner, which is not seen, interrupts them.
_CODE = re.compile(
    r"(www(?=\.)|https?:(?=//)|@(?=[-\w])|:(?=[^\s:]+:)|(?<!\S)[<>~-]+(?=[->=](?!\S)))",
    re.IGNORECASE,
)
_WORD_JOINER = "\u2060"


def escape(text: str, limit: int | None = None) -> str:
    """The text on one line, with nothing in it that Markdown would read.

    Args:
        text: Any text.
        limit: Characters kept; a longer text loses its middle.
    """
    line = one_line(text)
    if limit is not None and len(line) > limit:
        line = f"{line[: limit - 16]}…{line[-15:]}"
    line = _CODE.sub(rf"\1{_WORD_JOINER}", line)
    escaped = "".join(f"\\{c}" if c in _MARKUP else c for c in line)
    return re.sub(r"^(\d+)(?=\.(?!\S))|^(?=[-=])", r"\1\\", escaped)  # no list, line or heading


def hyperlink(text: str, address: str, limit: int = 60) -> str:
    """A link with any text to any address."""
    return f"[{escape(text, limit)}]({quote(address, safe='/:?#@!$&*+,;=~%')})"


def without_pictures(card: str) -> str:
    """Markdown with its images as links and its diagrams as code: a browser that fetched the
    pictures in either would tell their server who reads this."""
    lines = (re.sub(r"(`{3,})[^`]*$|(~{3,}).*$", r"\1\2", line) for line in card.splitlines())
    return re.sub(r"!+\[", "[", "\n".join(lines))
