"""What a genre or mood looks like on average: spectrum and rhythm beside those of the others."""

import streamlit as st

from crnn import results, viz
from crnn.labels import display
from pages.shared.controls import choose
from pages.text import class_profiles as text
from pages.text import content


def names(available: list[str]) -> list[str]:
    """The results that this section shows."""
    return [name for name in available if name == "portraits"]


def show(mine: list[str]) -> None:
    """A class to choose; its three figures, and their description."""
    table = results.load(mine[0])
    if table is None:
        return
    kinds = {"Genres": "genre", "Moods": "mood"}
    kinds = {title: task for title, task in kinds.items() if table["classes"].get(task)}
    task = kinds[choose("Genres or moods", list(kinds), "kind")]
    labels = {display(label): label for label in table["classes"][task]}
    renamed = {label: title for title, label in labels.items()}
    title = choose("Class", list(labels), f"class-{task}", renamed=renamed, widget=st.pills)
    label = labels[title]
    sentences = text.describe(table, task, label)
    count = table["classes"][task][label]["tracks"]
    st.markdown(f"**{title}**, {count} tracks: {' '.join(sentences)}")
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        viz.class_profiles.spectrum(table, task, label),
        key="spectrum",
        alt=f"{title}: {sentences[0]}",
    )
    right.plotly_chart(
        viz.class_profiles.modulation(table, task, label),
        key="modulation",
        alt=f"{title}: {' '.join(sentences[1:])}",
    )
    left, right = st.columns(2, gap="large")
    left.plotly_chart(
        viz.class_profiles.modulation_map(table, task, label),
        key="map",
        alt=text.describe_map(table, task, label),
    )
    right.markdown(content.load("results")["class_profiles"])
    st.caption(table["context"])
