"""What to expect: accuracy on ever newer songs, and a card for each genre and mood."""

from typing import Any

import streamlit as st

from crnn import labels, results, viz
from pages.shared.controls import choose
from pages.text import class_profiles, content
from pages.text import results as text

_COLUMNS = 3


def show(available: list[str]) -> None:
    """The chart of generalisation; cards of the genres or the moods."""
    protocols = results.protocols()
    genre = {name: protocols[name] for name in ("P", "F", "N") if name in protocols}
    if genre:
        svm = (results.load("svm") or {}).get("protocols", {})
        figure = viz.evaluation.generalisation(genre, svm)
        st.plotly_chart(figure, key="far", alt=text.generalisation(genre))
        st.caption(content.load("results")["generalisation"])
    tasks = {"Genres": ["N", "F"], "Moods": ["M"]}
    measured = {
        kind: {text.NAMES[name]: protocols[name] for name in names if name in protocols}
        for kind, names in tasks.items()
    }
    kinds = [kind for kind, found in measured.items() if found]
    if kinds:
        st.subheader("By genre and mood", anchor=False)
        kind = choose("Genres or moods", kinds, "kind")
        _cards(measured[kind], results.load("portraits") if "portraits" in available else None)
        st.caption(content.load("results")["cards"])


def _cards(measured: dict[str, dict[str, Any]], profiles: dict[str, Any] | None) -> None:
    first = next(iter(measured.values()))
    palette = labels.colours(tuple(first["labels"]))
    for number, label in enumerate(first["labels"]):
        if number % _COLUMNS == 0:
            row = st.columns(_COLUMNS, gap="small")
        name = labels.display(label)
        with row[number % _COLUMNS].container(border=True, height="stretch"):
            mark = f"<span style='color:{palette[label]}' aria-hidden='true'>⬤</span>"
            st.markdown(f"#### {mark} {name}", unsafe_allow_html=True)
            st.markdown(text.card(measured, label))
            if profiles and label in profiles["classes"].get(first["task"], {}):
                st.plotly_chart(
                    viz.class_profiles.against_others(profiles, first["task"], label),
                    key=f"card-{label}",
                    alt=f"{name}: {class_profiles.describe(profiles, first['task'], label)[0]}",
                )
