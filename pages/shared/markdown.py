"""Text of strangers (file names, model cards, services) inside Markdown."""

_MARKUP = r"\`*_{}[]()#+!|~$:<>"


def escape(text: str, limit: int | None = None) -> str:
    """The text on one line, with nothing in it that Markdown would read.

    Args:
        text: Any text.
        limit: Characters kept; a longer text loses its middle.
    """
    line = " ".join(text.split())
    if limit is not None and len(line) > limit:
        line = f"{line[: limit - 16]}…{line[-15:]}"
    escaped = "".join(f"\\{c}" if c in _MARKUP else c for c in line)
    return f"\\{escaped}" if escaped.startswith("-") else escaped  # no list
