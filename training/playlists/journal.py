"""What was done so far, a JSON object a line, so that a second start fetches only what is missing."""

import json
from pathlib import Path
from typing import Any

from training.playlists.playlist import Entry


class Journal:
    """journal.jsonl of an output folder. The last line of a kind and name counts; a line that a crash cut short is passed over."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lists: dict[str, list[Entry]] = {}  # by playlist
        self.previews: dict[tuple[str, str], dict[str, Any]] = {}  # by mood and song
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        for line in text.splitlines():
            self._take(line)
        if text and not text.endswith("\n"):
            with file.open("a", encoding="utf-8") as out:
                out.write("\n")

    def _take(self, line: str) -> None:
        try:
            record = json.loads(line)
            if record["kind"] == "playlist":
                self.lists[record["playlist"]] = [
                    Entry.from_dict(entry) for entry in record["entries"]
                ]
            elif record["kind"] == "preview":
                self.previews[record["mood"], record["song"]] = record
        except (ValueError, KeyError, TypeError):
            return

    def read(self, playlist: str, entries: list[Entry]) -> None:
        """A playlist was read to its end."""
        self._add(
            {
                "kind": "playlist",
                "playlist": playlist,
                "entries": [entry.to_dict() for entry in entries],
            }
        )

    def found(self, mood: str, song: str, **facts: Any) -> None:
        """A preview is on the disk. facts: service, file, heard (its seconds), page (the recording's, at that service)."""
        self._add({"kind": "preview", "mood": mood, "song": song, "outcome": "found"} | facts)

    def missed(self, mood: str, song: str, reason: str, words: str) -> None:
        """There is no preview, as far as its services can tell."""
        self._add(
            {
                "kind": "preview",
                "mood": mood,
                "song": song,
                "outcome": "none",
                "reason": reason,
                "words": words,
            }
        )

    def _add(self, record: dict[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False)
        with self.file.open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        self._take(line)
