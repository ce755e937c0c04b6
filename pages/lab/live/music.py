"""What the Lab's small networks learn from: the examples, or a visitor's own folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
import torch

from crnn import audio, augment, inference
from crnn.errors import AudioError, CrnnError
from crnn.sources import archive
from crnn.sources.examples import EXAMPLES
from pages.shared import cache, queue, sources
from pages.shared.markdown import escape
from pages.text import content
from pages.text import live as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.audio.decode import Waveform
    from crnn.augment.comparison import Split

_LISTED = 8  # files that could not be used


@dataclass(frozen=True, eq=False)
class Music:
    """What is learned from.

    Attributes:
        classes: titles, not escaped.
        names: of the tracks in split.validation; sounds: of each, a file, or its middle crop.
        sizes: tracks of each class, of a visitor's own.
    """

    classes: tuple[str, ...]
    split: Split
    names: tuple[str, ...]
    sounds: tuple[str | bytes, ...]
    sizes: tuple[int, ...] = ()


@dataclass
class _Upload:
    """What came of a visitor's folders, in the session."""

    tracks: dict[str, list[_Track]] = field(default_factory=dict)  # by class
    failures: list[tuple[str, str]] = field(default_factory=list)  # name and reason
    refusal: str = ""  # why they can't be learned from
    music: Music | None = None


@dataclass(frozen=True)
class _Track:
    """A decoded track, until all are there."""

    name: str
    digest: str  # of the file
    mel: Tensor
    crop: bytes  # its middle crop as WAV


@cache.shared()
def examples() -> Music:
    """The bundled clips; their spectrograms take 160 kB each."""
    songs = list(EXAMPLES.values())
    titles = tuple(song.title for song in songs)
    mels = [_log_mel(_decode(song.file.read_bytes()).samples) for song in songs]
    split = augment.comparison.by_half(mels)
    return Music(titles, split, titles, tuple(str(song.file) for song in songs))


def _decode(data: bytes, **limit: float) -> Waveform:
    front_end = augment.comparison.FRONT_END
    return queue.decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix, **limit)


def _log_mel(samples: Any) -> Tensor:
    return audio.mel.log_mel(torch.from_numpy(samples), augment.comparison.FRONT_END)


def own(busy: bool, tell: bool) -> Music | None:
    """The visitor's folders, or fields for them.

    Args:
        busy: whether they are learned from just now, and so can't be replaced.
        tell: whether files that could not be used are named.
    """
    texts, upload = content.load("live")["own"], st.session_state.get("own_music")
    if upload is None or upload.music is None:
        st.markdown(text.own_rules())
        number = st.session_state.get("own_music_number", 0)  # new fields after each upload
        columns = st.columns(2, gap="medium")
        files = []
        for kind, column in zip(("directory", False), columns, strict=True):
            given = column.file_uploader(
                texts["zip" if kind is False else "folder"],
                type=[".zip"] if kind is False else list(audio.decode.AUDIO_SUFFIXES),
                accept_multiple_files=kind,
                max_upload_size=sources.LIMIT_MB,
                key=f"own-music-{kind}-{number}",
            )
            files += given if isinstance(given, list) else [given] * (given is not None)
        if files:
            _take(files)
    if upload is not None:
        _report(upload, busy, tell)
    return upload.music if upload is not None else None


def _report(upload: _Upload, busy: bool, tell: bool) -> None:
    """What is learned from, or why nothing is, and each file that could not be used."""
    lines = [f"- **{escape(name, 60)}** – {escape(reason)}" for name, reason in upload.failures]
    if len(lines) > _LISTED:
        lines[_LISTED:] = [f"- and {len(lines) - _LISTED} more"]
    if upload.refusal:
        st.error("\n".join([escape(upload.refusal), "", *lines]), icon=":material/folder_off:")
    if upload.music is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text.own_music(upload.music.classes, upload.music.sizes), width="stretch")
        st.button(
            "Other folders",
            icon=":material/folder_open:",
            on_click=_forget,
            disabled=busy,
        )
    if lines and tell:
        st.expander(text.not_used(len(upload.failures))).markdown("\n".join(lines))


def _forget() -> None:
    st.session_state.pop("own_music", None)


def _take(files: list[Any]) -> None:
    """Decode what was given, with a bar; then rerun without the files."""
    upload, number = _Upload(), st.session_state.get("own_music_number", 0)
    entries = _entries(files, upload)
    st.session_state.pop("own_music", None)
    upload.refusal = text.refusal({name: len(each) for name, each in entries.items()})
    if not upload.refusal:
        share = archive.MAX_TRACKS // len(entries)
        waiting = [(label, *each) for label, found in entries.items() for each in found[:share]]
        for label, found in entries.items():
            upload.tracks[label] = []
            upload.failures += [(name, text.over_limit(share)) for name, _ in found[share:]]
        with st.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, "Opening…")
            st.button("Cancel", icon=":material/stop:", on_click=_cancel, args=(number, files))
        for place, (label, name, read) in enumerate(waiting):
            done, about = place / len(waiting), f"{place + 1} of {len(waiting)}: {escape(name, 60)}"
            bar.progress(done, about)
            try:
                with queue.turn(bar, done, f"{about} – "):
                    upload.tracks[label].append(_track(name, read(), upload))
            except CrnnError as error:
                upload.failures.append((name, str(error)))
        sizes = {label: len(tracks) for label, tracks in upload.tracks.items()}
        upload.refusal = text.refusal(sizes)
    if not upload.refusal:
        upload.music = _split(upload.tracks)
    upload.tracks = {}
    st.session_state.own_music = upload
    _cancel(number, files)
    st.rerun()


def _cancel(number: int, files: list[Any]) -> None:
    """Free the files; the fields are new in the next run."""
    st.session_state.own_music_number = number + 1
    for file in files:
        sources.free(file.file_id)
        file.close()  # the button's arguments and the field still name it
    # The allocator would otherwise keep what arrived in small blocks: 120 MB of 60 WAV files.
    audio.worker.release_memory()


def _entries(files: list[Any], upload: _Upload) -> dict[str, list[tuple[str, Callable[[], bytes]]]]:
    """Name and reader of each possible track by its class, both sorted.

    A class is the first folder that not all of them lie in.
    """
    found: list[tuple[list[str], Callable[[], bytes]]] = []
    for file in files:
        if archive.is_zip(file.getvalue()[:4]):
            try:
                opened = archive.Archive(file)
            except AudioError as error:
                upload.failures.append((file.name, str(error)))
                continue
            found += [
                (_parts(member.filename), partial(opened.read, member)) for member in opened.members
            ]
        elif not audio.names.skip_reason(file.name):
            found.append((_parts(file.name), file.getvalue))
    shared = 0
    while len({tuple(parts[: shared + 1]) for parts, _ in found}) == 1:
        if any(len(parts) <= shared + 1 for parts, _ in found):
            break
        shared += 1
    entries: dict[str, list[tuple[str, Callable[[], bytes]]]] = {}
    for parts, read in sorted(found, key=lambda each: each[0]):
        if len(parts) <= shared + 1:
            upload.failures.append((parts[-1], content.load("live")["own"]["no_folder"]))
        else:
            entries.setdefault(parts[shared], []).append((parts[-1], read))
    return entries


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part]


def _track(name: str, data: bytes, upload: _Upload) -> _Track:
    """A track's excerpt. Raises CrnnError."""
    digest = inference.similarity.digest(data)
    for tracks in upload.tracks.values():
        for other in tracks:
            if other.digest == digest:
                raise AudioError(text.copy(other.name))
    waveform = _decode(data, max_seconds=2 * text.EXCERPT_SECONDS)
    rate = waveform.sample_rate
    samples = waveform.samples[-text.EXCERPT_SECONDS * rate :]
    if len(samples) < text.SHORTEST_SECONDS * rate:
        raise AudioError(text.too_short(waveform.seconds))
    if max(samples.max(), -samples.min()) < audio.decode.SILENCE_PEAK:
        raise AudioError(text.silent())
    mel = _log_mel(samples)
    count = augment.comparison.CROP * augment.comparison.FRONT_END.hop_length
    first = augment.comparison.middle_crop(mel) * count
    crop = inference.to_wav(samples[first : first + count], rate)
    return _Track(name, digest, mel, crop)


def _split(tracks: dict[str, list[_Track]]) -> Music:
    split = augment.comparison.by_track([[t.mel for t in each] for each in tracks.values()])
    by_mel = {id(track.mel): track for each in tracks.values() for track in each}
    held_out = [by_mel[id(each.mel)] for each in split.validation]
    classes = tuple(tracks)
    return Music(
        classes,
        split,
        tuple(
            f"{classes[e.label]}: {t.name}" for e, t in zip(split.validation, held_out, strict=True)
        ),
        tuple(track.crop for track in held_out),
        tuple(map(len, tracks.values())),
    )
