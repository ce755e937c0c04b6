"""The comparison: a table of tracks, a map and a matrix of similarity, a player, downloads."""

from __future__ import annotations

from time import time
from typing import Any

import pandas as pd
import streamlit as st

from crnn import inference, viz
from crnn.format import percent
from crnn.labels import display
from pages.compare import batch_upload, state
from pages.shared import player, session
from pages.shared.controls import accept_renamed
from pages.shared.markdown import escape
from pages.text import predictions

_CSV = "utf-8-sig"  # with the mark by which spreadsheets know UTF-8

# Orders of the table besides by class.
_ADDED, _NAME, _LENGTH = "order added", "name", "length"
_PLAY, _REMOVE = "Play", "Remove"  # columns of buttons
_BAR = " "  # ends the name of a column of bars
# Columns besides the classes.
_COLUMNS = (_PLAY, "Track", _REMOVE, "Unusual", "Sounds most like", "Length (s)")


def show(tracks: list[inference.TrackSummary]) -> None:
    """Everything about the compared tracks; one alone is shown, too."""
    with st.container(horizontal=True):
        order, by = _choose_order(tracks), _choose_model(tracks)
    similarities = inference.similarity.cosine(tracks, by)
    left, right = st.columns([2, 1], gap="medium") if len(tracks) > 1 else (st.container(), None)
    with left:
        _table(tracks, similarities, order)
        _chosen(tracks)
    if right is None:
        st.info("Add a second track to compare.", icon=":material/compare_arrows:")
    else:
        with right:
            _map(tracks, similarities)
        _similarity(tracks, similarities)
    _remarks(tracks)
    _downloads(tracks, similarities)


def _choose_model(tracks: list[inference.TrackSummary]) -> int | None:
    """The number of the network whose embeddings are compared; None for both."""
    tasks = [prediction.task for prediction in tracks[0].predictions]
    accept_renamed("by", {f"The {task} network": f"{display(task)} model" for task in tasks})
    by = st.segmented_control(
        "Similarity by",
        ["both", *tasks],
        default="both",
        required=True,
        key="by",
        bind="query-params",
        format_func=lambda task: f"{display(task)} model{'s' if task == 'both' else ''}",
    )
    return None if by == "both" else tasks.index(by)


def _map(tracks: list[inference.TrackSummary], similarities: inference.prediction.Array) -> None:
    """Tracks as points; a click plays one."""
    figure = viz.prediction.similarity_map(
        tracks, inference.similarity.plane(similarities), "Map of similarity"
    )

    def choose() -> None:
        for point in st.session_state.map.selection.points:
            _play(tracks[point["point_index"]])

    alt = predictions.similarities(tracks, similarities)
    st.plotly_chart(figure, key="map", alt=alt, on_select=choose, selection_mode="points")
    st.caption("Close together: alike by the models' embeddings (PCA). Click a track to play it.")


def _play(track: inference.TrackSummary) -> None:
    """Play a track, from a click."""
    st.session_state.compare_chosen, st.session_state.compare_play = track.digest, time()


def _chosen(tracks: list[inference.TrackSummary]) -> None:
    """The player, and by keyboard what the table's buttons do, since no key reaches those."""
    by_digest = {track.digest: track for track in reversed(tracks)}
    if st.session_state.get("compare_chosen") not in by_digest:
        st.session_state.compare_chosen = tracks[-1].digest
    with st.container(horizontal=True, vertical_alignment="center"):
        digest = st.selectbox(
            "Track to play",
            by_digest,
            format_func=lambda digest: by_digest[digest].name,
            key="compare_chosen",
            on_change=lambda: _play(by_digest[st.session_state.compare_chosen]),
            label_visibility="collapsed",
        )
        track = by_digest[digest]
        st.button(
            "Remove",
            icon=":material/close:",
            on_click=state.remove,
            args=(track.digest,),
        )
    clicked = st.session_state.pop("compare_play", 0.0)
    if (played := _sound(track)) is None:
        st.caption("Your own files are not kept: of these, only the current track can be played.")
        return
    sound = player.Sound(track.name, played.sound, played.mime, played.peaks)
    player.show(f"compare-{track.digest}", track.name, [sound], played.seconds, play=clicked)


def _sound(track: inference.TrackSummary) -> session.Track | None:
    """An example's sound, or the current track's; others are not kept."""
    if track.example:
        return session.example_track(track.example, track.networks)
    return session.current() if track.digest == _current() else None


def _current() -> str | None:
    """The current track's digest."""
    current = session.current()
    return inference.similarity.digest(current.data) if current else None


def _remarks(tracks: list[inference.TrackSummary]) -> None:
    """What was changed or left out before the prediction."""
    remarks = []
    for track in tracks:
        notices = list(track.notices)
        if any(prediction.repeated for prediction in track.predictions):
            notices.append(
                f"Lasts {track.seconds:.1f} s; no part of it sounds for a whole segment without a "
                "pause, so it was repeated."
            )
        remarks += [f"- **{escape(track.name, 60)}** – {notice}" for notice in notices]
    if remarks:
        title = f"{len(remarks)} remark{'' if len(remarks) == 1 else 's'}"
        with st.expander(title, icon=":material/info:"):
            st.markdown("\n".join(remarks))


def _similarity(
    tracks: list[inference.TrackSummary], similarities: inference.prediction.Array
) -> None:
    """The matrix of any two tracks, folded."""
    with st.expander("Similarity of any two tracks", icon=":material/grid_on:"):
        st.plotly_chart(
            viz.prediction.similarity_matrix(tracks, similarities, "Similarity (cosine, −1 to 1)"),
            key="alike",
            alt=predictions.similarities(tracks, similarities),
        )
        st.caption(
            "Cosine similarity of the models' embeddings: 1 (red) = same, 0 (white) = unrelated, "
            "−1 (blue) = opposite. Two tracks can be alike in more than their predicted classes."
        )


def _choose_order(tracks: list[inference.TrackSummary]) -> str:
    orders = [_ADDED, _NAME, _LENGTH, *class_columns(tracks)]
    accept_renamed("sort", {order: display(order) for order in orders})
    order: str = st.selectbox(
        "Sort by", orders, format_func=display, key="sort", bind="query-params", width=220
    )
    return order


def _table(
    tracks: list[inference.TrackSummary], similarities: inference.prediction.Array, order: str
) -> None:
    classes = class_columns(tracks)
    frame = table(tracks, similarities, classes, order)
    rows = [tracks[number] for number in frame.index]
    current = _current()
    frame[_PLAY] = [
        ":material/play_arrow:" if track.example or track.digest == current else ""
        for track in rows
    ]
    frame[_REMOVE] = ":material/close:"
    # What is sorted by stands beside the name: a phone has room for few columns.
    first = [_PLAY, "Track", *([display(order)] if order in classes else []), _REMOVE]
    bars = [name for name in frame if name.endswith(_BAR)]

    def clicked(key: str) -> inference.TrackSummary:
        return rows[st.session_state[key].row]

    column = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        key="classes",
        row_height=40,
        column_order=[*first, *(name for name in frame if name not in first)],
        column_config={
            _PLAY: column.ButtonColumn(
                "",
                pinned=True,
                width=44,
                type="tertiary",
                key="compare-play",
                on_click=lambda: _play(clicked("compare-play")),
            ),
            "Track": column.TextColumn(pinned=True, width=130),
            _REMOVE: column.ButtonColumn(
                "",
                width=44,
                type="tertiary",
                key="compare-remove",
                on_click=lambda: state.remove(clicked("compare-remove").digest),
            ),
            "Unusual": column.TextColumn(width=72, help="Unlike the training music"),
            "Sounds most like": column.TextColumn(width=128),
            "Length (s)": column.NumberColumn(format="%.1f", width=90),
        }
        | {name: column.ImageColumn("", width=92) for name in bars}
        | {display(name): column.NumberColumn(format="%.0f%%", width=66) for name in classes},
        alt=f"Table of {len(tracks)} tracks with their genre and mood, the most similar track and "
        f"the probability of every class in percent, sorted by {display(order)}",
    )


def class_columns(tracks: list[inference.TrackSummary]) -> dict[str, tuple[int, str]]:
    """Network and label by column; with the task in a name that is not the label's alone."""
    labels = [(i, p.task, label) for i, p in enumerate(tracks[0].predictions) for label in p.labels]
    names = [display(label) for _, _, label in labels]
    names += map(display, (_ADDED, _NAME, _LENGTH, *_COLUMNS))
    names += [
        f"Top {prediction.task}{end}" for prediction in tracks[0].predictions for end in ("", _BAR)
    ]
    return {
        label if names.count(display(label)) == 1 else f"{label} ({task})": (i, label)
        for i, task, label in labels
    }


def table(
    tracks: list[inference.TrackSummary],
    similarities: inference.prediction.Array,
    classes: dict[str, tuple[int, str]],
    order: str,
) -> pd.DataFrame:
    """A row a track, the newest first: name, top classes, flag, nearest, length, every class.

    Its index is the track's number. Ties keep their order.
    """
    columns: dict[str, list[Any]] = {"Track": [track.name for track in tracks]}
    for i, prediction in enumerate(tracks[0].predictions):
        each = [track.predictions[i] for track in tracks]
        tops = [p.ranked()[0] for p in each]
        task = f"Top {prediction.task}"
        columns[task] = [f"{display(label)} {percent(p)}" for label, p in tops]
        columns[f"{task}{_BAR}"] = [viz.prediction.bar(p) for p in each]
    flags = [any(p.ood and p.ood.is_ood for p in track.predictions) for track in tracks]
    columns["Unusual"] = ["⚠" if flag else "" for flag in flags]
    if nearest := inference.similarity.nearest(similarities):
        columns["Sounds most like"] = [tracks[other].name for other, _ in nearest]
    columns["Length (s)"] = [track.seconds for track in tracks]
    for name, (network, label) in classes.items():
        columns[display(name)] = [
            100 * track.predictions[network].to_dict()[label] for track in tracks
        ]
    frame = pd.DataFrame(columns).iloc[::-1]
    if order == _ADDED:
        return frame
    if order == _NAME:
        return frame.sort_values("Track", key=lambda names: names.str.casefold(), kind="stable")
    by = "Length (s)" if order == _LENGTH else display(order)
    return frame.sort_values(by, ascending=False, kind="stable")


def _downloads(
    tracks: list[inference.TrackSummary], similarities: inference.prediction.Array
) -> None:
    """CSV and link; one track or all of them removed."""
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            inference.similarity.csv(tracks, similarities, batch_upload.failures()).encode(_CSV),
            "comparison.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Clear all", icon=":material/delete_sweep:", on_click=state.clear)
