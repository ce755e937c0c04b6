"""Many files at once: each heard in its turn, broken ones named with their reason, nothing kept of their sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from crnn.errors import AudioError, CrnnError
from crnn.sources import archive
from pages.compare import state
from pages.shared import models, session

if TYPE_CHECKING:
    from streamlit.typing import UploadedFile

# Broken files that are named on the page; the CSV has all.
_NAMED = 12

Key = tuple[str, int]  # the upload, and the place in it


@dataclass
class Report:
    """What became of one batch. It outlives a run that a click interrupted, so that the next goes on where that stopped."""

    batch: str
    handled: set[Key] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    added: int = 0
    again: list[str] = field(default_factory=list)
    failures: dict[Key, tuple[str, str]] = field(default_factory=dict)
    skipped: Counter[archive.SkipReason] = field(default_factory=Counter)
    too_many: int = 0
    stopped: str = ""


@dataclass(frozen=True)
class _Entry:
    key: Key
    name: str
    read: Callable[[], bytes]
    file: UploadedFile
    last: bool  # of its upload


def report() -> Report | None:
    """Of the last batch, until it is dismissed."""
    return st.session_state.get("compare_report")


def failures() -> list[tuple[str, str]]:
    """Name and reason of each file that could not be heard."""
    found = report()
    return list(found.failures.values()) if found else []


def uploader_key(kind: str) -> str:
    """A new key after each batch, which empties the field: what was heard is in the list, and its sound is gone."""
    return f"compare-{kind}-{st.session_state.get('compare_batch', 0)}"


def take(widget: str, files: list[UploadedFile]) -> None:
    """Hear all that was given, with a bar and a way to stop; then begin the page anew with an empty field."""
    from crnn.inference.similarity import display_name

    done = report()
    if done is None or done.batch != widget:
        done = st.session_state.compare_report = Report(widget)
    todo = _entries(files, done)
    total = len(done.handled) + len(todo)
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Opening …")
        st.button(
            "Stop here",
            key="compare-stop",
            icon=":material/stop:",
            on_click=_stop,
            args=(widget, total),
        )
    for entry in todo:
        name = display_name(entry.name)
        if state.own() >= archive.MAX_TRACKS:
            done.too_many += 1
        else:
            _hear(entry, name, bar, len(done.handled), total, done)
        done.handled.add(entry.key)
        if entry.last:
            _forget(entry.file)
    _finish(widget)
    st.rerun()


def _hear(entry: _Entry, name: str, bar: Any, number: int, total: int, done: Report) -> None:
    from crnn.inference import similarity

    said = f"{number + 1} of {total}: {session.plain(name)}"

    def progress(share: float) -> None:
        bar.progress(min(1.0, (number + share) / total), text=said)

    def waiting(before: int) -> None:
        bar.progress(
            number / total,
            text=f"{said} – {before} {'track is' if before == 1 else 'tracks are'} before it",
        )

    progress(0.0)
    try:
        with session.turns().turn(waiting):
            data = entry.read()
            if state.has(similarity.digest(data)):
                done.again.append(name)
                return
            track = similarity.summarise_file(
                name, data, session.classifiers(), progress, networks=models.key()
            )
    except CrnnError as error:
        done.failures[entry.key] = (name, str(error))
        return
    state.add(track)
    done.added += 1


def _entries(files: list[UploadedFile], done: Report) -> list[_Entry]:
    """Everything that may be a track and was not handled yet; zips are opened, their tracks not yet unpacked."""
    found: list[_Entry] = []
    for file in files:
        id = file.file_id
        first = id not in done.opened
        done.opened.add(id)
        head = file.read(4)
        file.seek(0)
        if archive.is_zip(head):
            try:
                opened = archive.Archive(file)
            except AudioError as error:
                done.failures[id, -1] = (file.name, str(error))
                continue
            if first:
                done.skipped += opened.skipped
            last = len(opened.members) - 1
            found += [
                _Entry((id, i), member.filename, partial(opened.read, member), file, i == last)
                for i, member in enumerate(opened.members)
            ]
        elif archive.skip_reason(file.name) == archive.MACOS_METADATA:
            done.skipped[archive.MACOS_METADATA] += first
        else:
            found.append(_Entry((id, 0), file.name, file.getvalue, file, True))
    return [entry for entry in found if entry.key not in done.handled]


def _forget(file: UploadedFile) -> None:
    """Give an upload's memory back; Streamlit would hold it until the session ends."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.close()


def _finish(widget: str) -> None:
    for file in st.session_state.get(widget) or []:
        if hasattr(file, "close"):
            _forget(file)
    st.session_state.compare_batch = st.session_state.get("compare_batch", 0) + 1


def _stop(widget: str, total: int) -> None:
    done = report()
    if done is not None:
        done.stopped = f"Stopped after {len(done.handled)} of {total}; those are below."
    _finish(widget)


def tell() -> None:
    """What the last batch came to, until dismissed."""
    done = report()
    if done is None:
        return
    broken = list(done.failures.values())
    said = [done.stopped, archive.describe_skipped(done.skipped)]
    if done.again:
        named = ", ".join(session.plain(name) for name in done.again[:_NAMED])
        more = f" and {len(done.again) - _NAMED} more" if len(done.again) > _NAMED else ""
        said.append(f"Compared already: {named}{more}.")
    if done.too_many:
        said.append(
            f"{done.too_many} more were left out: up to {archive.MAX_TRACKS} tracks of your own are compared at once."
        )
    notes = " ".join(sentence for sentence in said if sentence)
    if not broken and not notes:
        return
    counted = f"{done.added} track{'' if done.added == 1 else 's'} added"
    if broken:
        lines = [
            f"- **{session.plain(name)}** – {session.plain(reason, limit=300)}"
            for name, reason in broken[:_NAMED]
        ]
        if len(broken) > _NAMED:
            lines.append(f"- and {len(broken) - _NAMED} more, all in the CSV")
        st.warning(
            f"{counted}, {len(broken)} could not be heard:\n"
            + "\n".join(lines)
            + (f"\n\n{notes}" if notes else ""),
            icon=":material/hearing_disabled:",
        )
    else:
        st.info(f"{counted}. {notes}", icon=":material/info:")
    st.button(
        "Dismiss",
        key="compare-dismiss",
        on_click=lambda: st.session_state.pop("compare_report", None),
    )
