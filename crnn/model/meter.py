"""How far a download of several files is, told to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from crnn.errors import CheckpointError

Progress = Callable[[float], None]


class Meter:
    """Bytes of several files, reported as one share."""

    def __init__(self, total: int, progress: Progress | None = None) -> None:
        self._total, self._progress, self._before = max(1, total), progress, 0

    def finished(self, file: Path) -> None:
        """A file has come, or was there already."""
        self._before += file.stat().st_size
        self._report(0)

    def _report(self, of_this_file: int) -> None:
        if self._progress is not None:
            self._progress(min(1.0, (self._before + of_this_file) / self._total))

    def bar(self, what: str, limit: int) -> Any:
        """The class that huggingface_hub makes in place of tqdm; it also stops a file of more than limit bytes."""
        report = self._report

        class Bar:
            def __init__(
                self, *_: object, total: int | None = None, initial: int = 0, **__: object
            ) -> None:
                self.n, self.total = initial, total

            def update(self, n: int = 1) -> None:
                self.n += n
                if self.n > limit:
                    raise CheckpointError(f"{what} is longer than the Hub said, and was dropped.")
                report(self.n)

            def __enter__(self) -> Bar:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def close(self, *_: object, **__: object) -> None:
                pass

            refresh = set_postfix_str = update_transfer = set_transfer_postfix_str = close

        return Bar
