"""The comparison: bars, similarity, a table of all classes, downloads."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from crnn import inference, viz
from crnn.labels import display
from pages.compare import batch_upload, state
from pages.shared.controls import accept_renamed
from pages.shared.markdown import escape
from pages.shared.navigation import link
from pages.text import predictions

_CSV = "utf-8-sig"  # with the mark by which spreadsheets know UTF-8

# Orders of the table besides by class.
_ADDED, _NAME, _LENGTH = "order added", "name", "length"
_COLUMNS = ("Track", "Sounds most like", "Length (s)")  # of the table besides the classes


def show(tracks: list[inference.TrackSummary]) -> None:
    """Everything about the compared tracks; one alone is shown, too."""
    indices = _in_charts(tracks)
    shown = [tracks[i] for i in indices]
    for number, column in enumerate(st.columns(len(tracks[0].predictions), gap="large")):
        task = tracks[0].predictions[number].task
        column.plotly_chart(
            viz.prediction.composition(shown, number, f"Top 3 {task}s"),
            key=f"made-{number}",
            alt=predictions.comparison(shown, number),
        )
    _remarks(tracks)
    if len(tracks) == 1:
        st.info("Add a second track to compare.", icon=":material/compare_arrows:")
        similarities = inference.similarity.cosine(tracks)
    else:
        similarities = _similarity(tracks, indices)
    _table(tracks, similarities)
    _downloads(tracks, similarities)


def _in_charts(tracks: list[inference.TrackSummary]) -> list[int]:
    """Indices of the tracks in charts: all where they are few, else the visitor's choice."""
    limit = inference.similarity.MAX_SHOWN
    if len(tracks) <= limit:
        return list(range(len(tracks)))
    digests = [track.digest for track in tracks]
    chosen = [digest for digest in st.session_state.get("compare_drawn", []) if digest in digests]
    st.session_state.compare_drawn = chosen or digests[:limit]
    chosen = st.multiselect(
        f"Show in charts (max. {limit}); the table below has all {len(tracks)}",
        digests,
        max_selections=limit,
        format_func=lambda digest: tracks[digests.index(digest)].name,
        key="compare_drawn",
        persist_state="session",
    )
    return [digests.index(digest) for digest in chosen]


def _remarks(tracks: list[inference.TrackSummary]) -> None:
    """What was changed or left out before the prediction."""
    remarks = []
    for track in tracks:
        notices = list(track.notices)
        if any(prediction.repeated for prediction in track.predictions):
            notices.append(
                f"Lasts {track.seconds:.1f} s and was repeated to fill a segment of the model."
            )
        remarks += [f"- **{escape(track.name, 60)}** – {notice}" for notice in notices]
    if remarks:
        title = f"{len(remarks)} remark{'' if len(remarks) == 1 else 's'}"
        with st.expander(title, icon=":material/info:"):
            st.markdown("\n".join(remarks))


def _similarity(
    tracks: list[inference.TrackSummary], indices: list[int]
) -> inference.prediction.Array:
    """The similarity of the tracks in charts, and each one's nearest of all. Returns [N, N]."""
    st.subheader("Similarity", anchor=False)
    tasks = [prediction.task for prediction in tracks[0].predictions]
    accept_renamed("by", {f"The {task} network": f"{display(task)} model" for task in tasks})
    by = st.segmented_control(
        "By model",
        ["both", *tasks],
        default="both",
        required=True,
        key="by",
        bind="query-params",
        format_func=lambda task: f"{display(task)} model{'s' if task == 'both' else ''}",
        label_visibility="collapsed",
    )
    network = None if by == "both" else tasks.index(by)
    similarities = inference.similarity.cosine(tracks, network)
    nearest = inference.similarity.nearest(similarities)
    left, right = st.columns([3, 2], gap="large")
    if len(indices) > 1:
        shown, matrix = [tracks[i] for i in indices], similarities[indices][:, indices]
        left.plotly_chart(
            viz.prediction.similarity_matrix(shown, matrix, "Similarity (cosine, −1 to 1)"),
            key="alike",
            alt=predictions.similarities(shown, matrix),
        )
    with right:
        names = [f"**{escape(track.name, 40)}**" for track in tracks]
        lines = [
            f"- {predictions.nearest(names[i], names[nearest[i][0]], nearest[i][1])}"
            for i in indices
        ]
        st.markdown("\n".join(lines))
        st.caption(
            "Cosine similarity of the models' embeddings: 1 (red) = same, 0 (white) = unrelated, "
            "−1 (blue) = opposite. Two tracks can be alike in more than their predicted classes."
        )
    return similarities


def _table(tracks: list[inference.TrackSummary], similarities: inference.prediction.Array) -> None:
    st.subheader("All classes", anchor=False)
    classes = class_columns(tracks)
    orders = [_ADDED, _NAME, _LENGTH, *classes]
    accept_renamed("sort", {order: display(order) for order in orders})
    order = st.selectbox(
        "Sort by", orders, format_func=display, key="sort", bind="query-params", width=260
    )
    frame = table(tracks, similarities, classes, order)
    # A phone has room for three columns.
    first = ["Track", display(order)] if order in classes else ["Track"]
    column = st.column_config
    st.dataframe(
        frame,
        hide_index=True,
        key="classes",
        column_order=[*first, *(name for name in frame if name not in first)],
        column_config={
            "Track": column.TextColumn(pinned=True, width=150),
            "Sounds most like": column.TextColumn(width=150),
            "Length (s)": column.NumberColumn(format="%.1f", width=90),
        }
        | {display(name): column.NumberColumn(format="%.0f%%", width=66) for name in classes},
        alt=f"Table of {len(tracks)} tracks with the probability of every class in percent, sorted "
        f"by {display(order)}",
    )


def class_columns(tracks: list[inference.TrackSummary]) -> dict[str, tuple[int, str]]:
    """Network and label by column; with the task in a name that is not the label's alone."""
    labels = [(i, p.task, label) for i, p in enumerate(tracks[0].predictions) for label in p.labels]
    names = [display(label) for _, _, label in labels]
    names += map(display, (_ADDED, _NAME, _LENGTH, *_COLUMNS))
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
    """A row a track: name, every class in percent, nearest track, length. Ties keep their order."""
    columns = {"Track": [track.name for track in tracks]}
    for name, (network, label) in classes.items():
        columns[display(name)] = [
            100 * track.predictions[network].to_dict()[label] for track in tracks
        ]
    if nearest := inference.similarity.nearest(similarities):
        columns["Sounds most like"] = [tracks[other].name for other, _ in nearest]
    frame = pd.DataFrame(columns | {"Length (s)": [track.seconds for track in tracks]})
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
        own = state.own()
        stays = "track stays" if own == 1 else f"{own} tracks stay"
        link(
            "Opens the same examples, sorted and compared as here."
            + (f" Your own {stays} with you." if own else "")
        )
        with st.popover("Remove", icon=":material/playlist_remove:"):
            names = {track.digest: track.name for track in tracks}
            st.selectbox(
                "Which track",
                list(names),
                index=None,
                format_func=names.get,
                key="compare_away",
                placeholder="Choose one",
                on_change=_remove,
            )
        st.button("Clear all", icon=":material/delete_sweep:", on_click=state.clear)


def _remove() -> None:
    if st.session_state.compare_away:
        state.remove(st.session_state.compare_away)
        st.session_state.compare_away = None
