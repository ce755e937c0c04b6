"""The comparison drawn: bars, what sounds alike, the table of all classes, what can be taken home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.compare import batch_upload, state
from pages.shared import session
from pages.shared.share_link import link

if TYPE_CHECKING:
    from crnn.inference.prediction import Array
    from crnn.inference.similarity import TrackSummary


def show(tracks: list[TrackSummary]) -> None:
    """Everything about the tracks that are compared; one alone is shown too."""
    from crnn.inference import similarity
    from crnn.viz import prediction as compare_figures

    drawn = _drawn(tracks)
    chosen = [tracks[i] for i in drawn]
    for number, column in enumerate(st.columns(len(chosen[0].predictions), gap="large")):
        task = chosen[0].predictions[number].task.capitalize()
        column.plotly_chart(
            compare_figures.composition(
                chosen, number, f"{task}: the likeliest three and the rest"
            ),
            key=f"made-{number}",
            alt=compare_figures.told(chosen, number),
        )
    _remarks(tracks)
    if len(tracks) == 1:
        st.info(
            "One track so far: add a second one, and you see them side by side.",
            icon=":material/compare_arrows:",
        )
        similarities = similarity.cosine(tracks)
    else:
        similarities = _alike(tracks, drawn)
    _table(tracks, similarities)
    _take_home(tracks, similarities)


def _drawn(tracks: list[TrackSummary]) -> list[int]:
    """Which tracks are drawn: all where they are few, else the visitor's choice, at first the first ones."""
    from crnn.inference.similarity import MAX_SHOWN

    if len(tracks) <= MAX_SHOWN:
        return list(range(len(tracks)))
    digests = [track.digest for track in tracks]
    kept = [digest for digest in st.session_state.get("compare_drawn", []) if digest in digests]
    st.session_state.compare_drawn = kept or digests[:MAX_SHOWN]
    chosen = st.multiselect(
        f"Drawn, up to {MAX_SHOWN} of {len(tracks)}; the table below has all",
        digests,
        max_selections=MAX_SHOWN,
        format_func=lambda digest: tracks[digests.index(digest)].name,
        key="compare_drawn",
        persist_state="session",
    )
    return [digests.index(digest) for digest in chosen]


def _remarks(tracks: list[TrackSummary]) -> None:
    """What was changed or left out on the way to an answer."""
    said = [
        f"- **{session.plain(track.name)}** – {notice}"
        for track in tracks
        for notice in track.notices
    ]
    for track in tracks:
        short = [p for p in track.predictions if p.repeated]
        if short:
            said.append(
                f"- **{session.plain(track.name)}** – It lasts {track.seconds:.1f} s and was repeated to fill what the "
                "networks read at once."
            )
    if said:
        with st.expander(
            f"{len(said)} remark{'' if len(said) == 1 else 's'}", icon=":material/info:"
        ):
            st.markdown("\n".join(said))


def _alike(tracks: list[TrackSummary], drawn: list[int]) -> Array:
    """Which sound alike: the drawn ones as a picture, their nearest of all in words. Returns [N, N] of all."""
    from crnn.inference import similarity
    from crnn.viz import prediction as compare_figures

    st.subheader("Which sound alike", anchor=False)
    tasks = [prediction.task for prediction in tracks[0].predictions]
    by = st.segmented_control(
        "Heard by",
        ["both", *tasks],
        default="both",
        required=True,
        key="by",
        bind="query-params",
        format_func=lambda task: "Both networks" if task == "both" else f"The {task} network",
        label_visibility="collapsed",
    )
    similarities = similarity.cosine(tracks, None if by == "both" else tasks.index(by))
    nearest = similarity.nearest(similarities)
    left, right = st.columns([3, 2], gap="large")
    if len(drawn) > 1:
        chosen, part = [tracks[i] for i in drawn], similarities[drawn][:, drawn]
        left.plotly_chart(
            compare_figures.similarity_matrix(chosen, part, "How alike any two are, from −1 to 1"),
            key="alike",
            alt=compare_figures.told_alike(chosen, part),
        )
    with right:
        names = [f"**{session.plain(track.name, 40)}**" for track in tracks]
        lines = [
            f"- {compare_figures.told_nearest(names[i], names[nearest[i][0]], nearest[i][1])}"
            for i in drawn
        ]
        st.markdown("\n".join(lines))
        st.caption(
            "1 (red): the same to the networks, 0 (white): nothing in common, −1 (blue): opposites. Compared is what a network "
            "has made of a track just before it names a class (the cosine between its inner states, averaged over the track), "
            "so two tracks can be alike in more than their names for it."
        )
    return similarities


def _table(tracks: list[TrackSummary], similarities: Array) -> None:
    from crnn.inference import similarity

    st.subheader("All classes", anchor=False)
    classes = [name for _, _, name in similarity.columns(tracks)]
    order = st.selectbox(
        "Sort by",
        [similarity.ADDED, similarity.NAME, similarity.LENGTH, *classes],
        key="sort",
        bind="query-params",
        width=260,
    )
    number = st.column_config.NumberColumn
    rows = similarity.table(tracks, similarities, order)
    first = (
        ["Track", order] if order in classes else ["Track"]
    )  # a phone has room for three columns
    st.dataframe(
        rows,
        hide_index=True,
        key="classes",
        column_order=[*first, *(name for name in rows[0] if name not in first)],
        column_config={
            "Track": st.column_config.TextColumn(pinned=True, width=150),
            "Sounds most like": st.column_config.TextColumn(width=150),
            "Length (s)": number(format="%.1f", width=90),
        }
        | {name: number(format="%.0f %%", width=66) for name in classes},
        alt=f"Table of {len(tracks)} tracks with the probability of every class in percent, sorted by {order}",
    )
    st.caption(
        "Percent; each network's classes add up to 100. A click on a column's head sorts too, the loupe above the table searches."
    )


def _take_home(tracks: list[TrackSummary], similarities: Array) -> None:
    """CSV and link; one track or all of them away."""
    from crnn.inference import similarity

    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            similarity.csv(tracks, similarities, batch_upload.failures()),
            "comparison.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        own = state.own()
        link(
            "Opens the same examples, sorted and compared as here."
            + (
                f" Your own {'track stays' if own == 1 else f'{own} tracks stay'} with you."
                if own
                else ""
            )
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
                on_change=_away,
            )
        st.button("Clear all", icon=":material/delete_sweep:", on_click=state.clear)


def _away() -> None:
    if st.session_state.compare_away:
        state.remove(st.session_state.compare_away)
        st.session_state.compare_away = None
