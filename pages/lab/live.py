"""Train it live: two small networks learn while the class watches, one with augmentation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
import torch

from crnn import audio, augment, inference, results, viz
from crnn.errors import AudioError, CrnnError
from crnn.sources import archive
from crnn.sources.examples import EXAMPLES
from pages.lab import rack
from pages.shared import cache, queue, session, sources
from pages.shared.controls import choose
from pages.shared.markdown import escape
from pages.text import content
from pages.text import live as text

if TYPE_CHECKING:
    from torch import Tensor

    from crnn.audio.decode import Waveform
    from crnn.augment.comparison import Comparison, Split
    from crnn.augment.plan import Strengths

_RACK = "As set in Experiment"
_OWN = "Own folders"
_EVERY = 1.0  # seconds between two drawings
_SLICE = 0.7  # seconds of training between two drawings
_HEIGHT = 185  # of the curves, in px
_LISTED = 8  # files that could not be used

# A figure that is replaced in place: Streamlit mounts plotly's anew whenever they change.
_mount = st.components.v2.component(
    "curves",
    html='<div class="curves"></div>',
    css=".curves { color: var(--st-text-color); font-family: var(--st-font); "
    "margin: 0 8px 0 44px; }",
    js="export default ({ data, parentElement }) => {"
    " parentElement.querySelector('.curves').innerHTML = data }",
)


@dataclass(frozen=True, eq=False)
class _Music:
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
    music: _Music | None = None


@dataclass(frozen=True)
class _Track:
    name: str
    digest: str  # of the file
    mel: Tensor
    crop: bytes  # its middle crop as WAV


@dataclass(eq=False)
class _Training:
    """A visitor's training, its own ticket in the line; no comparison before its turn has come.

    own: the visitor's music; None for the examples.
    """

    chosen: str
    strengths: Strengths
    own: _Music | None = None
    comparison: Comparison | None = None
    stopped: bool = False

    @property
    def running(self) -> bool:
        return not (self.stopped or (self.comparison is not None and self.comparison.done))


@cache.shared()
def line() -> queue.Line:
    """Who trains, one at a time for the whole server."""
    return queue.Line()


def show() -> None:
    """What is learned, the controls, both networks' curves and answers, what full training gave."""
    training: _Training | None = st.session_state.get("training")
    running = training is not None and training.running
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="live-bar")
    with bar:
        more = {"disabled": running, "on_change": _forget_training}
        music = choose("Music", ["Examples", _OWN], "train_on", **more)
    own = _own_music() if music == _OWN else None
    missing = own is None and music == _OWN
    with bar:
        options = [*augment.comparison.SETS, _RACK]
        chosen = choose("Augmentation", options, "train_with", widget=st.pills, disabled=running)
        strengths = _strengths(chosen)
        ready = bool(text.used(strengths)) and not missing
        if running:
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(training,))
        else:
            st.button(
                "Train again" if training else "Train both networks",
                icon=":material/play_arrow:",
                type="primary" if ready else "secondary",
                on_click=_start,
                args=(chosen, strengths, own),
                disabled=not ready,
            )
        st.space("stretch")
        choose("Curves of", ["Accuracy", "Loss"], "curve_of")
    if missing:
        return
    if training is None:
        st.markdown(text.about(own.sizes if own else None))
    st.caption(text.setting(training.strengths if running else strengths))
    with st.container(key="live", gap="xsmall"):
        st.fragment(_watch, run_every=_EVERY if running else None)()
    if training is None:
        st.markdown(f":material/front_hand: **Guess first.** {content.load('live')['ask']}")
    elif not running:
        _findings(training)


def _strengths(chosen: str) -> Strengths:
    if chosen in augment.comparison.SETS:
        return augment.comparison.SETS[chosen]
    return rack.current(session.classifiers()[0].front_end)


def _start(chosen: str, strengths: Strengths, own: _Music | None) -> None:
    st.session_state.training = _Training(chosen, strengths, own)


def _forget_training() -> None:
    """What is shown is about the music that is chosen."""
    st.session_state.pop("training", None)


def _stop(training: _Training) -> None:
    training.stopped = True
    line().leave(training)
    if training.comparison is None:  # it never had its turn
        del st.session_state.training


def _watch() -> None:
    """Draw what has been learned so far, then train for a moment; drawn again every second."""
    training: _Training | None = st.session_state.get("training")
    if training is None:
        return
    if training.comparison is None and (not training.running or not _begin(training)):
        return
    comparison = training.comparison
    assert comparison is not None
    st.progress(comparison.step / comparison.steps, text.progress(comparison, training.stopped))
    loss = st.session_state.get("curve_of") == "Loss"
    for network, column in enumerate(st.columns(2, gap="medium")):
        with column:
            st.markdown(f"##### {augment.comparison.NAMES[network]}")
            last = comparison.history[-1]
            alt = text.curves(last, network)
            svg = viz.augmentation.learning(
                comparison.history, network, comparison.steps, loss, alt
            )
            _mount(key=f"curves-{network}", data=svg, height=_HEIGHT)
            with st.container(key=f"gap-{network}"):
                st.markdown(text.gap(last, network, training.own is not None))
    _held_out(comparison, training.own or _examples())
    if training.running and line().ahead(training) == 0:
        _train(training, comparison)
        if not training.running:
            line().leave(training)
            st.rerun()


def _begin(training: _Training) -> bool:
    """Make the networks once the turn has come; otherwise say how many are ahead."""
    if ahead := line().ahead(training):
        st.info(text.waiting(ahead), icon=":material/hourglass_top:")
        return False
    with st.spinner("Opening the songs…"), queue.turn():
        split = (training.own or _examples()).split
        training.comparison = augment.comparison.Comparison(split, training.strengths)
    return True


def _train(training: _Training, comparison: Comparison) -> None:
    """Some training steps; between two of them, others have their turn."""

    def still_here(_: int) -> None:
        _ = "training" in st.session_state  # raises once the visitor has left
        line().ahead(training)

    end = time.monotonic() + _SLICE
    while True:
        with queue.process_queue().turn(still_here):
            comparison.advance()
        if comparison.done or time.monotonic() > end:
            break


@cache.shared()
def _examples() -> _Music:
    """The bundled clips; their spectrograms take 160 kB each."""
    songs = list(EXAMPLES.values())
    titles = tuple(song.title for song in songs)
    mels = [_log_mel(_decode(song.file.read_bytes()).samples) for song in songs]
    split = augment.comparison.by_half(mels)
    return _Music(titles, split, titles, tuple(str(song.file) for song in songs))


def _decode(data: bytes, **limit: float) -> Waveform:
    front_end = augment.comparison.FRONT_END
    return queue.decode(data, sample_rate=front_end.sample_rate, downmix=front_end.downmix, **limit)


def _log_mel(samples: Any) -> Tensor:
    return audio.mel.log_mel(torch.from_numpy(samples), augment.comparison.FRONT_END)


def _own_music() -> _Music | None:
    """The visitor's folders, or fields for them; what could not be used is named."""
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
        _report(upload)
    return upload.music if upload is not None else None


def _report(upload: _Upload) -> None:
    """What is learned from, or why nothing is, and each file that could not be used."""
    lines = [f"- **{escape(name, 60)}** – {escape(reason)}" for name, reason in upload.failures]
    if len(lines) > _LISTED:
        lines[_LISTED:] = [f"- and {len(lines) - _LISTED} more"]
    if upload.refusal:
        st.error("\n".join([escape(upload.refusal), "", *lines]), icon=":material/folder_off:")
    if upload.music is None:
        return
    training = st.session_state.get("training")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text.own_music(upload.music.classes, upload.music.sizes), width="stretch")
        st.button(
            "Other folders",
            icon=":material/folder_open:",
            on_click=_forget_music,
            disabled=training is not None and training.running,
        )
    if lines and training is None:
        st.expander(text.not_used(len(upload.failures))).markdown("\n".join(lines))


def _forget_music() -> None:
    _forget_training()
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


def _split(tracks: dict[str, list[_Track]]) -> _Music:
    split = augment.comparison.by_track([[t.mel for t in each] for each in tracks.values()])
    by_mel = {id(track.mel): track for each in tracks.values() for track in each}
    held_out = [by_mel[id(each.mel)] for each in split.validation]
    return _Music(
        tuple(tracks),
        split,
        tuple(track.name for track in held_out),
        tuple(track.crop for track in held_out),
        tuple(map(len, tracks.values())),
    )


def _held_out(comparison: Comparison, music: _Music) -> None:
    """A moment that neither network has learned from, and both networks' answers."""
    st.markdown("##### A moment that neither has learned from")
    columns = st.columns([1.5, 1, 1, 1], gap="small")
    with columns[0]:
        number = st.selectbox(
            "Song",
            range(len(music.names)),
            format_func=lambda number: music.names[number],
            key=f"held_out-{id(music)}" if music.sizes else "held_out",
            label_visibility="collapsed",
        )
        crop, start = comparison.held_out(number)
        seconds = augment.comparison.CROP * augment.comparison.FRONT_END.hop_seconds
        start = 0.0 if music.sizes else start  # of a visitor's own, only the crop is kept
        st.audio(music.sounds[number], start_time=start, end_time=start + seconds)
    first, last = comparison.history[0].answers, comparison.history[-1].answers
    heads = ("Before training", *augment.comparison.NAMES)
    answers = (first[0, crop], last[0, crop], last[1, crop])
    for head, probs, column in zip(heads, answers, columns[1:], strict=True):
        column.caption(head)
        label = comparison.split.validation[number].label
        column.markdown(text.answer(probs.tolist(), music.classes, label))


def _findings(training: _Training) -> None:
    """What this training gives over several seeds, and what full training gave."""
    measured, own = results.load("live"), training.own
    if own is not None:
        st.markdown("##### Is one training enough to tell?")
        st.markdown(text.own_finding(len(own.names)))
    elif measured is not None:
        st.markdown("##### Is one training enough to tell?")
        st.markdown(text.finding(measured, training.chosen))
    st.markdown(content.load("live")["full" if own is None else "full_own"])
    with st.expander("What full training gave", icon=":material/table_chart:"):
        for name in ("VII-trained", "ablation"):
            if table := results.load(name):
                st.markdown(f"**{results.title(table)}**")
                st.dataframe(results.table(table), hide_index=True)
                st.caption(table["context"])
