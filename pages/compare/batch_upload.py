"""Batch upload: files are analysed one by one, failures are listed, no audio is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from crnn import audio, inference
from crnn.errors import AudioError, CrnnError
from crnn.sources import archive
from pages.compare import state
from pages.shared import models, queue, session, sources
from pages.shared.markdown import escape

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.typing import UploadedFile

# Failures listed on the page; the CSV has all of them.
_LISTED = 12

Key = tuple[str, int]  # the upload, and the position in it


@dataclass
class Report:
    """Outcome of a batch so far, in the session state: a rerun resumes an interrupted batch."""

    batch: str  # key of the uploader
    handled: set[Key] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)  # uploads
    added: int = 0
    duplicates: list[str] = field(default_factory=list)  # names
    failures: dict[Key, tuple[str, str]] = field(default_factory=dict)  # name and reason
    skipped: Counter[str] = field(default_factory=Counter)
    over_limit: int = 0
    cancelled: str = ""  # a sentence


@dataclass(frozen=True)
class _Entry:
    key: Key
    name: str
    read: Callable[[], bytes]
    upload: UploadedFile
    last: bool  # of its upload


def _report() -> Report | None:
    """The last batch's report, until the visitor dismisses it."""
    return st.session_state.get("compare_report")


def failures() -> list[tuple[str, str]]:
    """Name and reason of each file of the last batch that could not be analysed."""
    report = _report()
    return list(report.failures.values()) if report else []


def uploader_key(kind: str) -> str:
    """A new key after each batch, which empties the field and frees its files."""
    return f"compare-{kind}-{st.session_state.get('compare_batch', 0)}"


def analyse(widget: str, files: list[UploadedFile]) -> None:
    """Analyse all files, with a bar and a Cancel button; then rerun with an empty field."""
    report = _report()
    if report is None or report.batch != widget:
        report = st.session_state.compare_report = Report(widget)
    entries = _entries(files, report)
    total = len(report.handled) + len(entries)
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "Opening…")
        callback = {"on_click": _cancel, "args": (widget, total)}
        st.button("Cancel", key="compare-stop", icon=":material/stop:", **callback)
    for entry in entries:
        if state.own() >= archive.MAX_TRACKS:
            report.over_limit += 1
        else:
            _analyse(entry, bar, len(report.handled), total, report)
        report.handled.add(entry.key)
        if entry.last:
            _free(entry.upload)
    _finish(widget)
    st.rerun()


def _analyse(entry: _Entry, bar: DeltaGenerator, number: int, total: int, report: Report) -> None:
    name = inference.similarity.display_name(entry.name)
    text = f"{number + 1} of {total}: {escape(name, 60)}"

    def progress(fraction: float) -> None:
        bar.progress(min(1.0, (number + fraction) / total), text)

    progress(0.0)
    try:
        with queue.turn(bar, number / total, f"{text} – "):
            data = entry.read()
            if state.has(inference.similarity.digest(data)):
                report.duplicates.append(name)
                return
            track = inference.similarity.summarise_file(
                name, data, session.classifiers(), progress, queue.decode, networks=models.key()
            )
    except CrnnError as error:
        report.failures[entry.key] = (name, str(error))
        return
    state.add(track)
    report.added += 1


def _entries(files: list[UploadedFile], report: Report) -> list[_Entry]:
    """Possible tracks that are not handled yet; zip members are read without unpacking to disk."""
    entries: list[_Entry] = []
    for file in files:
        file_id = file.file_id
        first_time = file_id not in report.opened
        report.opened.add(file_id)
        head = file.read(4)
        file.seek(0)
        if archive.is_zip(head):
            try:
                opened = archive.Archive(file)
            except AudioError as error:
                report.failures[file_id, -1] = (file.name, str(error))
                continue
            if first_time:
                report.skipped += opened.skipped
            last = len(opened.members) - 1
            entries += [
                _Entry((file_id, i), member.filename, partial(opened.read, member), file, i == last)
                for i, member in enumerate(opened.members)
            ]
        elif audio.names.skip_reason(file.name) == audio.names.SYSTEM:
            report.skipped[audio.names.SYSTEM] += first_time
        else:
            entries.append(_Entry((file_id, 0), file.name, file.getvalue, file, True))
    return [entry for entry in entries if entry.key not in report.handled]


def _free(file: UploadedFile) -> None:
    sources.free(file.file_id)
    file.close()


def _finish(widget: str) -> None:
    for file in st.session_state.get(widget) or []:
        if hasattr(file, "close"):
            _free(file)
    st.session_state.compare_batch = st.session_state.get("compare_batch", 0) + 1


def _cancel(widget: str, total: int) -> None:
    if (report := _report()) is not None:
        report.cancelled = f"Cancelled after {len(report.handled)} of {total} files."
    _finish(widget)


def show_report() -> None:
    """Show the outcome of the last batch until the visitor dismisses it."""
    report = _report()
    if report is None:
        return
    failed = [f"- **{escape(name, 60)}** – {escape(reason, 300)}" for name, reason in failures()]
    notes = [report.cancelled, archive.describe_skipped(report.skipped)]
    if report.duplicates:
        names = ", ".join(escape(name, 60) for name in report.duplicates[:_LISTED])
        more = len(report.duplicates) - _LISTED
        notes.append(f"Already in the list: {names}{f' and {more} more' if more > 0 else ''}.")
    if report.over_limit:
        notes.append(
            f"{report.over_limit} more left out: you can compare up to {archive.MAX_TRACKS} of "
            "your own tracks at once."
        )
    note = " ".join(filter(None, notes))
    if not failed and not note:
        return
    added = f"{report.added} track{'' if report.added == 1 else 's'} added"
    if failed:
        if len(failed) > _LISTED:
            failed[_LISTED:] = [f"- and {len(failed) - _LISTED} more; the CSV lists them all"]
        lines = [f"{added}, {len(report.failures)} failed:", *failed, *(["", note] if note else [])]
        st.warning("\n".join(lines), icon=":material/hearing_disabled:")
    else:
        st.info(f"{added}. {note}", icon=":material/info:")
    dismiss = partial(st.session_state.pop, "compare_report", None)
    st.button("Dismiss", key="compare-dismiss", on_click=dismiss)
