"""Music that the Lab's small networks train on: the examples, or a visitor's own folders."""

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
from pages.text import training as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.audio.decode import Waveform
    from crnn.augment.comparison import Split

_LISTED = 8  # files that were not used


@dataclass(frozen=True, eq=False)
class TrainingMusic:
    """Music that the Lab's networks train on, split into training and validation.

    Attributes:
        classes: titles, not escaped.
        names: of the tracks in split.validation.
        sounds: of each of these, the path of its file (examples) or its middle crop as WAV bytes.
        sizes: number of tracks in each class; empty for the examples.
    """

    classes: tuple[str, ...]
    split: Split
    names: tuple[str, ...]
    sounds: tuple[str | bytes, ...]
    sizes: tuple[int, ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether it is a visitor's."""
        return bool(self.sizes)


@dataclass
class _Upload:
    """The outcome of one upload, kept in the session."""

    tracks: dict[str, list[_Track]] = field(default_factory=dict)  # by class
    failures: list[tuple[str, str]] = field(default_factory=list)  # name and reason
    refusal: str = ""  # why there is no music
    music: TrainingMusic | None = None


@dataclass(frozen=True)
class _Track:
    """A decoded track; kept until the split is made."""

    name: str
    digest: str  # of the file
    mel: Tensor
    crop: bytes  # its middle crop as WAV


@cache.shared()
def examples() -> TrainingMusic:
    """The bundled clips; their spectrograms take 160 kB each."""
    songs = list(EXAMPLES.values())
    titles = tuple(song.title for song in songs)
    mels = [_log_mel(_decode(song.file.read_bytes()).samples) for song in songs]
    split = augment.comparison.by_half(mels)
    return TrainingMusic(titles, split, titles, tuple(str(song.file) for song in songs))


def _decode(data: bytes, **limit: float) -> Waveform:
    front_end = augment.comparison.FRONT_END
    return queue.decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix, **limit)


def _log_mel(samples: Any) -> Tensor:
    return audio.mel.log_mel(torch.from_numpy(samples), augment.comparison.FRONT_END)


def choose_folders(busy: bool, list_failures: bool) -> TrainingMusic | None:
    """Show the upload fields, or what was uploaded; returns the visitor's music once it is usable.

    Args:
        busy: a training on it is running, so it can't be replaced.
        list_failures: show which files were not used.
    """
    texts, upload = content.load("training")["own"], st.session_state.get("own_music")
    if upload is None or upload.music is None:
        st.markdown(text.own_rules())
        number = st.session_state.get("own_music_number", 0)  # new fields after each upload
        left, right = st.columns(2, gap="medium")
        files = left.file_uploader(
            texts["folder"],
            type=list(audio.decode.AUDIO_SUFFIXES),
            accept_multiple_files="directory",
            max_upload_size=sources.LIMIT_MB,
            key=f"own-music-folder-{number}",
        )
        zipped = right.file_uploader(
            texts["zip"],
            type=[".zip"],
            max_upload_size=sources.LIMIT_MB,
            key=f"own-music-zip-{number}",
        )
        if files := files + [zipped] * (zipped is not None):
            _decode_uploads(files)
    if upload is not None:
        _report(upload, busy, list_failures)
    return upload.music if upload is not None else None


def _report(upload: _Upload, busy: bool, list_failures: bool) -> None:
    """Show classes and their sizes, or the reason for a refusal, and the files not used."""
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
    if lines and list_failures:
        st.expander(text.not_used(len(upload.failures))).markdown("\n".join(lines))


def _forget() -> None:
    st.session_state.pop("own_music", None)


def _decode_uploads(files: list[Any]) -> None:
    """Decode the uploaded files behind a progress bar, store the outcome in the session, rerun."""
    upload, number = _Upload(), st.session_state.get("own_music_number", 0)
    entries = _entries(files, upload)
    st.session_state.pop("own_music", None)  # a cancelled upload leaves nothing of the former one
    upload.refusal = text.refusal({name: len(each) for name, each in entries.items()})
    if not upload.refusal:
        per_class = archive.MAX_TRACKS // len(entries)
        waiting = []
        for label, tracks in entries.items():
            upload.tracks[label] = []
            waiting += [(label, *track) for track in tracks[:per_class]]
            upload.failures += [
                (name, text.over_limit(per_class)) for name, _ in tracks[per_class:]
            ]
        with st.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, "Opening…")
            st.button(
                "Cancel", icon=":material/stop:", on_click=_free_uploads, args=(number, files)
            )
        for count, (label, name, read) in enumerate(waiting):
            done = count / len(waiting)
            message = f"{count + 1} of {len(waiting)}: {escape(name, 60)}"
            bar.progress(done, message)
            try:
                with queue.turn(bar, done, f"{message} – "):
                    upload.tracks[label].append(_track(name, read(), upload))
            except CrnnError as error:
                upload.failures.append((name, str(error)))
        sizes = {label: len(tracks) for label, tracks in upload.tracks.items()}
        upload.refusal = text.refusal(sizes)
    if not upload.refusal:
        upload.music = _split(upload.tracks)
    upload.tracks = {}  # the split holds the spectrograms; free the rest
    st.session_state.own_music = upload
    _free_uploads(number, files)
    st.rerun()


def _free_uploads(number: int, files: list[Any]) -> None:
    """Free the uploaded files; the next run shows empty upload fields."""
    st.session_state.own_music_number = number + 1
    for file in files:
        sources.free(file.file_id)
        file.close()  # Streamlit still refers to it in the Cancel button and the upload field
    # The allocator would otherwise keep what arrived in small blocks: 120 MB of 60 WAV files.
    audio.worker.release_memory()


def _entries(files: list[Any], upload: _Upload) -> dict[str, list[tuple[str, Callable[[], bytes]]]]:
    """Name and reader of each possible track by its class, both sorted.

    Leading folders that all tracks share are skipped; the next folder is the class. Files that lie
    beside these folders are added to upload.failures, as are damaged ZIPs.
    """
    found: list[tuple[list[str], Callable[[], bytes]]] = []  # components of the path, and reader
    for file in files:
        if archive.is_zip(file.getvalue()[:4]):
            try:
                opened = archive.Archive(file)
            except AudioError as error:
                upload.failures.append((file.name, str(error)))
                continue
            found += [
                (_path_components(member.filename), partial(opened.read, member))
                for member in opened.members
            ]
        elif not audio.names.skip_reason(file.name):
            found.append((_path_components(file.name), file.getvalue))
    shared = 0  # leading folders that all tracks have in common
    while len({tuple(parts[: shared + 1]) for parts, _ in found}) == 1:
        if any(len(parts) <= shared + 1 for parts, _ in found):
            break
        shared += 1
    entries: dict[str, list[tuple[str, Callable[[], bytes]]]] = {}
    for parts, read in sorted(found, key=lambda each: each[0]):
        if len(parts) <= shared + 1:
            upload.failures.append((parts[-1], content.load("training")["own"]["no_folder"]))
        else:
            entries.setdefault(parts[shared], []).append((parts[-1], read))
    return entries


def _path_components(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part]


def _track(name: str, data: bytes, upload: _Upload) -> _Track:
    """Decode a track's excerpt. Raises CrnnError where it can't be used, also as a copy."""
    digest = inference.similarity.digest(data)
    for tracks in upload.tracks.values():
        for other in tracks:
            if other.digest == digest:
                raise AudioError(text.copy(other.name))
    # The last 30 s of the first minute: clips of the collections are 30 s long, and the first half
    # minute is often an intro.
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


def _split(tracks: dict[str, list[_Track]]) -> TrainingMusic:
    split = augment.comparison.by_track([[t.mel for t in each] for each in tracks.values()])
    # by_track returns spectrograms only: find the track of each by identity.
    by_mel = {id(track.mel): track for each in tracks.values() for track in each}
    validation = [by_mel[id(each.mel)] for each in split.validation]
    classes = tuple(tracks)
    return TrainingMusic(
        classes,
        split,
        tuple(
            f"{classes[excerpt.label]}: {track.name}"
            for excerpt, track in zip(split.validation, validation, strict=True)
        ),
        tuple(track.crop for track in validation),
        tuple(map(len, tracks.values())),
    )
