"""What a genre and a mood look like on average: spectrum and modulation of one class beside all others."""

import streamlit as st

from crnn import results

_KINDS = {"Genres": "genre", "Moods": "mood"}


def names(there: list[str]) -> list[str]:
    """Which of the results that are there this section shows."""
    return [name for name in there if name == "portraits"]


def show(mine: list[str]) -> None:
    """A class to choose; its three pictures, and what one sees."""
    from crnn.viz import class_profiles as portrait_figures
    from pages.text import class_profiles as portraits

    table = results.load(mine[0])
    if table is None:
        return
    kinds = {
        words: task for words, task in _KINDS.items() if len(table["classes"].get(task, {})) > 1
    }
    kind = st.segmented_control(
        "Of what",
        list(kinds),
        default=next(iter(kinds)),
        required=True,
        key="kind",
        bind="query-params",
        label_visibility="collapsed",
    )
    task = kinds[kind]
    classes = list(table["classes"][task])
    label = st.pills(
        "Class",
        classes,
        default=classes[0],
        required=True,
        key=f"class-{task}",
        bind="query-params",
        label_visibility="collapsed",
    )
    said = portraits.describe(table, task, label)
    st.markdown(f"**{label}**, {table['classes'][task][label]['tracks']} tracks: {' '.join(said)}")
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        portrait_figures.spectrum(table, task, label), key="spectrum", alt=f"{label}: {said[0]}"
    )
    right.plotly_chart(
        portrait_figures.modulation(table, task, label),
        key="modulation",
        alt=f"{label}: {' '.join(said[1:])}",
    )
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        portrait_figures.modulation_map(table, task, label),
        key="map",
        alt=portraits.describe_map(table, task, label),
    )
    right.markdown(portraits.HOW_TO_READ)
    st.caption(table["context"])
